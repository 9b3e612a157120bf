"""What others do to a run: the clock set back, its store deleted, a worker stopped, the terminal closed."""

import os
import pty
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, tzinfo
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from tests.processes import forked, run, start, wait_until
from tests.studies import ARGUMENTS, TRIALS, dump
from tests.test_faults import STORE, before_call, check_goes_on, message
from tuner.storage import lock, store, stored_study
from tuner.storage.stored_study import StoredStudy

LONG = ("--set", "train.max_epochs=3000", "--set", "train.patience=3000")


# --- the clock


class Backwards(datetime):
    """A clock that is set back an hour whenever it is looked at."""

    hours = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Backwards":
        cls.hours += 1
        return cls.fromtimestamp(1e9 - 3600 * cls.hours, tz)


def set_back() -> None:
    moments = iter(range(10**9, 0, -3600))
    time.time = lambda: float(next(moments))
    for module in (lock, store, stored_study):
        module.datetime = Backwards  # type: ignore[attr-defined]


def test_a_clock_that_goes_backwards_changes_nothing(folder, undisturbed) -> None:
    assert run(folder, "run", *ARGUMENTS, 3, before=set_back).status == 0
    done = run(folder, "run", *ARGUMENTS, TRIALS, before=set_back)
    assert (done.status, done.err) == (0, "")
    assert dump(folder) == undisturbed


# --- the store


def delete(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    path.rename(path.with_name("away"))
    path.write_bytes(b"")


@pytest.mark.parametrize("change", [delete, replace])
def test_a_store_that_is_deleted_ends_a_run_which_makes_no_other(folder, change: Callable[[Path], None]) -> None:
    command = start(folder, "run", *ARGUMENTS, 1000)
    command.until_told(2)
    change(folder / "studies/studies.db")
    there = {path.name for path in (folder / "studies").iterdir()}
    what, hint = message(command.wait(30))
    assert what.startswith(f"{STORE}: its file was deleted or replaced while the study was running")
    assert "put back a copy of it" in hint
    left = {path.name: path.stat().st_size for path in (folder / "studies").iterdir() if path.is_file()}
    assert left.keys() <= there, "a report may have been under way, a store not"
    assert left.get("studies.db", 0) == 0


def test_a_store_that_was_moved_away_goes_on_where_it_was_once_it_is_back(folder, undisturbed) -> None:
    command = start(folder, "run", *ARGUMENTS, TRIALS)
    command.until_told(1)
    (folder / "studies").rename(folder / "away")
    done = command.wait(30)
    message(done)
    (folder / "away").rename(folder / "studies")
    check_goes_on(folder, done, undisturbed)


# --- signals


def test_a_worker_that_is_stopped_for_a_while_goes_on(folder, undisturbed) -> None:
    command = start(folder, "run", *ARGUMENTS, TRIALS)
    command.until_told(1)
    worker = min(forked() - {command.pid})
    os.kill(worker, signal.SIGSTOP)
    time.sleep(0.3)
    assert not command.ended, "it waits"
    os.kill(worker, signal.SIGCONT)
    done = command.wait()
    assert (done.status, done.err) == (0, "")
    assert dump(folder) == undisturbed


def test_a_run_with_a_stopped_worker_can_be_interrupted(folder) -> None:
    command = start(folder, "run", *ARGUMENTS, 1000)
    command.until_told(1)
    os.kill(min(forked() - {command.pid}), signal.SIGSTOP)
    command.ctrl_c()
    assert command.wait(30).status == 130
    wait_until(lambda: not forked(), 10)


def interrupt_itself(moment: str, number: int) -> None:
    """Ctrl-C when the database engine comes to such a moment for the nth time."""
    moments = count(1)

    @event.listens_for(Engine, moment)
    def _(*_: object) -> None:
        if next(moments) == number:
            os.kill(os.getpid(), signal.SIGINT)


def in_the_second_tell(moment: str, number: int) -> None:
    before_call(StoredStudy, "tell", 2, partial(interrupt_itself, moment, number))


@pytest.mark.parametrize(("moment", "number"), [("begin", 1), ("after_cursor_execute", 2), ("commit", 3)])
def test_a_run_that_is_interrupted_while_it_writes_ends_soon_and_goes_on(folder, undisturbed, moment, number) -> None:
    command = start(folder, "run", *ARGUMENTS, TRIALS, before=partial(in_the_second_tell, moment, number))
    done = command.wait(30)
    assert (done.status, done.err) == (130, "")
    check_goes_on(folder, done, undisturbed)


def in_terminal(name: str) -> None:
    """Makes a terminal the one of this process, as a window's is."""
    os.setsid()
    terminal = os.open(name, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(terminal, stream)


def told(folder: Path) -> int:
    from tests.test_survival import rows

    return len(rows(folder, "SELECT 1 FROM trials WHERE state IN ('COMPLETE', 'PRUNED')"))


def test_when_its_terminal_is_closed_a_run_ends_and_nothing_is_lost(folder, undisturbed) -> None:
    ours, theirs = pty.openpty()
    command = start(folder, "run", *ARGUMENTS, TRIALS, before=partial(in_terminal, os.ttyname(theirs)))
    os.set_blocking(ours, False)
    shown = bytearray()

    def begun() -> bool:
        with suppress(BlockingIOError):  # a terminal that nobody reads would fill up
            shown.extend(os.read(ours, 1 << 16))
        return told(folder) > 1 or command.ended

    wait_until(begun)
    assert not command.ended, shown.decode()
    os.close(theirs)
    os.close(ours)
    assert command.wait(30).status == 130
    wait_until(lambda: not forked(), 10)
    assert told(folder) > 1
    assert run(folder, "run", *ARGUMENTS, TRIALS).status == 0
    assert dump(folder) == undisturbed


def ignore_hangup() -> None:
    """As nohup does."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def test_under_nohup_a_run_goes_on(folder, undisturbed) -> None:
    command = start(folder, "run", *ARGUMENTS, TRIALS, before=ignore_hangup)
    command.until_told(1)
    command.signal(signal.SIGHUP)
    assert command.wait().status == 0
    assert dump(folder) == undisturbed
