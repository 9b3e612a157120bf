"""The studies at a glance: counted right, quickly, while they are run, and without a trace in the store."""

import os
import signal
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy import Engine, event

from tests.making import known
from tests.processes import FORKS
from tests.search.making import FACTS, make_outcome, make_spec
from tests.search.storing import COMPLETE, FAILED, PRUNED, SPEC, tell
from tuner.spec.space import defaults
from tuner.storage.store import Store
from tuner.storage.study_status import Status, read_statuses


def only(url: str) -> Status:
    (status,) = read_statuses(url)
    return status


def state(url: str) -> dict[str, bytes]:
    """The store's file and all beside it."""
    path = Path(url.removeprefix("sqlite:///"))
    return {one.name: one.read_bytes() for one in path.parent.iterdir()}


def test_trials_are_counted_by_how_they_ended(store, url, study) -> None:
    tell(study, COMPLETE, PRUNED, FAILED, PRUNED)
    study.add(defaults(SPEC.space))
    status = only(url)
    assert (status.study, status.metric, status.wanted) == ("small", "loss", 12)
    assert (status.trials, status.complete, status.pruned, status.failed) == (4, 1, 2, 1)
    assert status.best == (0, 1.0)
    assert status.holder is None


def test_the_best_is_a_complete_trial_and_of_equals_the_first(store, url, study) -> None:
    tell(study, make_outcome([3.0]), make_outcome([2.0]), make_outcome([1.0], "pruned"), make_outcome([2.0]))
    assert only(url).best == (1, 2.0)


def test_where_more_is_better_the_best_is_the_highest(store, url) -> None:
    spec = make_spec(study={"metric": "f1"})
    tell(store.begin(spec, FACTS), *(make_outcome([value], maximise=True) for value in (0.2, 0.7, 0.4)))
    assert (only(url).metric, only(url).best) == ("f1", (1, 0.7))


def test_each_study_has_its_own_figures_in_the_order_of_names(store, url) -> None:
    tell(store.begin(make_spec(study={"name": "b", "trials": 5}), FACTS), COMPLETE, COMPLETE)
    tell(store.begin(make_spec(study={"name": "a"}), FACTS), PRUNED)
    optuna.create_study(study_name="foreign", storage=url).optimize(lambda trial: trial.suggest_float("x", 0, 1), 1)
    first, second = read_statuses(url)
    assert (first.study, first.trials, first.best) == ("a", 1, None)
    assert (second.study, second.trials, second.wanted, second.best) == ("b", 2, 5, (0, 1.0))


def test_the_last_change_is_that_of_trials_and_runs(store, url, study) -> None:
    begun = only(url).changed
    assert abs(begun - datetime.now(UTC)) < timedelta(minutes=1)
    time.sleep(0.01)
    tell(study, COMPLETE)
    told = only(url).changed
    assert told > begun
    study.begin_run(SPEC, {})
    assert only(url).changed > told


def test_a_running_study_says_who_runs_it(store, url, study) -> None:
    with store.lock("small"):
        holder = known(only(url).holder)
        assert holder.process == os.getpid()
    assert only(url).holder is None


def test_a_store_without_studies_has_none(store, url, tmp_path) -> None:
    assert read_statuses(url) == []
    sqlite3.connect(tmp_path / "empty.db").close()
    (tmp_path / "empty.db").touch()
    assert read_statuses(f"sqlite:///{tmp_path}/empty.db") == []
    optuna.create_study(storage=f"sqlite:///{tmp_path}/foreign.db")
    assert read_statuses(f"sqlite:///{tmp_path}/foreign.db") == []


# --- without a trace


def test_nothing_is_written_to_a_store_at_rest(url) -> None:
    store = Store(url, create=False)
    tell(store.begin(SPEC, FACTS), COMPLETE)
    store.close()
    before = state(url)
    assert only(url).trials == 1
    assert state(url) == before


def tell_and_die(url: str) -> None:
    tell(Store(url, create=False).begin(SPEC, FACTS), COMPLETE)
    os.kill(os.getpid(), signal.SIGKILL)


def test_nothing_is_written_to_a_store_whose_writer_was_killed(url) -> None:
    writer = FORKS.Process(target=tell_and_die, args=(url,))
    writer.start()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    before = {name: content for name, content in state(url).items() if not name.endswith("-shm")}
    assert before["studies.db-wal"]
    assert only(url).trials == 1
    assert {name: content for name, content in state(url).items() if not name.endswith("-shm")} == before


def test_a_writer_in_the_middle_of_a_commit_neither_waits_nor_is_waited_for(store, url, study) -> None:
    tell(study, COMPLETE)
    writer = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=0.1)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE tuner_studies SET name = 'other'")
    started = time.monotonic()
    assert only(url).study == "small"
    assert time.monotonic() - started < 1
    writer.execute("COMMIT")
    writer.close()
    assert only(url).study == "other"


# --- quickly


def test_no_trial_is_read_however_many_there_are(store, url, study) -> None:
    tell(study, COMPLETE)
    asked: list[str] = []

    def hear(*arguments: Any) -> None:
        asked.append(arguments[2])

    event.listen(Engine, "before_cursor_execute", hear)
    status = only(url)
    event.remove(Engine, "before_cursor_execute", hear)
    assert status.trials == 1
    assert any("FROM tuner_studies" in statement for statement in asked)
    assert not any("FROM trials" in statement or "FROM tuner_outcomes" in statement for statement in asked)
