"""`path` as a real process on a small study: what it trains, stores, says and leaves, and how it ends."""

import json
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Command, run, start, wait_until
from tests.studies import SEARCH_ALONE, dump, write_small

DECAY = ("--study", "small", "--param", "weight_decay")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of four trials."""
    folder = tmp_path_factory.mktemp("finished")
    write_small(folder)
    assert run(folder, "run", "--study", "small.toml", "--trials", 4, *SEARCH_ALONE).status == 0
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of its store; the data stay where the store says they are."""
    (tmp_path / "studies").mkdir()
    shutil.copy(finished / "studies" / "studies.db", tmp_path / "studies")
    return tmp_path


def points(folder: Path) -> dict[str, Any]:
    """All that is stored of each point, its duration included: trained again, it would differ."""
    with closing(sqlite3.connect(folder / "studies" / "studies.db", timeout=10)) as store:
        rows = store.execute("SELECT configuration, outcome, curves FROM tuner_path_points").fetchall()
    return {row[0]: (json.loads(row[1]), row[2]) for row in rows}


def timeless(folder: Path) -> dict[str, Any]:
    return {
        key: ({name: value for name, value in outcome.items() if name != "seconds"}, curves)
        for key, (outcome, curves) in points(folder).items()
    }


def until_stored(command: Command, folder: Path, count: int) -> None:
    wait_until(lambda: len(points(folder)) >= count or command.ended)
    assert not command.ended


def test_a_path_is_trained_stored_said_and_drawn_and_a_second_call_trains_nothing(folder) -> None:
    before = dump(folder)
    done = run(folder, "path", *DECAY, "--points", 4, "--json")
    assert (done.status, done.err) == (0, "")
    *lines, last = done.events
    assert [line["event"] for line in lines] == ["point"] * len(lines)
    assert sorted(line["value"] for line in lines) == last["values"]
    assert {0.001, 0.02154, 0.4642, 10.0} <= set(last["values"])
    assert last["own"] in last["values"]
    assert not any(line["stored"] for line in lines)
    means = {line["value"]: line["mean"] for line in lines}
    assert last["best"]["mean"] == min(means.values())
    assert last["one_se"]["value"] >= last["best"]["value"]
    stored = points(folder)
    assert len(stored) == len(lines)
    report = folder / "studies" / "small" / "report.html"
    assert sorted(report.parent.iterdir()) == [report, report.with_name("study.toml")]
    assert "Regularisation path of weight_decay" in report.read_text()
    assert dump(folder) == before, "trials and choice are as they were"

    again = run(folder, "path", *DECAY, "--points", 4, "--json")
    *lines, repeated = again.events
    assert all(line["stored"] for line in lines)
    assert {line["value"]: line["mean"] for line in lines} == means
    assert {key: value for key, value in repeated.items() if key != "seconds"} == {
        key: value for key, value in last.items() if key != "seconds"
    }
    assert points(folder) == stored


def test_one_worker_and_two_and_interruptions_give_the_same_points(folder, finished, tmp_path_factory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "studies").mkdir()
    shutil.copy(finished / "studies" / "studies.db", other / "studies")
    arguments = (*DECAY, "--points", 16, "--quiet")
    whole = run(other, "path", *arguments, "--workers", 1)
    assert (whole.status, whole.out, whole.err) == (0, "", "")

    command = start(folder, "path", *arguments, "--workers", 2)
    until_stored(command, folder, 2)
    command.kill()
    kept = points(folder)
    command = start(folder, "path", *DECAY, "--points", 16, "--workers", 2)
    until_stored(command, folder, len(kept) + 2)
    command.ctrl_c()
    done = command.wait()
    assert done.status == 130
    assert "Run the same command to continue." in done.out
    assert not list((folder / "studies").glob("small/*.html"))
    assert run(folder, "path", *arguments, "--workers", 2).status == 0
    assert {key: points(folder)[key] for key in kept} == kept, "nothing is trained twice"
    assert timeless(folder) == timeless(other)


def test_people_are_shown_a_table_and_where_the_figure_is(folder) -> None:
    done = run(folder, "path", "--study", "small", "--param", "normalization", "--workers", 1)
    assert done.status == 0
    assert "small: regularisation path of normalization" in done.out
    first = [line.split()[0] for line in done.out.splitlines() if "±" in line and "SE" not in line]
    assert first[-3:] == ["none", "batch", "layer"]
    assert "The study fixes normalization" in done.out
    assert f"report: {Path('studies', 'small', 'report.html')}" in done.out


def test_data_that_are_gone_or_changed_are_one_message(tmp_path) -> None:
    write_small(tmp_path)
    assert run(tmp_path, "run", "--study", "small.toml", "--trials", 2, *SEARCH_ALONE).status == 0
    data = tmp_path / "data.csv"
    text = data.read_text()
    data.write_text(text.replace("0.", "1.", 1))
    assert "the data have changed since the study began" in run(tmp_path, "path", *DECAY, "--points", 2).refusal
    data.unlink()
    assert "there is no such file" in run(tmp_path, "path", *DECAY, "--points", 2).refusal


def test_a_path_and_a_run_of_the_same_study_do_not_go_together(folder) -> None:
    command = start(folder, "path", *DECAY, "--points", 40, "--workers", 1)
    until_stored(command, folder, 1)
    refused = run(folder, "path", "--study", "small", "--param", "dropout")
    command.signal(signal.SIGTERM)
    assert command.wait().status == 130
    assert refused.status == 2
    assert "is being run by process" in refused.err
