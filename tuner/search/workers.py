"""Where trials train: behind `concurrent.futures` executors of one worker each. Nothing else in the code knows.

An executor a worker, rather than one of many workers, because a dying process breaks its whole executor, and because
what other trials found is sent to each worker once: one has to know who knows what.
"""

import os
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import active_children, forkserver, get_context, resource_tracker
from multiprocessing.context import ForkServerContext
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tuner.search.process import do, look, place, set_up
from tuner.signals import held

# light to import: the server of the workers begins to import torch before their coordinator has come further
if TYPE_CHECKING:
    from tuner.search.events import Progressed
    from tuner.search.jobs import Job, Machine, R_co, Shared
    from tuner.search.view import KnownTrial

R = TypeVar("R")


class Backend(Protocol):
    """Does jobs somewhere, most of which train a trial."""

    def look(self, precision: str) -> "Machine":
        """What its workers run on, with `[train] precision` as it stands in the study file; before `place`."""

    def place(self, placed: "Shared") -> None:
        """Hands over what all trials of a study share; once, before the first trial."""

    @property
    def free(self) -> int:
        """How many more jobs can be done now."""

    def submit(self, job: "Job[R_co]", known: "Sequence[KnownTrial]" = ()) -> "Future[R_co]":
        """Does the job on a free worker, which then knows the trials in `known` (from number 0 on, in order).

        The future raises `concurrent.futures.BrokenExecutor` if the worker died.
        """

    def progress(self) -> "Iterator[Progressed]":
        """The live signs that have come in since the last call."""

    def close(self) -> None:
        """Ends all workers at once, whatever they are doing."""


@dataclass
class _Slot:
    """A worker: its executor, how many finished trials it was told of, and what it is doing."""

    executor: Executor
    told: int = 0
    future: "Future[Any] | None" = field(default=None)

    @property
    def free(self) -> bool:
        return self.future is None or self.future.done()


def fork_server() -> ForkServerContext:
    """Has a process import all that a worker needs, from which workers are then forked, each in an instant.

    It begins at once, beside whatever its caller imports, and ends with its caller. Ctrl-C is for the latter alone.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["tuner.search.worker", "tuner.search.environment"])
    resource_tracker.ensure_running()  # would else unblock what is blocked here
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
    return context


class LocalProcesses:
    """One process a worker, on this machine.

    A worker ends as soon as the other end of its lifeline is closed, be it by `close` or by the coordinator's death, of
    whatever kind: no orphan goes on computing.
    """

    def __init__(self, workers: int) -> None:
        self._context = fork_server()
        self._placed: bytes | None = None
        self._line, self._lifeline = self._context.Pipe(duplex=False)
        self._signs, self._sign = self._context.Pipe(duplex=False)
        self._slots = [self._slot() for _ in range(workers)]

    def _slot(self) -> _Slot:
        """A worker whose process starts with the first call that it is given."""
        return _Slot(ProcessPoolExecutor(1, self._context, set_up, (self._line, self._sign)))

    @held()  # a process that is half started would wait for the other half
    def _call(self, slot: _Slot, function: Callable[..., R], *arguments: object) -> "Future[R]":
        return slot.executor.submit(function, *arguments)

    def look(self, precision: str) -> "Machine":
        try:
            return self._call(self._slots[0], look, precision).result()
        except BrokenExecutor:  # its process died
            return self._call(self._replace(0), look, precision).result()

    def place(self, placed: "Shared") -> None:
        self._placed = pickle.dumps(placed)
        for index, slot in enumerate(self._slots):
            try:
                self._call(slot, place, self._placed)
            except BrokenExecutor:
                self._replace(index)

    @property
    def free(self) -> int:
        return sum(slot.free for slot in self._slots)

    def submit(self, job: "Job[R_co]", known: "Sequence[KnownTrial]" = ()) -> "Future[R_co]":
        index = next(index for index, slot in enumerate(self._slots) if slot.free)
        try:
            return self._start(self._slots[index], job, known)
        except BrokenExecutor:  # its process died, be it in a trial or between two
            return self._start(self._replace(index), job, known)

    def _replace(self, index: int) -> _Slot:
        """Another worker for one that died."""
        self._slots[index].executor.shutdown(wait=False)
        slot = self._slots[index] = self._slot()
        if self._placed is not None:
            self._call(slot, place, self._placed)
        return slot

    def _start(self, slot: _Slot, job: "Job[R_co]", known: "Sequence[KnownTrial]") -> "Future[R_co]":
        future = self._call(slot, do, job, tuple(known[slot.told :]))
        slot.future, slot.told = future, max(slot.told, len(known))
        return future

    def progress(self) -> "Iterator[Progressed]":
        while self._signs.poll():
            yield self._signs.recv()

    def close(self) -> None:
        self._lifeline.close()
        for pid in [child.pid for child in active_children() if child.pid]:
            with suppress(ProcessLookupError):  # one that was stopped would keep us waiting
                os.kill(pid, signal.SIGCONT)
        for slot in self._slots:
            slot.executor.shutdown(wait=True, cancel_futures=True)
