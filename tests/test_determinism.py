"""The same study, whatever runs it: bit for bit, with real processes."""

import random
import re
import sqlite3
import sys
from contextlib import closing

import pytest

from tests.processes import fresh, run, start, wait_until
from tests.studies import dump, write_small

TRIALS = 60
STUDY = ("--study", "small.toml", "--trials", str(TRIALS))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The study as one worker makes it, all processes started anew, with a hash seed of their own."""
    folder = tmp_path_factory.mktemp("one-worker")
    write_small(folder)
    assert fresh(folder, "-m", "tuner.run", *STUDY, "--workers", "1").wait().status == 0
    return dump(folder)


def test_the_study_has_what_makes_it_worth_comparing(expected) -> None:
    text = "\n".join(expected)
    assert text.count("state COMPLETE") + text.count("state PRUNED") == TRIALS
    assert 10 <= text.count("state PRUNED") <= 50
    assert re.search(r"audited [1-9]", text), "there is an audit"
    assert text.count(" reason ") in (TRIALS + 8, TRIALS + 10), "two finalists, two references and a 1se, twice"
    assert "\nbest " in text
    assert "\nHoldout(" in text


@pytest.mark.parametrize("workers", [2, 4])
def test_the_number_of_workers_changes_nothing(expected, tmp_path, workers) -> None:
    write_small(tmp_path)
    command = start(tmp_path, "run", *STUDY, "--workers", workers)

    def overlap() -> bool:
        path = tmp_path / "studies" / "studies.db"
        if not path.exists():
            return False
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            try:
                rows = connection.execute("SELECT count(*) FROM trials WHERE state = 'RUNNING'").fetchone()
            except sqlite3.OperationalError:
                return False  # its tables are being made
        return bool(rows[0] == workers)

    wait_until(overlap)
    assert command.wait().status == 0
    assert dump(tmp_path) == expected


def test_going_on_with_more_trials_changes_nothing(expected, tmp_path) -> None:
    write_small(tmp_path)
    for trials in (30, TRIALS):
        assert run(tmp_path, "run", *STUDY[:2], "--workers", 2, "--trials", trials).status == 0
        assert f"{trials - 1} state" in "\n".join(dump(tmp_path))
    assert dump(tmp_path) == expected


def test_the_default_sampler_is_as_deterministic(tmp_path) -> None:
    dumps = []
    for workers, goes in ((1, [20]), (2, [9, 20])):
        folder = tmp_path / str(workers)
        folder.mkdir()
        write_small(folder)
        for trials in goes:
            options = ("--set", "search.sampler=auto", "--workers", workers, "--trials", trials)
            assert run(folder, "run", *STUDY[:2], *options).status == 0
        dumps.append(dump(folder))
    assert dumps[0] == dumps[1]


def test_ctrl_c_changes_nothing(expected, tmp_path) -> None:
    write_small(tmp_path)
    seed = random.randrange(sys.maxsize)
    print("seed of the moment:", seed)
    moment = random.Random(seed).randrange(1, TRIALS - 4)
    command = fresh(tmp_path, "-m", "tuner.run", *STUDY, "--workers", "2")
    wait_until(lambda: f"; {moment} of {TRIALS}, " in command.out)
    command.ctrl_c()
    done = command.wait(60)
    assert (done.status, done.err) == (130, ""), "and the workers are not heard of"
    assert run(tmp_path, "run", *STUDY, "--workers", 3).status == 0
    assert dump(tmp_path) == expected
