"""Where a store lies, and what is said if it cannot be opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from tuner.errors import UserError
from tuner.storage.faults import DATABASE_ERRORS, database_fault, reason


def sqlite_file(url: URL) -> Path | None:
    """The file that a SQLite URL names; None for any other database."""
    named = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(str(url.database)) if named else None


def no_store(where: str) -> UserError:
    """What is said of a store that is missing."""
    return UserError("there is no store", where=where, hint="run a study first, or name another --storage")


def shown(url: URL) -> str:
    """What a database is called in messages: no password, nor options, which may hold one too."""
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def opening(url: str) -> Iterator[URL]:
    """Opens the store at `url` in its block, which gets the parsed URL.

    Raises:
        UserError: it cannot be opened; a password is not shown.
    """
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # what it says may show the password
        raise UserError(
            "the store cannot be opened: this is not the URL of a database",
            where="--storage",
            hint="write it as sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME",
        ) from None
    where = shown(address)
    try:
        yield address
    except (*DATABASE_ERRORS, ImportError, OSError, RuntimeError, ValueError) as error:
        fault = database_fault(error, where) or UserError(reason(error), hint=_mend(error))
        raise UserError(f"the store cannot be opened: {fault.what}", where=where, hint=fault.hint) from None
    except UserError as error:
        raise UserError(error.what, where=error.where or where, hint=error.hint) from None


def _mend(error: BaseException) -> str:
    """How to mend what the database says no more of."""
    if isinstance(error, ImportError):
        return 'install the driver that the URL names; for PostgreSQL: pip install "tuner[postgresql]"'
    return "name another --storage"
