"""Messages for a store that cannot be opened or whose database fails: a full disk, a lock, a lost server."""

from collections.abc import Iterator
from contextlib import contextmanager
from os.path import expanduser

from optuna.exceptions import StorageInternalError
from sqlalchemy import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoResultFound,
    OperationalError,
    SQLAlchemyError,
)

from tuner.errors import UserError

# What SQLAlchemy raises, and what Optuna makes of that.
DATABASE_ERRORS = (SQLAlchemyError, StorageInternalError)

# By how SQLite's names of errors and the states of the SQL standard begin: what is wrong, and what helps.
GONE = ("the connection to the database server was lost", "check that the server runs and can be reached")
FAULTS = {
    ("SQLITE_FULL", "53100"): ("its disk is full", "free some space there"),
    ("SQLITE_READONLY", "25006"): ("it is read-only", "make it and its disk writable, or name another --storage"),
    ("SQLITE_CANTOPEN", "SQLITE_PERM"): (
        "its file cannot be opened for writing",
        "make it and its folder writable, or name another --storage",
    ),
    ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03"): (
        "another process keeps the database locked",
        "close it there (a database browser, a backup)",
    ),
    ("SQLITE_IOERR", "58030"): ("its disk fails to read or write", "check the disk"),
    ("SQLITE_CORRUPT",): ("the database is damaged", "replace it by a sound copy"),
    ("SQLITE_NOTADB",): (
        "its file is no SQLite database",
        "name another --storage, or replace it by a sound copy",
    ),
    ("57P", "08"): GONE,
}


def database_fault(error: BaseException | None, where: str) -> UserError | None:
    """The message for an error of the database that the user can fix; None for any other error, or a defect."""
    if isinstance(error, StorageInternalError):
        error = error.__cause__
    if not isinstance(error, DBAPIError):
        return None
    code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None) or ""
    known = next((fault for starts, fault in FAULTS.items() if code.startswith(starts)), None)
    if known is None and error.connection_invalidated:
        known = GONE
    # SQLite's word for a wrong statement, too
    if known is None and isinstance(error, OperationalError | InterfaceError) and code != "SQLITE_ERROR":
        known = (f"the database failed: {_reason(error)}", "fix the cause named above")
    return known and fault_message(known, where)


def fault_message(fault: tuple[str, str], where: str) -> UserError:
    """The message for one of the faults of the store at the URL `where`."""
    what, hint = fault
    return UserError(what, where=where, hint=f"{hint}, then run the same command again: finished trials are kept")


def missing_store(where: str) -> UserError:
    """The message for a store that is not there."""
    return UserError("there is no store", where=where, hint="run a study first, or name another --storage")


def display_url(url: URL) -> str:
    """A database's URL for messages: no password, nor options, which may hold one too."""
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def opening(url: str) -> Iterator[URL]:
    """Opens the store at `url` in its block, which gets the parsed URL.

    Raises:
        UserError: it cannot be opened; a password is not shown.
    """
    parsed = _parse(url)
    where = display_url(parsed)
    try:
        yield parsed
    except (*DATABASE_ERRORS, ImportError, OSError, RuntimeError, ValueError) as error:
        hint = "name another --storage"
        if isinstance(error, ImportError):
            hint = 'install the driver that the URL names; for PostgreSQL: pip install "lstm-tuner[postgresql]"'
        fault = database_fault(error, where) or UserError(_reason(error), hint=hint)
        raise UserError(f"the store cannot be opened: {fault.what}", where=where, hint=fault.hint) from None
    except UserError as error:
        raise UserError(error.what, where=error.where or where, hint=error.hint) from None


def _parse(url: str) -> URL:
    """The URL with `~` as the home folder; refused, unseen, where it is not read as it was meant."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # what it says may show the password
        raise UserError(
            "the store cannot be opened: this is not the URL of a database",
            where="--storage",
            hint="write it as sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME",
        ) from None
    if parsed.get_backend_name() != "sqlite":
        if url.count("@") != (parsed.username is not None):
            raise UserError(
                "the store cannot be opened: its URL has an `@` besides the one before the host",
                where="--storage",
                hint="in a user name or password write `@` as %40, `:` as %3A and `/` as %2F",
            )
        return parsed
    file = parsed.database or ""
    if not file or ":memory:" in file or parsed.query.get("mode") == "memory":
        raise UserError(
            "the store cannot be kept in memory: all trials would be lost when the command ends",
            where="--storage",
            hint="name a file: sqlite:///FILE",
        )
    return parsed.set(database=expanduser(file))  # noqa: PTH111 (Path raises for an unknown user)


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Reads from the store in its block, where may stand what the tuner never wrote.

    Raises:
        UserError: it does; the message says `where`.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, NoResultFound) as error:
        raise UserError(
            f"it holds something that the tuner did not write ({type(error).__name__}: {_reason(error)})",
            where=where,
            hint="replace it by a sound copy, or name another --storage",
        ) from error


def _reason(error: BaseException) -> str:
    """The driver's own words, in one line."""
    return next(iter(str(getattr(error, "orig", None) or error).splitlines()), type(error).__name__)
