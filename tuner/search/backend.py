"""Where trials train: behind `concurrent.futures` executors of one worker each. Nothing else in the code knows.

An executor a worker, rather than one of many workers, because a dying process breaks its whole executor, and because
what other trials found is sent to each worker once: one has to know who knows what.
"""

import os
import pickle
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import active_children, get_context
from typing import TYPE_CHECKING, Any, Protocol

from tuner.interrupts import held
from tuner.search.process import do, place, ready, set_up

# light to import: workers start while their coordinator still imports torch
if TYPE_CHECKING:
    from tuner.search.replica import Finished
    from tuner.search.worker import Job, Placed, Progress, R_co


class Backend(Protocol):
    """Does jobs somewhere, most of which train a trial."""

    def place(self, placed: "Placed") -> None:
        """Hands over what all trials of a study share; once, before the first trial."""

    @property
    def free(self) -> int:
        """How many more jobs can be done now."""

    def submit(self, job: "Job[R_co]", known: "Sequence[Finished]" = ()) -> "Future[R_co]":
        """Does the job on a free worker, which then knows the trials in `known` (from number 0 on, in order).

        The future raises `concurrent.futures.BrokenExecutor` if the worker died.
        """

    def progress(self) -> "Iterator[Progress]":
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


class LocalProcesses:
    """One process a worker, on this machine.

    They import what they need while their coordinator does: at once as many as leave it a core, the others once it is
    ready and hands over the study. All at once, it would come to the first trial later, and they no sooner.

    A worker ends as soon as the other end of its lifeline is closed, be it by `close` or by the coordinator's death, of
    whatever kind: no orphan goes on computing.
    """

    def __init__(self, workers: int) -> None:
        self._context = get_context("spawn")
        self._placed: bytes | None = None
        self._line, self._lifeline = self._context.Pipe(duplex=False)
        self._signs, self._sign = self._context.Pipe(duplex=False)
        self._workers = workers
        self._slots = [self._slot() for _ in range(min(workers, max(1, len(os.sched_getaffinity(0)) - 1)))]

    @held()  # a process that is half started would wait for the other half
    def _slot(self) -> _Slot:
        executor = ProcessPoolExecutor(1, self._context, set_up, (self._line, self._sign))
        # the process starts inside submit and inherits the mask: Ctrl-C is for the coordinator alone
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            executor.submit(ready)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        if self._placed is not None:
            executor.submit(place, self._placed)
        return _Slot(executor)

    def place(self, placed: "Placed") -> None:
        self._placed = pickle.dumps(placed)
        for index, slot in enumerate(self._slots):
            try:
                slot.executor.submit(place, self._placed)
            except BrokenExecutor:  # its process died while it waited
                self._replace(index)
        while len(self._slots) < self._workers:
            self._slots.append(self._slot())

    @property
    def free(self) -> int:
        return sum(slot.free for slot in self._slots)

    def submit(self, job: "Job[R_co]", known: "Sequence[Finished]" = ()) -> "Future[R_co]":
        index = next(index for index, slot in enumerate(self._slots) if slot.free)
        try:
            return self._start(self._slots[index], job, known)
        except BrokenExecutor:  # its process died, be it in a trial or between two
            self._replace(index)
            return self._start(self._slots[index], job, known)

    def _replace(self, index: int) -> None:
        """Another worker for one that died."""
        self._slots[index].executor.shutdown(wait=False)
        self._slots[index] = self._slot()

    def _start(self, slot: _Slot, job: "Job[R_co]", known: "Sequence[Finished]") -> "Future[R_co]":
        future = slot.executor.submit(do, job, tuple(known[slot.told :]))
        slot.future, slot.told = future, max(slot.told, len(known))
        return future

    def progress(self) -> "Iterator[Progress]":
        while self._signs.poll():
            yield self._signs.recv()

    def close(self) -> None:
        self._lifeline.close()
        for pid in [child.pid for child in active_children() if child.pid]:
            with suppress(ProcessLookupError):  # one that was stopped would keep us waiting
                os.kill(pid, signal.SIGCONT)
        for slot in self._slots:
            slot.executor.shutdown(wait=True, cancel_futures=True)
