"""The same study, whatever runs it: bit for bit, with real processes."""

import random
import sys

import pytest

from tests.processes import fresh, run, wait_until
from tests.studies import dump, write_small


@pytest.fixture(scope="module")
def expected(fresh_run) -> list[str]:
    """The study as one worker makes it, all processes started anew, with a hash seed of their own."""
    assert fresh_run.done.status == 0
    return dump(fresh_run.folder)


def test_the_study_has_what_makes_it_worth_comparing(expected) -> None:
    text = "\n".join(expected)
    assert text.count("state COMPLETE") + text.count("state PRUNED") == 24
    assert 5 <= text.count("state PRUNED") <= 19
    assert "\nbest " in text


@pytest.mark.parametrize("workers", [2, 4])
def test_the_number_of_workers_changes_nothing(expected, tmp_path, workers) -> None:
    write_small(tmp_path)
    assert run(tmp_path, "run", "--study", "small.toml", "--workers", workers).status == 0
    assert dump(tmp_path) == expected


def test_going_on_with_more_trials_changes_nothing(expected, tmp_path) -> None:
    write_small(tmp_path)
    for trials in (10, 24):
        assert run(tmp_path, "run", "--study", "small.toml", "--workers", 2, "--trials", trials).status == 0
        assert f"{trials - 1} state" in "\n".join(dump(tmp_path))
    assert dump(tmp_path) == expected


def test_ctrl_c_changes_nothing(expected, tmp_path) -> None:
    write_small(tmp_path)
    seed = random.randrange(sys.maxsize)
    print("seed of the moment:", seed)
    moment = random.Random(seed).randrange(1, 20)
    command = fresh(tmp_path, "-m", "tuner.run", "--study", "small.toml", "--workers", "2")
    wait_until(lambda: f"\n{moment}/24" in f"\n{command.out}")
    command.ctrl_c()
    done = command.wait(5)
    assert (done.status, done.err) == (130, ""), "and the workers are not heard of"
    assert run(tmp_path, "run", "--study", "small.toml", "--workers", 3).status == 0
    assert dump(tmp_path) == expected
