"""One writer a study: a lock of the operating system or of the database server, which ends with its holder."""

import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, text

from tuner.errors import UserError


@contextmanager
def file_lock(path: Path, study: str) -> Iterator[None]:
    """Holds the lock file at `path` while the block runs; the file says who holds it.

    Raises:
        UserError: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise _refusal(study, str(path.parent), _holder(file.read())) from None
        file.truncate(0)
        json.dump({"host": socket.gethostname(), "process": os.getpid(), "since": f"{_now():%Y-%m-%d %H:%M:%S}"}, file)
        file.flush()
        yield


@contextmanager
def advisory_lock(engine: Engine, study: str) -> Iterator[None]:
    """Holds PostgreSQL's advisory lock of the study, on a connection of its own, while the block runs.

    Raises:
        UserError: another connection holds it.
    """
    key = int.from_bytes(hashlib.sha256(f"tuner {study}".encode()).digest()[:8], signed=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = f"tuner, process {os.getpid()} on {socket.gethostname()}"[:63]
        connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
            row = connection.execute(_HOLDER, {"high": key >> 32 & 0xFFFFFFFF, "low": key & 0xFFFFFFFF}).first()
            holder = f"by {row.application_name} since {row.backend_start:%Y-%m-%d %H:%M:%S}" if row else "elsewhere"
            raise _refusal(study, engine.url.render_as_string(hide_password=True), holder)
        try:
            yield
        finally:
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


def _holder(written: str) -> str:
    try:
        holder = json.loads(written)
        return f"by process {holder['process']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "by another process"  # which has not yet said who it is
