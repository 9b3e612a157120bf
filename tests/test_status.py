"""`status`: a table that fits a narrow terminal, JSON for programs, and what is said where there is nothing."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.processes import fresh, run
from tuner.storage.lock import file_lock


def test_a_finished_study_is_listed(fresh_run) -> None:
    done = run(fresh_run.folder, "status")
    assert (done.status, done.err) == (0, "")
    assert "small" in done.out
    assert "24 of 24" in done.out


def test_json_is_an_object_a_study(fresh_run, tmp_path) -> None:
    shutil.copytree(fresh_run.folder, tmp_path, dirs_exist_ok=True)
    result = json.loads(fresh_run.done.out.splitlines()[-1])
    values = [json.loads(line)["value"] for line in fresh_run.done.out.splitlines()[:-1]]
    states = [json.loads(line)["state"] for line in fresh_run.done.out.splitlines()[:-1]]
    with file_lock(tmp_path / "studies" / "studies.db.small.lock", "small"):
        done = run(tmp_path, "status", "--json")
    (line,) = done.out.splitlines()
    found = json.loads(line)
    best = min(value for value, state in zip(values, states, strict=True) if state == "COMPLETE")
    changed = datetime.fromisoformat(found.pop("changed"))
    assert timedelta() <= datetime.now(UTC) - changed < timedelta(hours=1)
    assert found.pop("running")["process"] == os.getpid()
    assert found == {
        "event": "study",
        "study": "small",
        "trials": 24,
        "wanted": 24,
        **{key: result[key] for key in ("complete", "pruned", "failed")},
        "metric": "loss",
        "best": {"trial": values.index(best), "value": best},
    }


def test_it_loads_no_torch(tmp_path: Path) -> None:
    done = fresh(tmp_path, "-X", "importtime", "-m", "tuner.status").wait()
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.err.splitlines()}
    assert "sqlalchemy" in imported
    assert imported & {"torch", "plotly", "pandas", "sklearn"} == set()
