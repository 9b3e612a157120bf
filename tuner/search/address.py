"""Where a store lies, and what is said if it cannot be opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from tuner.errors import UserError
from tuner.search.faults import DATABASE_ERRORS, database_fault, reason


def sqlite_file(url: URL) -> Path | None:
    """The file that a SQLite URL names; None for any other database."""
    named = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(str(url.database)) if named else None


def no_store(where: str) -> UserError:
    """What is said of a store that is missing."""
    return UserError("there is no store", where=where, mend="run a study first, or name another --storage")


@contextmanager
def opening(url: str) -> Iterator[None]:
    """Opens the store at `url` in its block.

    Raises:
        UserError: it cannot be opened; a password is not shown.
    """
    try:
        yield
    except (*DATABASE_ERRORS, ImportError, OSError, RuntimeError) as error:
        where = url if "@" not in url else "--storage"
        fault = database_fault(error, where) or UserError(reason(error))
        raise UserError(f"the store cannot be opened: {fault.what}", where=where, mend=fault.mend) from None
