"""Training one trial again, of a real small study."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.processes import run
from tests.studies import SEARCH_ALONE, write_small


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("replayed")
    write_small(folder)
    assert run(folder, "run", "--study", "small.toml", "--trials", 14, "--workers", 1, *SEARCH_ALONE).status == 0
    return folder


def states(folder) -> dict[int, str]:
    with closing(sqlite3.connect(folder / "studies" / "studies.db")) as store:
        return dict(store.execute("SELECT number, state FROM trials").fetchall())


@pytest.mark.parametrize("state", ["COMPLETE", "PRUNED"])
def test_a_trial_comes_out_the_same(folder, state) -> None:
    number = max(number for number, ended in states(folder).items() if ended == state)
    done = run(folder, "run", "--study", "small.toml", "--replay", number)
    assert done.status == 0
    assert f"trial {number}: bit-identical" in done.out


def test_on_other_data_it_does_not_and_that_is_said(folder, tmp_path) -> None:
    lines = (folder / "data.csv").read_text().splitlines()
    (folder / "other.csv").write_text("\n".join([*lines[:50], "0.125", *lines[51:]]))
    place = ("--study", "small.toml", "--set", "data.path=other.csv", "--replay", 1)
    done = run(folder, "run", *place)
    assert done.status == 1
    assert "trial 1 differs: its validation curve by at most" in done.out
    assert "changed since: the data" in done.out
    told = json.loads(run(folder, "run", *place, "--json").out)
    assert (told["event"], told["identical"], told["changed"]) == ("replay", False, ["the data"])
    assert told["distance"] > 0
