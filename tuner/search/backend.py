"""Where trials train: local processes behind a `concurrent.futures` executor. Nothing else in the code knows."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Protocol

from tuner.search.worker import Placed, Progress, Result, Task, train


class Backend(Protocol):
    """Trains trials somewhere."""

    workers: int

    def submit(self, task: Task) -> "Future[Result]":
        """Trains the task when a worker is free."""

    def progress(self) -> Iterator[Progress]:
        """The live signs that have come in since the last call."""

    def close(self) -> None:
        """Ends all workers at once, whatever they are doing."""


class LocalProcesses:
    """One process a worker, on this machine.

    A worker ends as soon as the other end of its lifeline is closed, be it by `close` or by the coordinator's death, of
    whatever kind: no orphan goes on computing.
    """

    def __init__(self, placed: Placed, workers: int) -> None:
        context = get_context("spawn")
        lifeline, self._lifeline = context.Pipe(duplex=False)
        self._signs, signs = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(workers, context, _set_up, (placed, lifeline, signs))
        self.workers = workers

    def submit(self, task: Task) -> "Future[Result]":
        # processes start inside submit and inherit the mask: Ctrl-C is for the coordinator alone
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._executor.submit(_train, task)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, masked)

    def progress(self) -> Iterator[Progress]:
        while self._signs.poll():
            yield self._signs.recv()

    def close(self) -> None:
        self._lifeline.close()
        self._executor.shutdown(wait=True, cancel_futures=True)


_placed: Placed
_signs: Connection


def _set_up(placed: Placed, lifeline: Connection, signs: Connection) -> None:
    global _placed, _signs
    _placed, _signs = placed, signs
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    lifeline.poll(None)
    os._exit(0)


def _train(task: Task) -> Result:
    # far below PIPE_BUF, so that workers share a pipe without a lock, which a killed one would hold for ever
    return train(_placed, task, _signs.send)
