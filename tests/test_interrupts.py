"""Signals, as a process of its own takes them."""

from multiprocessing import get_all_start_methods

import pytest

from tests.processes import SPAWNS, Done, fresh

needs_alarm = pytest.mark.skipif(SPAWNS, reason="Windows has no alarm clock")

BEGIN = """
import os, signal, time, weakref
from tuner.signals import defer_interrupts, heed_signals, let_in

def interrupt(number=signal.SIGINT):
    os.kill(os.getpid(), number)
    for _ in range(1000): ...

heed_signals()
"""
END = """
except KeyboardInterrupt:
    print("interrupted")
"""

IN_A_CALLBACK = """
class Thing: ...

thing = Thing()
reference = weakref.ref(thing, lambda _: interrupt())
try:
    del thing
    time.sleep(60)
"""

HELD = """
try:
    with defer_interrupts():
        with defer_interrupts():
            interrupt({number})
        print("held")
    print("lost")
"""

LET_IN = """
try:
    with defer_interrupts():
        let_in()
        interrupt()
        interrupt()
        print("held")
        let_in()
        print("lost")
"""

HELD_LONG = """
began = time.monotonic()
try:
    with defer_interrupts():
        interrupt()
        print("held")
        time.sleep(60)
finally:
    print("soon" if 0.5 < time.monotonic() - began < 10 else "late")
"""

FAILED = """
try:
    with defer_interrupts():
        interrupt()
        raise ValueError
except ValueError:
    print("failed")
    try:
        with defer_interrupts():
            print("held")
    except KeyboardInterrupt:
        print("interrupted")
"""


def interrupted(folder, script: str) -> Done:
    return fresh(folder, "-c", BEGIN + script).wait(30)


@needs_alarm
def test_an_interrupt_is_not_lost_in_a_callback_of_a_weak_reference(tmp_path) -> None:
    assert interrupted(tmp_path, IN_A_CALLBACK + END) == Done(0, "interrupted\n", "")


@pytest.mark.parametrize("number", ["signal.SIGINT", "signal.SIGTERM", "signal.SIGHUP"])
def test_an_interrupt_waits_for_the_end_of_the_outermost_block(tmp_path, number) -> None:
    if number == "signal.SIGHUP" and get_all_start_methods() == ["spawn"]:
        pytest.skip("there is none on Windows")
    assert interrupted(tmp_path, HELD.format(number=number) + END) == Done(0, "held\ninterrupted\n", "")


def test_an_interrupt_comes_once_where_it_is_let_in(tmp_path) -> None:
    script = LET_IN + END + "time.sleep(1.5)\nprint('once')"
    assert interrupted(tmp_path, script) == Done(0, "held\ninterrupted\nonce\n", "")


@needs_alarm
def test_no_interrupt_waits_long(tmp_path) -> None:
    done = interrupted(tmp_path, HELD_LONG)
    assert (done.status, done.out) == (-2, "held\nsoon\n")


def test_a_block_that_fails_raises_its_own_error_and_the_interrupt_comes_later(tmp_path) -> None:
    assert interrupted(tmp_path, FAILED) == Done(0, "failed\nheld\ninterrupted\n", "")


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_a_process_was_started_to_ignore_does_not_interrupt_it(tmp_path, number) -> None:
    ignoring = f"import signal\nsignal.signal(signal.{number}, signal.SIG_IGN)"
    script = f"interrupt(signal.{number})\nprint('goes on')"
    assert fresh(tmp_path, "-c", ignoring + BEGIN + script).wait(30) == Done(0, "goes on\n", "")
