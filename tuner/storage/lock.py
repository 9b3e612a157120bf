"""One writer per study: a lock of the operating system or of the database server, which ends with its holder."""

import hashlib
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from errno import EDQUOT, ENOSPC
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, Engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from tuner.errors import UserError
from tuner.files import unwritable
from tuner.storage.faults import GONE, display_url, fault_message

# For how long, and how many seconds apart, a lock is tried for: whoever looks (`file_holder`) has it for an instant.
PATIENCE, APART = 0.1, 0.02


@dataclass(frozen=True)
class Holder:
    """The process that holds a study's lock, and since when by its host's clock; None where it has not said so yet."""

    host: str | None = None
    process: int | None = None
    since: str | None = None

    def __str__(self) -> str:
        if self.process is None:
            return "another process"
        return f"process {self.process} on {self.host} since {self.since}"


def sqlite_file(url: URL) -> Path | None:
    """The file that a SQLite URL names; None for any other database."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def lock_path(database: Path, study: str) -> Path:
    """The place of a study's lock file: beside the SQLite file."""
    return database.with_name(f"{database.name}.{study}.lock")


@contextmanager
def file_lock(path: Path, study: str) -> Iterator[None]:
    """Holds the lock file at `path` while the block runs; a file beside it says who holds it.

    Raises:
        UserError: another process holds it, or it cannot be written.
    """
    holder = Holder(socket.gethostname(), os.getpid(), f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}")
    lock, beside = FileLock(path), _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=PATIENCE, poll_interval=APART)
        try:
            beside.write_text(json.dumps(asdict(holder)), encoding="utf-8")
        except OSError as error:
            # the text is for a message alone: of a full disk the database is to tell
            if error.errno not in (ENOSPC, EDQUOT):
                raise
    except Timeout:
        raise _refusal(study, str(path.parent), _read_holder(path)) from None
    except OSError as error:
        lock.release()
        raise unwritable(error, path) from None
    try:
        yield
    finally:
        with suppress(OSError):
            beside.unlink()
        lock.release()


def file_holder(path: Path) -> Holder | None:
    """The holder of the lock file at `path`; None if nobody holds it."""
    if not path.exists():
        return None
    try:
        with FileLock(path).acquire(timeout=PATIENCE, poll_interval=APART):
            return None
    except Timeout:
        return _read_holder(path)
    except OSError:  # it is not ours to lock: what stands beside it must do
        return _read_holder(path) if _beside(path).exists() else None


def _beside(path: Path) -> Path:
    """The file that says who holds the lock: on Windows nobody else may read a file that is locked."""
    return path.with_suffix(".holder")


def _read_holder(path: Path) -> Holder:
    try:
        holder = json.loads(_beside(path).read_bytes())
        return Holder(holder["host"], holder["process"], holder["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return Holder()


@contextmanager
def file_kept(path: Path, engine: Engine) -> Iterator[None]:
    """While the block runs, the engine gives a connection only as long as its SQLite file at `path` is the same one.

    A file that was deleted can still be written, but nobody could ever read it.

    Raises:
        UserError: the file was deleted or replaced, from whatever the block does with the engine then.
    """
    before = file_identity(path)

    def check(*_: object) -> None:
        if file_identity(path) != before:
            raise UserError(
                "its file was deleted or replaced while the study was running, so that nothing can be kept any more",
                where=display_url(engine.url),
                hint="put back a copy of it, if you have one, then run the same command again",
            )

    # do_connect: a new connection would make an empty file
    with _checked(engine, ("do_connect", "checkout"), check):
        yield


def file_identity(path: Path) -> tuple[int, int] | None:
    """The same for as long as the path leads to the same file; None if to none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def advisory_lock(engine: Engine, study: str) -> Iterator[None]:
    """Holds PostgreSQL's advisory lock of the study, on a connection of its own, while the block runs.

    When that connection is lost, the engine gives no other: after a new one, another process could have the lock.

    Raises:
        UserError: another connection holds it; or it was lost, from whatever the block does with the engine then.
    """
    key, where = {"key": _key(study)}, display_url(engine.url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = f"tuner, process {os.getpid()} on {socket.gethostname()}"[:63]
        connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key):
            raise _refusal(study, where, advisory_holder(connection, study) or Holder())

        def check(*_: object) -> None:
            try:
                connection.execute(text("SELECT 1"))
            except SQLAlchemyError as error:
                raise fault_message(GONE, where) from error

        try:
            with _checked(engine, ("checkout",), check):
                yield
        finally:
            # a connection that was lost has taken its lock with it
            with suppress(SQLAlchemyError):
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def advisory_holder(connection: Connection, study: str) -> Holder | None:
    """The holder of PostgreSQL's advisory lock of the study; None if nobody holds it."""
    key = _key(study)
    row = connection.execute(_HOLDER, {"high": key >> 32 & 0xFFFFFFFF, "low": key & 0xFFFFFFFF}).first()
    if row is None:
        return None
    named = re.fullmatch(r"tuner, process (\d+) on (.*)", row.application_name)
    since = f"{row.backend_start:%Y-%m-%d %H:%M:%S}"
    return Holder(named[2], int(named[1]), since) if named else Holder()


_HOLDER = text(
    "SELECT application_name, backend_start FROM pg_stat_activity JOIN pg_locks USING (pid) "
    "WHERE locktype = 'advisory' AND granted AND classid = :high AND objid = :low"
)


def _key(study: str) -> int:
    return int.from_bytes(hashlib.sha256(f"tuner {study}".encode()).digest()[:8], signed=True)


@contextmanager
def _checked(engine: Engine, moments: tuple[str, ...], check: Callable[..., None]) -> Iterator[None]:
    """Has the engine check something at these moments while the block runs."""
    for moment in moments:
        event.listen(engine, moment, check)
    try:
        yield
    finally:
        for moment in moments:
            event.remove(engine, moment, check)


def _refusal(study: str, where: str, holder: Holder) -> UserError:
    return UserError(
        f"the study {study} is being run by {holder}",
        where=where,
        hint="wait for it, stop it, or give your study another `[study] name`",
    )
