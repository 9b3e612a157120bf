"""The store: which studies it has, what may change in them, and what is no store."""

import os
import shutil
import sqlite3
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from sqlalchemy import JSON, DateTime, Integer, String, event, insert

from tests.making import refused
from tests.search.making import FACTS, make_spec
from tests.search.storing import COMPLETE, PRUNED, SPEC, tell
from tuner.errors import UserError
from tuner.spec.sections import FLOAT32, Precision
from tuner.storage.schema import UUID_ATTRIBUTE, ArrayFile, Base, StudyRow
from tuner.storage.store import Store
from tuner.storage.study_status import read_statuses

# --- where


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(home))
    Store("sqlite:///~/x.db", create=True).close()
    assert read_statuses("sqlite:///~/x.db") == []
    assert ([*tmp_path.iterdir()], [*home.iterdir()]) == ([home], [home / "x.db"])


# --- which study


def test_names_are_those_of_the_tuner_s_studies_in_order(store, url) -> None:
    optuna.create_study(study_name="foreign", storage=url)
    for name in ("b", "a"):
        store.begin(make_spec(study={"name": name}), FACTS)
    assert store.names() == ["a", "b"]


def test_in_an_empty_store_it_is_said_how_to_run_a_study(store) -> None:
    assert "python -m tuner.run" in refused(store.open, "small").hint


def test_an_empty_study_of_another_direction_is_not_continued(store, url) -> None:
    optuna.create_study(study_name="small", storage=url, direction="maximize")
    try:
        store.begin(SPEC, FACTS)
    except UserError:
        return
    assert optuna.load_study(study_name="small", storage=url).direction.name == "MINIMIZE"


