"""Interruptions of a command: Ctrl-C, SIGTERM, and what comes when its terminal is closed; each as `KeyboardInterrupt`.

Raised anywhere, it could leave a transaction open, or a lock taken: `defer_interrupts` keeps it back until `let_in`.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Seconds after which an interrupt that waits, or that Python has lost, is raised wherever the program is.
LONGEST = 1.0
# What comes when the terminal is closed.
if sys.platform == "win32":
    CLOSED = signal.SIGBREAK
else:
    CLOSED = signal.SIGHUP


@dataclass
class _State:
    """The number of blocks that defer interrupts, and whether one came that is still to be raised."""

    depth: int = 0
    came: bool = False


# signals are the whole process's
_state = _State()


def heed_signals() -> None:
    """Has signals interrupt this process, but for those it was started to ignore (by nohup, or in the background)."""
    terminals = [stream.fileno() for stream in (sys.stdout, sys.stderr) if stream.isatty()]

    def interrupt(number: int, _: object) -> None:
        if number == CLOSED:
            signal.signal(CLOSED, signal.SIG_IGN)  # the shell and the kernel may both send one
            for terminal in terminals:  # a closed one cannot be written to
                os.dup2(os.open(os.devnull, os.O_WRONLY), terminal)
        if not _state.depth:
            raise KeyboardInterrupt
        _wait()

    for number in (signal.SIGINT, signal.SIGTERM, CLOSED):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, lambda *_: let_in())
    sys.unraisablehook = _keep


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """While the block runs, an interrupt waits for `let_in` or the block's end, but never longer than a second."""
    _state.depth += 1
    try:
        yield
    finally:
        _state.depth -= 1
    if not _state.depth:
        let_in()


def let_in() -> None:
    """Raises the interrupt that waits.

    Raises:
        KeyboardInterrupt: one does.
    """
    if _state.came:
        _state.came = False
        _set_alarm(0)
        raise KeyboardInterrupt


def _wait() -> None:
    _state.came = True
    _set_alarm(LONGEST)


def _set_alarm(seconds: float) -> None:
    """Sets the alarm clock; without one, as on Windows, what waits is raised at the next `let_in` or end of a block."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _keep(lost: "sys.UnraisableHookArgs") -> None:
    """Raises an interrupt again that came in a callback of a weak reference, where it would be lost."""
    if lost.exc_type is KeyboardInterrupt:
        _wait()
    else:
        sys.__unraisablehook__(lost)
