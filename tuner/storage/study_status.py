"""The studies of a store at a glance: as they were counted when trials were told; no trial is read, nothing written."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, select

from tuner.storage.faults import display_url, missing_store, opening
from tuner.storage.lock import Holder, advisory_holder, file_holder, lock_path, sqlite_file
from tuner.storage.schema import StudyRow, check_tables, known_uuids


@dataclass(frozen=True)
class Status:
    """A study at a glance.

    Attributes:
        wanted: how many trials its file asks for.
        complete, pruned, failed: how many trials ended so.
        best: number and value of the best complete trial so far, before any repeats; None while there is none.
        holder: who runs the study; None if nobody does.
        changed: when a run last began, or something was kept.
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
        UserError: the store is missing, cannot be opened, or another version of the tuner made it.
    """
    with opening(url) as parsed:
        path = sqlite_file(parsed)
        if path is not None and not path.exists():
            raise missing_store(display_url(parsed))
        engine = create_engine(parsed) if path is None else _read_only(path)
        try:
            with engine.connect() as connection:
                return statuses(connection, path)
        finally:
            engine.dispose()


def statuses(connection: Connection, path: Path | None) -> list[Status]:
    """As `read_statuses`, from a connection to a store; `path` is that of a SQLite file."""
    if not check_tables(connection):
        return []
    known = known_uuids(connection)
    columns = StudyRow.__table__.c
    query = select(*(column for column in columns if column.name not in ("facts", "rows"))).order_by(columns.name)
    return [
        Status(
            study=row.name,
            metric=row.spec["study"]["metric"],
            wanted=row.spec["study"]["trials"],
            complete=row.complete,
            pruned=row.pruned,
            failed=row.failed,
            best=None if row.best is None else (row.best, row.best_value),
            holder=_holder(connection, path, row.name),
            # the database keeps UTC without saying so
            changed=row.changed.replace(tzinfo=UTC),
        )
        for row in connection.execute(query)
        if row.uuid in known
    ]


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
    uri = f"{path.absolute().as_uri()}?mode={mode}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True)
        connection.execute("PRAGMA query_only = 1")
        return connection

    return create_engine("sqlite://", creator=connect)
