"""A full disk, a store that cannot be written, a lock, data that vanish: one message, and nothing is lost.

Disks are real ones in memory, which these tests mount, fill up and turn read-only.
"""

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from itertools import count
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from optuna.storages import RDBStorage
from sqlalchemy import event
from sqlalchemy.pool import Pool

from tests.processes import Done, forked, run, start, wait_until
from tests.studies import ARGUMENTS, TRIALS, dump
from tuner.storage import store
from tuner.storage.stored_study import StoredStudy

STORE = "sqlite:///studies/studies.db"
KEPT = "then run the same command again: finished trials are kept"


@pytest.fixture
def disk(folder: Path) -> Iterator[Path]:
    """The studies' folder on a small disk of its own."""
    place = folder / "studies"
    place.mkdir()
    if not system("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place):
        pytest.skip("disks may not be mounted here")
    yield place
    assert system("umount", "--lazy", place)


def system(*command: object) -> bool:
    """Whether a command of the system is there and succeeds."""
    line = [str(part) for part in command]
    return which(line[0]) is not None and subprocess.run(line, stderr=subprocess.DEVNULL).returncode == 0


def fill(disk: Path, spare: int = 0) -> None:
    """Fills the disk up, but for so many bytes."""
    free = os.statvfs(disk)
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        file.write(bytes(free.f_bavail * free.f_frsize - spare))
        while not spare:
            file.write(bytes(512))


def message(done: Done) -> list[str]:
    """The one message of a run that came to grief: what is wrong, and how to mend it."""
    assert done.status == 2, done
    trials(done)
    start, *lines = done.err.removesuffix("\n").split("\n")
    assert start.startswith("error: ") and len(lines) == 1, done.err
    wait_until(lambda: not forked(), 2)
    return [start.removeprefix("error: "), lines[0].strip()]


def trials(done: Done) -> list[int]:
    """The numbers of the trials that a run told, in lines of JSON and nothing else."""
    return [line["trial"] for line in map(json.loads, done.out.splitlines()) if line["event"] == "trial"]


def check_goes_on(folder: Path, first: Done, undisturbed: list[str]) -> None:
    """The same command trains what was not yet finished, and ends in the study that was never disturbed."""
    second = run(folder, "run", *ARGUMENTS, TRIALS)
    assert (second.status, second.err) == (0, "")
    assert trials(first) + trials(second) == list(range(TRIALS))
    assert dump(folder) == undisturbed


# --- a full disk


def before_call(owner: type, name: str, number: int, action: Callable[[], object]) -> None:
    """Does something just before a method is called for the nth time."""
    method, calls = getattr(owner, name), count(1)

    def called(*arguments: Any, **keys: Any) -> Any:
        if next(calls) == number:
            action()
        return method(*arguments, **keys)

    setattr(owner, name, called)


@pytest.mark.parametrize(
    ("owner", "name", "number"),
    [
        (RDBStorage, "create_new_study", 1),
        (StoredStudy, "begin_run", 1),
        (StoredStudy, "add", 4),
        (StoredStudy, "save", 4),
        (StoredStudy, "tell", 4),
        (RDBStorage, "set_trial_state_values", 4),
    ],
)
def test_a_disk_that_fills_up_ends_a_run_and_loses_nothing(folder, disk, undisturbed, owner, name, number) -> None:
    full = partial(before_call, owner, name, number, partial(fill, disk))
    done = run(folder, "run", *ARGUMENTS, TRIALS, before=full)
    assert message(done) == [f"{STORE}: its disk is full", f"free some space there, {KEPT}"]
    assert "its disk is full" in message(run(folder, "run", *ARGUMENTS, TRIALS))[0], "as long as it is"
    (disk / "filler").unlink()
    check_goes_on(folder, done, undisturbed)


@pytest.mark.parametrize("spare", [0, 1 << 16, 1 << 18])
def test_a_disk_that_is_nearly_full_at_the_start_does_no_harm(folder, disk, undisturbed, spare) -> None:
    fill(disk, spare)
    done = run(folder, "run", *ARGUMENTS, TRIALS)
    what, hint = message(done)
    assert "disk is full" in what or "fails to read or write" in what
    assert hint.endswith(KEPT)
    (disk / "filler").unlink()
    check_goes_on(folder, done, undisturbed)


def test_a_report_that_does_not_fit_is_said_after_the_result(folder, disk) -> None:
    assert system("mount", "-o", "remount,size=1m", disk)
    done = run(folder, "run", *ARGUMENTS, 3)
    assert message(done) == [
        "studies/small/report.html: cannot be written: No space left on device",
        "free some space there, then run the same command again",
    ]
    assert json.loads(done.out.splitlines()[-1])["event"] == "result"
    assert system("mount", "-o", "remount,size=16m", disk)
    again = run(folder, "run", *ARGUMENTS, 3)
    assert (again.status, trials(again)) == (0, [])
    assert {path.name for path in (disk / "small").iterdir()} == {"report.html", "study.toml"}


def print_to_full_disk() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def test_lines_that_do_not_fit_end_a_run_and_lose_nothing(folder, undisturbed) -> None:
    done = run(folder, "run", *ARGUMENTS, TRIALS, before=print_to_full_disk)
    assert "standard output" in message(done)[0]
    assert run(folder, "run", *ARGUMENTS, TRIALS).status == 0
    assert dump(folder) == undisturbed


# --- a store that can only be read


def test_a_read_only_disk_is_said_before_anything_is_done(folder, disk, undisturbed) -> None:
    first = run(folder, "run", *ARGUMENTS, 3)
    assert first.status == 0
    before = (disk / "studies.db").read_bytes()
    assert system("mount", "-o", "remount,ro", disk)
    for command in (("run", *ARGUMENTS, TRIALS), ("export", "--study", "small")):
        assert message(run(folder, *command)) == [
            f"{STORE}: the store cannot be opened: its file cannot be opened for writing",
            f"make it and its folder writable, or name another --storage, {KEPT}",
        ]
    assert (disk / "studies.db").read_bytes() == before
    assert system("mount", "-o", "remount,rw", disk)
    check_goes_on(folder, first, undisturbed)


def test_on_a_read_only_disk_no_store_is_begun(folder, disk) -> None:
    assert system("mount", "-o", "remount,ro", disk)
    assert "its file cannot be opened for writing" in message(run(folder, "run", *ARGUMENTS, 3))[0]
    deep = run(folder, "run", *ARGUMENTS, 3, "--storage", "sqlite:///studies/deep/studies.db")
    assert message(deep)[0] == "studies/deep: cannot be written: Read-only file system"


def only_read(connection: Any, *_: object) -> None:
    connection.execute("PRAGMA query_only = 1")


def forbid_writing() -> None:
    """What is connected later in this process cannot write, as after the disk turned read-only."""
    event.listen(Pool, "checkout", only_read)


def test_a_store_that_can_no_longer_be_written_ends_a_run_and_loses_nothing(folder, undisturbed) -> None:
    later = partial(before_call, StoredStudy, "tell", 4, forbid_writing)
    done = run(folder, "run", *ARGUMENTS, TRIALS, before=later)
    assert message(done) == [
        f"{STORE}: it is read-only",
        f"make it and its disk writable, or name another --storage, {KEPT}",
    ]
    check_goes_on(folder, done, undisturbed)


# --- a locked database


def be_impatient() -> None:
    store.BUSY_SECONDS = 0.3


def test_a_database_that_another_process_locks_is_said_at_the_start(folder, undisturbed) -> None:
    first = run(folder, "run", *ARGUMENTS, 3)
    with closing(sqlite3.connect(folder / "studies/studies.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = run(folder, "run", *ARGUMENTS, TRIALS, before=be_impatient)
        assert message(done) == [
            f"{STORE}: another process keeps the database locked",
            f"close it there (a database browser, a backup), {KEPT}",
        ]
        assert run(folder, "export", "--study", "small", before=be_impatient).status == 0, "reading needs no lock"
    check_goes_on(folder, first, undisturbed)


def test_a_database_that_another_process_locks_and_keeps_ends_a_run(folder, undisturbed) -> None:
    command = start(folder, "run", *ARGUMENTS, TRIALS, before=be_impatient)
    command.until_told(2)
    with closing(sqlite3.connect(folder / "studies/studies.db", isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = command.wait()
    assert message(done)[0] == f"{STORE}: another process keeps the database locked"
    check_goes_on(folder, done, undisturbed)


def test_a_database_that_another_process_locks_for_a_moment_is_waited_for(folder, undisturbed) -> None:
    command = start(folder, "run", *ARGUMENTS, TRIALS)
    command.until_told(2)
    with closing(sqlite3.connect(folder / "studies/studies.db", isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TimeoutError):
            command.wait(1)
    assert command.wait().status == 0
    assert dump(folder) == undisturbed


# --- data that vanish


def test_data_that_vanish_between_two_runs_are_named_and_the_store_is_left_alone(folder, undisturbed) -> None:
    first = run(folder, "run", *ARGUMENTS, 3)
    before = {path: path.read_bytes() for path in (folder / "studies").glob("*.*")}
    (folder / "data.csv").rename(folder / "away")
    what, _ = message(run(folder, "run", *ARGUMENTS, TRIALS))
    assert what == "data.csv: there is no such file"
    assert {path: path.read_bytes() for path in (folder / "studies").glob("*.*")} == before
    (folder / "away").rename(folder / "data.csv")
    check_goes_on(folder, first, undisturbed)


def test_data_that_vanish_in_a_run_are_no_longer_needed(folder, undisturbed) -> None:
    command = start(folder, "run", *ARGUMENTS, TRIALS)
    command.until_told(1)
    (folder / "data.csv").unlink()
    done = command.wait()
    assert (done.status, done.err) == (0, "")
    assert dump(folder) == undisturbed
