"""Interruptions of a command: Ctrl-C, SIGTERM, and SIGHUP when its terminal is closed; each as `KeyboardInterrupt`.

Raised anywhere, it could leave a transaction open, or a lock taken: `held` keeps it back until `let_in`.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Seconds for which an interrupt is held back; and after which one that Python has lost comes again.
LONGEST, AGAIN = 1.0, 0.01


@dataclass
class _State:
    """The number of blocks that hold interrupts back, and an interrupt that is still to be raised."""

    held: int = 0
    came: bool = False


# signals are the whole process's
_state = _State()


def heed_signals() -> None:
    """Has signals interrupt this process, but for those it was started to ignore (by nohup, or in the background)."""
    terminals = [stream.fileno() for stream in (sys.stdout, sys.stderr) if stream.isatty()]

    def hang_up(*_: object) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the shell and the kernel may both send one
        # a closed terminal cannot be written to
        for terminal in terminals:
            os.dup2(os.open(os.devnull, os.O_WRONLY), terminal)
        _interrupt()

    for number, handler in ((signal.SIGINT, _interrupt), (signal.SIGTERM, _interrupt), (signal.SIGHUP, hang_up)):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
    signal.signal(signal.SIGALRM, lambda *_: let_in())
    sys.unraisablehook = _interrupt_again


@contextmanager
def held() -> Iterator[None]:
    """While the block runs, an interrupt waits for `let_in` or the block's end, but never longer than a second."""
    _state.held += 1
    try:
        yield
    finally:
        _state.held -= 1
    if not _state.held:
        let_in()


def let_in() -> None:
    """Raises the interrupt that was held back.

    Raises:
        KeyboardInterrupt: one was.
    """
    if _state.came:
        _state.came = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise KeyboardInterrupt


def _interrupt(*_: object) -> None:
    if not _state.held:
        raise KeyboardInterrupt
    _raise_in(LONGEST)


def _interrupt_again(lost: "sys.UnraisableHookArgs") -> None:
    """Raises an interrupt again that came in a callback of a weak reference, where it would be lost."""
    if lost.exc_type is KeyboardInterrupt:
        _raise_in(AGAIN)
    else:
        sys.__unraisablehook__(lost)


def _raise_in(seconds: float) -> None:
    _state.came = True
    signal.setitimer(signal.ITIMER_REAL, seconds)