def test_a_study_that_was_cut_short_while_it_began_begins_again(store, monkeypatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(optuna.Study, "set_user_attr", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        store.begin(SPEC, FACTS)
    assert store.names() == []
    tell(store.begin(SPEC, FACTS), COMPLETE)
    assert store.open("small").outcomes() == {0: COMPLETE}


# --- what may change


@pytest.mark.parametrize(
    ("section", "key", "old", "new"),
    [
        ("study", "seed", 0, 1),
        ("study", "metric", '"loss"', "f1"),
        ("data", "label", "null", "flag"),
        ("task", "window", 6, 7),
        ("cv", "folds", 2, 3),
        ("train", "patience", 3, 4),
        ("search", "lag", 2, 1),
        ("space", "dropout", '{"low": 0.0, "high": 0.6, "default": 0.2}', 0.5),
    ],
)
def test_a_changed_key_is_named_with_what_it_was(store, study, section, key, old, new) -> None:
    error = refused(store.begin, make_spec(**{section: {key: new}}), FACTS)
    assert error.where == f"[{section}] {key}"
    assert f"`{key}` was {old} when the study began and is" in error.what
    assert "another `[study] name`" in error.hint


def test_the_number_of_trials_may_change(store, study) -> None:
    more = make_spec(study={"trials": 99})
    store.begin(more, FACTS).begin_run(more, {})
    assert store.open("small").spec.study.trials == 99


def test_equal_data_may_lie_elsewhere(store, study) -> None:
    store.begin(make_spec(data={"path": "/elsewhere/data.csv"}), FACTS)


def test_what_was_resolved_when_the_study_began_holds(store, study) -> None:
    assert store.begin(SPEC, replace(FACTS, precision=Precision(64))).facts.precision == FLOAT32


# --- the file


def pragma(url: str, name: str) -> Any:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_sqlite_writes_ahead(study, url) -> None:
    assert pragma(url, "journal_mode") == "wal"


def test_after_closing_a_plain_copy_of_the_file_holds_everything(url, tmp_path) -> None:
    store = Store(url, create=False)
    # another program that reads on: the last one to leave would write the log back by itself
    reader = sqlite3.connect(url.removeprefix("sqlite:///"))
    reader.execute("SELECT count(*) FROM studies").fetchall()
    tell(store.begin(SPEC, FACTS), COMPLETE, PRUNED)
    store.close()
    copy = shutil.copy(url.removeprefix("sqlite:///"), tmp_path / "copy.db")
    reader.close()
    copied = Store(f"sqlite:///{copy}", create=False)
    assert copied.open("small").outcomes() == {0: COMPLETE, 1: PRUNED}
    copied.close()


def test_closing_does_not_wait_for_a_reader_that_stays(url) -> None:
    store = Store(url, create=False)
    reader = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM studies").fetchall()
    tell(store.begin(SPEC, FACTS), COMPLETE)
    started = time.monotonic()
    store.close()
    assert time.monotonic() - started < 5
    reader.close()


def test_folders_are_made_for_a_new_store(tmp_path) -> None:
    Store(f"sqlite:///{tmp_path}/deep/down/studies.db", create=True).close()
    assert (tmp_path / "deep/down/studies.db").exists()


def test_a_damaged_database_is_refused(url) -> None:
    path = Path(url.removeprefix("sqlite:///"))
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * 4000 + content[4100:])
    refused(Store, url, create=False)


# the tables of a store before out-of-fold scores were kept with every trial
OLD = """
CREATE TABLE tuner_studies (uuid VARCHAR NOT NULL PRIMARY KEY, name VARCHAR, created DATETIME, spec JSON, facts JSON);
CREATE TABLE tuner_runs (id INTEGER NOT NULL PRIMARY KEY, study VARCHAR, started DATETIME, ended DATETIME, spec JSON,
    environment JSON);
CREATE TABLE tuner_outcomes (study VARCHAR NOT NULL, trial INTEGER NOT NULL, repeat INTEGER NOT NULL, outcome JSON,
    PRIMARY KEY (study, trial, repeat));
CREATE TABLE tuner_fold_curves (study VARCHAR NOT NULL, trial INTEGER NOT NULL, repeat INTEGER NOT NULL,
    fold INTEGER NOT NULL, train_loss JSON, valid_loss JSON, metric JSON, PRIMARY KEY (study, trial, repeat, fold));
"""


@pytest.mark.parametrize("act", [lambda url: Store(url, create=True), read_statuses])
def test_a_store_of_an_older_version_is_refused_in_one_sentence_and_left_as_it_was(tmp_path, act) -> None:
    path = tmp_path / "studies.db"
    optuna.create_study(study_name="small", storage=f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.executescript(OLD)
    connection.close()
    before = path.read_bytes()
    error = refused(act, f"sqlite:///{path}")
    assert error.what == "another version of the tuner made it: its table tuner_studies has no column `environment`"
    assert error.hint == "name another --storage, or use the version that made it"
    assert path.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_store_that_cannot_be_written_is_refused(url) -> None:
    Path(url.removeprefix("sqlite:///")).chmod(0o400)
    refused(lambda: Store(url, create=True).begin(SPEC, FACTS))


# --- deleting


def rows(url: str) -> dict[str, int]:
    """How many rows each table has, those left out that belong to no study."""
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = {"version_info", "alembic_version", "sqlite_sequence"}
        return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in {*names} - kept}  # noqa: S608


def fill(store: Store, study: str) -> None:
    """A row for the study in each of our tables, those included that come later."""
    examples = {String: "x", Integer: 7, JSON: {}, ArrayFile: np.zeros(2), DateTime: datetime.now(UTC)}
    with store.engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            if table is not StudyRow.__table__:
                row = {
                    column.name: study if column.foreign_keys else examples[type(column.type)]
                    for column in table.columns
                }
                connection.execute(insert(table).values(row))


def test_nothing_of_a_deleted_study_is_left(store, url, study) -> None:
    tell(study, COMPLETE, PRUNED)
    fill(store, optuna.load_study(study_name="small", storage=url).user_attrs[UUID_ATTRIBUTE])
    before = rows(url)
    assert all(before[name] for name in ("studies", "trials", "trial_values", *Base.metadata.tables))
    store.delete("small")
    assert set(rows(url).values()) == {0}
    assert store.names() == []


def test_another_study_is_left_as_it_was(store, url) -> None:
    names = ("kept", "gone")
    for name in names:
        tell(store.begin(make_spec(study={"name": name}), FACTS), COMPLETE, PRUNED)
    before = store.open("kept").outcomes(), rows(url)
    store.delete("gone")
    assert store.open("kept").outcomes() == before[0]
    assert rows(url) == {name: count // 2 for name, count in before[1].items()}


def test_a_deleted_study_can_be_begun_anew(store, study) -> None:
    tell(study, COMPLETE)
    store.delete("small")
    changed = make_spec(task={"window": 7})
    assert store.begin(changed, FACTS).outcomes() == {}


def test_a_study_that_is_not_ours_is_not_deleted(store, url) -> None:
    optuna.create_study(study_name="foreign", storage=url)
    assert "there is no study 'foreign'" in refused(store.delete, "foreign").what
    assert rows(url)["studies"] == 1


def test_names_are_found_without_reading_any_trial(store, study) -> None:
    asked: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    assert store.names() == [study.spec.study.name]
    assert asked
    # a full store would take many seconds to begin a run
    assert not [statement for statement in asked if "FROM trials" in statement]
