"""One writer a study: a lock of the operating system or of the database server, which ends with its holder."""

import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from tuner.errors import UserError
from tuner.files import unwritable
from tuner.search.faults import GONE, told


@contextmanager
def file_lock(path: Path, study: str) -> Iterator[None]:
    """Holds the lock file at `path` while the block runs; the file says who holds it.

    Raises:
        UserError: another process holds it, or it cannot be written.
    """
    holder = {"host": socket.gethostname(), "process": os.getpid(), "since": f"{_now():%Y-%m-%d %H:%M:%S}"}
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # without a buffer, which closing would write out once more
            file = stack.enter_context(path.open("ab+", buffering=0))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise _refusal(study, str(path.parent), _holder(file.read())) from None
            file.truncate(0)
            file.write(json.dumps(holder).encode())
        except OSError as error:
            raise unwritable(error, path) from None
        yield


@contextmanager
def advisory_lock(engine: Engine, study: str) -> Iterator[None]:
    """Holds PostgreSQL's advisory lock of the study, on a connection of its own, while the block runs.

    When that connection is lost, the engine gives no other: after a new one, another process could have the lock.

    Raises:
        UserError: another connection holds it; or it was lost, from whatever the block does with the engine then.
    """
    key = int.from_bytes(hashlib.sha256(f"tuner {study}".encode()).digest()[:8], signed=True)
    shown = engine.url.render_as_string(hide_password=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = f"tuner, process {os.getpid()} on {socket.gethostname()}"[:63]
        connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
            row = connection.execute(_HOLDER, {"high": key >> 32 & 0xFFFFFFFF, "low": key & 0xFFFFFFFF}).first()
            holder = f"by {row.application_name} since {row.backend_start:%Y-%m-%d %H:%M:%S}" if row else "elsewhere"
            raise _refusal(study, shown, holder)

        def check(*_: object) -> None:
            try:
                connection.execute(text("SELECT 1"))
            except SQLAlchemyError as error:
                raise told(GONE, shown) from error

        event.listen(engine, "checkout", check)
        try:
            yield
        finally:
            event.remove(engine, "checkout", check)
            # a connection that was lost has taken its lock with it
            with suppress(SQLAlchemyError):
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})


_HOLDER = text(
    "SELECT application_name, backend_start FROM pg_stat_activity JOIN pg_locks USING (pid) "
    "WHERE locktype = 'advisory' AND granted AND classid = :high AND objid = :low"
)


def _now() -> datetime:
    return datetime.now().astimezone()


def _refusal(study: str, where: str, holder: str) -> UserError:
    return UserError(
        f"the study {study} is being run {holder}",
        where=where,
        mend="wait for it, stop it, or give your study another `[study] name`",
    )


def _holder(written: bytes) -> str:
    try:
        holder = json.loads(written)
        return f"by process {holder['process']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "by another process"  # which has not yet said who it is
