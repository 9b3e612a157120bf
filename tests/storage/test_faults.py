"""Errors of the database: which the user can mend, and which are defects."""

import sqlite3
from pathlib import Path

import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from tests.making import known
from tests.search.making import FACTS
from tests.search.storing import COMPLETE, SPEC, tell
from tuner.errors import UserError
from tuner.storage.faults import database_fault
from tuner.storage.store import Store


def raised(statement: str, parameters: tuple[object, ...] = ()) -> DBAPIError:
    """What SQLAlchemy raises of a statement."""
    engine = create_engine("sqlite://")
    with pytest.raises(DBAPIError) as caught, engine.connect() as connection:
        connection.execute(text("PRAGMA query_only = 1"))
        connection.exec_driver_sql(statement, parameters)
    engine.dispose()
    return caught.value


def test_what_optuna_makes_of_an_error_is_the_same_fault() -> None:
    error = raised("CREATE TABLE x (y)")
    wrapped = StorageInternalError("An exception is raised during the commit.")
    wrapped.__cause__ = error
    faults = [database_fault(one, "here") for one in (error, wrapped)]
    assert {str(fault) for fault in faults} == {
        "here: it is read-only\n  make it and its disk writable, or name another --storage, "
        "then run the same command again: finished trials are kept"
    }


@pytest.mark.parametrize(
    "error",
    [
        raised("SELECT x FROM nowhere"),
        raised("SELECT ?, ?", (1,)),
        ValueError("database or disk is full"),
        StorageInternalError("of unknown cause"),
        KeyboardInterrupt(),
        None,
    ],
)
def test_a_defect_is_no_fault(error) -> None:
    assert database_fault(error, "here") is None


def test_an_unknown_error_in_operation_is_told_in_the_words_of_the_driver_in_one_line() -> None:
    fault = known(database_fault(OperationalError("SELECT", {}, Exception("out of luck\nat line 1")), "here"))
    assert fault.what == "the database failed: out of luck"


def test_a_database_that_is_damaged_while_it_is_open_is_said_so(url) -> None:
    path = Path(url.removeprefix("sqlite:///"))
    with pytest.raises(UserError, match="the database is damaged"), Store(url, create=False) as store:
        tell(store.begin(SPEC, FACTS), COMPLETE)
        store.close()
        path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))
        store.open("small")


def test_an_error_of_another_kind_leaves_the_store_as_it_came(url) -> None:
    with pytest.raises(ZeroDivisionError), Store(url, create=False):
        raise ZeroDivisionError
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
