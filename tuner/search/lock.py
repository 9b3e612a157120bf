"""One writer a study: a lock of the operating system, which ends with its holder however that ends."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tuner.errors import UserError


@contextmanager
def locked(path: Path, study: str) -> Iterator[None]:
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
            raise UserError(
                f"the study {study} is being run {_holder(file.read())}",
                where=str(path.parent),
                mend="wait for it, stop it, or give your study another `[study] name`",
            ) from None
        file.truncate(0)
        holder = {"host": socket.gethostname(), "process": os.getpid(), "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
        json.dump(holder, file)
        file.flush()
        yield


def _holder(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"by process {holder['process']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "by another process"  # which has not yet said who it is
