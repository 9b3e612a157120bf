"""What a user is told when the store's database fails: a full disk, a lock, a server that has gone away."""

from collections.abc import Iterator
from contextlib import contextmanager

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, InterfaceError, NoResultFound, OperationalError, SQLAlchemyError

from tuner.errors import UserError

# What SQLAlchemy raises, and what Optuna makes of that.
DATABASE_ERRORS = (SQLAlchemyError, StorageInternalError)

FULL = ("its disk is full", "make room there")
READ_ONLY = ("it can only be read, not written", "make it and its disk writable, or name another --storage")
CLOSED = ("its file cannot be opened for writing", "make it and its folder writable, or name another --storage")
LOCKED = ("another process keeps the database locked", "close it there (a database browser, a backup)")
FAILING = ("its disk fails to read or write", "see to the disk")
DAMAGED = ("the database is damaged", "put a sound copy of it in its place")
NO_DATABASE = ("its file is no SQLite database", "name another --storage, or put a sound copy in its place")
GONE = ("the connection to the database server was lost", "see that the server runs and can be reached")

# By the beginning of SQLite's name of the error, or of the SQL standard's state.
FAULTS = {
    "SQLITE_FULL": FULL,
    "SQLITE_READONLY": READ_ONLY,
    "SQLITE_CANTOPEN": CLOSED,
    "SQLITE_PERM": CLOSED,
    "SQLITE_BUSY": LOCKED,
    "SQLITE_LOCKED": LOCKED,
    "SQLITE_IOERR": FAILING,
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_NOTADB": NO_DATABASE,
    "53100": FULL,
    "25006": READ_ONLY,
    "55P03": LOCKED,
    "58030": FAILING,
    "57P": GONE,
    "08": GONE,
}


def database_fault(error: BaseException | None, where: str) -> UserError | None:
    """The message for an error of the database that the user can mend; none for any other error, or a defect."""
    if isinstance(error, StorageInternalError):
        error = error.__cause__
    if not isinstance(error, DBAPIError):
        return None
    code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None) or ""
    known = next((fault for start, fault in FAULTS.items() if code.startswith(start)), None)
    if known is None and error.connection_invalidated:
        known = GONE
    # SQLite's word for a wrong statement, too
    if known is None and isinstance(error, OperationalError | InterfaceError) and code != "SQLITE_ERROR":
        known = (f"the database failed: {reason(error)}", "see to it")
    return known and told(known, where)


def told(fault: tuple[str, str], where: str) -> UserError:
    """The message for a fault of the store shown as `where`."""
    what, hint = fault
    return UserError(what, where=where, hint=f"{hint}, then give the same command again: finished trials are kept")


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Around whatever reads from the store shown as `where`: what is there may not be as the tuner wrote it.

    Raises:
        UserError: it is not.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, NoResultFound) as error:
        raise UserError(
            f"it holds what the tuner did not write ({type(error).__name__}: {reason(error)})",
            where=where,
            hint="put a sound copy of it in its place, or name another --storage",
        ) from error


def reason(error: BaseException) -> str:
    """The driver's own words, in one line."""
    return next(iter(str(getattr(error, "orig", None) or error).splitlines()), type(error).__name__)
