"""The studies of a store at a glance: counted by the database itself; no trial is loaded and nothing is written."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from optuna.storages._rdb.models import (
    StudyDirectionModel,
    StudyModel,
    StudyUserAttributeModel,
    TrialModel,
    TrialValueModel,
)
from optuna.study import StudyDirection
from optuna.trial import TrialState
from sqlalchemy import Connection, Engine, case, create_engine, func, inspect, select

from tuner.storage.lock import Holder, advisory_holder, file_holder, lock_path
from tuner.storage.schema import UUID_ATTRIBUTE, RunRow, StudyRow
from tuner.storage.url import no_store, opening, shown, sqlite_file


@dataclass(frozen=True)
class Status:
    """A study at a glance.

    Attributes:
        wanted: how many trials its file asks for.
        complete, pruned, failed: how many trials ended so.
        best: number and value of the best complete trial so far, before any repeats; None while there is none.
        holder: who runs the study; None if nobody does.
        changed: when a trial or a run last began or ended.
    """

    study: str
    metric: str
    wanted: int
    complete: int
    pruned: int
    failed: int
    best: tuple[int, float] | None
    holder: Holder | None
    changed: datetime

    @property
    def trials(self) -> int:
        return self.complete + self.pruned + self.failed


def read_statuses(url: str) -> list[Status]:
    """The studies of the store that the tuner made, by name.

    Raises:
        UserError: the store is missing, or cannot be opened.
    """
    with opening(url) as address:
        path = sqlite_file(address)
        if path is not None and not path.exists():
            raise no_store(shown(address))
        engine = create_engine(url) if path is None else _read_only(path)
        try:
            with engine.connect() as connection:
                return statuses(connection, path)
        finally:
            engine.dispose()


def statuses(connection: Connection, path: Path | None) -> list[Status]:
    """As `read_statuses`, from a connection to the store; `path` is that of a SQLite file."""
    if not inspect(connection).has_table(StudyRow.__tablename__):
        return []
    counts: dict[int, dict[TrialState, int]] = {}
    changes: dict[int, list[datetime | None]] = {}
    for study, state, count, *times in connection.execute(_COUNTS):
        counts.setdefault(study, {})[state] = count
        changes.setdefault(study, []).extend(times)
    runs = {study: times for study, *times in connection.execute(_RUNS)}
    best = {study: (number, value) for study, number, value in connection.execute(_BEST)}
    found = []
    for row in connection.execute(_STUDIES):
        count = counts.get(row.study_id, {})
        times = [row.created, *changes.get(row.study_id, []), *runs.get(row.uuid, [])]
        found.append(
            Status(
                study=row.study_name,
                metric=row.spec["study"]["metric"],
                wanted=row.spec["study"]["trials"],
                complete=count.get(TrialState.COMPLETE, 0),
                pruned=count.get(TrialState.PRUNED, 0),
                failed=count.get(TrialState.FAIL, 0),
                best=best.get(row.study_id),
                holder=_holder(connection, path, row.study_name),
                # both Optuna and our own tables keep UTC without saying so
                changed=max(time for time in times if time is not None).replace(tzinfo=UTC),
            )
        )
    return found


_STUDIES = (
    select(StudyModel.study_id, StudyModel.study_name, StudyRow.uuid, StudyRow.created, StudyRow.spec)
    .join(StudyUserAttributeModel, StudyUserAttributeModel.study_id == StudyModel.study_id)
    # attributes are kept as JSON
    .join(StudyRow, StudyUserAttributeModel.value_json == '"' + StudyRow.uuid + '"')
    .where(StudyUserAttributeModel.key == UUID_ATTRIBUTE)
    .order_by(StudyModel.study_name)
)

_COUNTS = select(
    TrialModel.study_id,
    TrialModel.state,
    func.count(),
    func.max(TrialModel.__table__.c.datetime_start),
    func.max(TrialModel.__table__.c.datetime_complete),
).group_by(TrialModel.study_id, TrialModel.state)

_RUNS = select(RunRow.study, func.max(RunRow.started), func.max(RunRow.ended)).group_by(RunRow.study)

_LOSS = case(
    (StudyDirectionModel.direction == StudyDirection.MAXIMIZE, -TrialValueModel.value), else_=TrialValueModel.value
)
_RANKED = (
    select(
        TrialModel.study_id,
        TrialModel.number,
        TrialValueModel.value,
        func.row_number().over(partition_by=TrialModel.study_id, order_by=(_LOSS, TrialModel.number)).label("rank"),
    )
    .join(TrialValueModel, TrialValueModel.trial_id == TrialModel.trial_id)
    .join(StudyDirectionModel, StudyDirectionModel.study_id == TrialModel.study_id)
    .where(TrialModel.state == TrialState.COMPLETE, TrialValueModel.value.is_not(None))
    .subquery()
)
_BEST = select(_RANKED.c.study_id, _RANKED.c.number, _RANKED.c.value).where(_RANKED.c.rank == 1)


def _holder(connection: Connection, path: Path | None, study: str) -> Holder | None:
    if connection.dialect.name == "postgresql":
        return advisory_holder(connection, study)
    return None if path is None else file_holder(lock_path(path, study))


def _read_only(path: Path) -> Engine:
    """An engine that only reads the SQLite file, and leaves the files beside it as they were.

    The last connection to close writes a log back into the file, so where there is one the file is opened only to be
    read; but then SQLite would leave an empty log where there is none.
    """
    mode = "ro" if path.with_name(f"{path.name}-wal").exists() else "rw"
    address = f"{path.absolute().as_uri()}?mode={mode}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(address, uri=True)
        connection.execute("PRAGMA query_only = 1")
        return connection

    return create_engine("sqlite://", creator=connect)
