"""One writer a study: a second real process is refused, and told who holds the lock; a dead one holds nothing."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Timer

import pytest
from filelock import FileLock

from tests.making import known
from tuner.errors import UserError
from tuner.storage.lock import Holder, file_holder, file_lock

HOLDER = """
import sys
from pathlib import Path
from tuner.storage.lock import file_lock
with file_lock(Path(sys.argv[1]), "small"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "studies.db.small.lock"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its standard input closes."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


@pytest.fixture
def beside(path: Path) -> Path:
    return path.with_name("studies.db.small.holder")


def refusal(path: Path) -> UserError:
    with pytest.raises(UserError) as caught, file_lock(path, "small"):
        pass
    return caught.value


def test_the_holder_is_named_with_its_process_host_and_time(path, holder) -> None:
    message = str(refusal(path))
    assert "the study small is being run" in message
    assert f"by process {holder.pid} on {socket.gethostname()} since {datetime.now():%Y-%m-%d}" in message
    assert "wait for it, stop it, or give your study another" in message


def test_the_lock_of_a_process_that_was_killed_is_taken_over(path, beside, holder) -> None:
    refusal(path)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with file_lock(path, "small"):
        assert f'"process": {os.getpid()}' in beside.read_text()


def test_the_lock_of_a_process_that_ended_is_free(path, holder) -> None:
    holder.communicate("")
    with file_lock(path, "small"):
        pass


def test_the_lock_is_given_back_when_the_block_raises(path) -> None:
    with pytest.raises(ZeroDivisionError), file_lock(path, "small"):
        raise ZeroDivisionError
    with file_lock(path, "small"):
        pass


def test_within_one_process_too_there_is_one_writer(path) -> None:
    with file_lock(path, "small"):
        assert f"by process {os.getpid()} on" in str(refusal(path))


def test_other_studies_have_other_locks(path) -> None:
    with file_lock(path, "small"), file_lock(path.with_name("studies.db.other.lock"), "other"):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"process": 1}'])
def test_a_holder_that_has_not_said_who_it_is_is_another_process(path, beside, text) -> None:
    with file_lock(path, "small"):
        beside.write_text(text)
        assert "the study small is being run by another process" in str(refusal(path))


def test_what_an_earlier_holder_left_is_written_over_and_goes_in_the_end(path, beside) -> None:
    path.parent.mkdir()
    beside.write_text("x" * 500)
    with file_lock(path, "small"):
        assert f"by process {os.getpid()}" in str(refusal(path))
    assert not beside.exists()


def test_a_place_that_cannot_be_written_is_said_and_the_lock_given_back(path, beside) -> None:
    beside.mkdir(parents=True)
    with pytest.raises(UserError) as kept, file_lock(path, "small"):
        pass
    beside.rmdir()
    with file_lock(path, "small"):
        pass
    assert "cannot be written" in str(kept.value)


def test_a_lock_that_was_deleted_before_it_was_got_is_made_anew(path, monkeypatch) -> None:
    path.parent.mkdir()
    lock = fcntl.flock

    def delete_first(*arguments: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        path.unlink()
        lock(*arguments)

    monkeypatch.setattr(fcntl, "flock", delete_first)
    with file_lock(path, "small"):
        assert f"by process {os.getpid()} on" in str(refusal(path)), "nobody else gets the new one"


# --- looking


def test_who_holds_a_lock_can_be_seen_without_taking_it(path, holder) -> None:
    seen = known(file_holder(path))
    assert (seen.process, seen.host) == (holder.pid, socket.gethostname())
    assert str(seen) in str(refusal(path))
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert file_holder(path) is None


def test_a_lock_that_nobody_ever_had_is_nobody_s_and_not_made(path) -> None:
    assert file_holder(path) is None
    assert not path.parent.exists()


@pytest.mark.parametrize("other", [file_holder, lambda path: file_lock(path, "small").__enter__()])
def test_one_who_looks_is_waited_for(path, other) -> None:
    with file_lock(path, "small"):
        pass
    looking = FileLock(path, thread_local=False)
    looking.acquire()
    later = Timer(0.04, looking.release)
    later.start()
    assert other(path) is None
    later.join()


def test_a_lock_that_is_not_ours_to_try_is_whose_it_is_said_to_be(path, beside) -> None:
    path.mkdir(parents=True)
    assert file_holder(path) is None
    beside.write_text('{"host": "h", "process": 7, "since": "today"}')
    assert file_holder(path) == Holder("h", 7, "today")


def test_a_holder_that_has_not_said_who_it_is_is_seen_too(path, beside) -> None:
    with file_lock(path, "small"):
        beside.write_text("{")
        assert file_holder(path) == Holder()
