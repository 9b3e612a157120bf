"""Runs jobs behind `concurrent.futures` executors of one worker each. Nothing else in the code knows.

An executor a worker, rather than one of many workers, because a dying process breaks its whole executor.
"""

import mmap
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import active_children, forkserver, get_all_start_methods, get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from types import ModuleType
from typing import Any, Protocol, TypeVar

from tuner.files import unwritable
from tuner.search.events import Progressed
from tuner.search.jobs import Job, R_co, Report, Shared, do_here, pack
from tuner.signals import defer_interrupts
from tuner.spec.sections import Spec
from tuner.training.machine import Machine, probe

R = TypeVar("R")
# a study's `Shared` without its arrays, pickled, the file that these are in, and where they lie there
Placed = tuple[bytes, Path, list[tuple[int, int]]]
ALIGNED = 64  # bytes: where an array may begin


class Backend(Protocol):
    """Does jobs somewhere, most of which train a trial."""

    def probe(self, spec: Spec, columns: int) -> Machine:
        """The machine of its workers, for a study of so many columns; before `broadcast`."""

    def broadcast(self, shared: Shared) -> None:
        """Hands over what the jobs that follow share; while none is under way."""

    @property
    def free(self) -> int:
        """The number of jobs that could begin now."""

    def submit(self, job: Job[R_co]) -> "Future[R_co]":
        """Does the job on a free worker.

        The future raises `concurrent.futures.BrokenExecutor` if the worker died.
        """

    def progress(self) -> Iterator[Progressed]:
        """The live signs that have come in since the last call."""

    def close(self) -> None:
        """Ends all workers at once, whatever they are doing."""


def start_method() -> BaseContext:
    """How workers start: forked in an instant from a server that has imported all that they need, else anew.

    Anew where that is Python's own choice, as forking is unsafe (macOS) or missing (Windows). The server begins at
    once, beside whatever its caller imports, and ends with its caller.
    """
    if get_all_start_methods()[0] == "spawn":
        return get_context("spawn")
    context = get_context("forkserver")
    # the last is what torch imports for the first optimiser, which takes about as long as torch itself
    context.set_forkserver_preload(["tuner.search.workers", "tuner.training.trainer", "torch._dynamo"])
    with _apart():
        forkserver.ensure_running()
    return context


@contextmanager
def _apart() -> Iterator[None]:
    """Has processes that start in its block hear no Ctrl-C, nor import the calling script: it may lack a main guard."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    if sys.platform != "win32":
        resource_tracker.ensure_running()  # would else unblock what is blocked here
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        sys.modules["__main__"] = main


@dataclass
class _Slot:
    """A worker: its executor, and what it is doing."""

    executor: Executor
    future: "Future[Any] | None" = None

    @property
    def free(self) -> bool:
        return self.future is None or self.future.done()


class LocalProcesses:
    """One process a worker, on this machine.

    A worker ends as soon as the other end of its lifeline is closed, be it by `close` or by the coordinator's death, of
    whatever kind: no orphan keeps computing.
    """

    _line: Any  # these two are of another type on Windows
    _sign: Any

    def __init__(self, workers: int) -> None:
        self._context = start_method()
        self._shared: Placed | None = None
        self._folder = TemporaryDirectory(prefix="tuner-", ignore_cleanup_errors=True)
        self._line, self._lifeline = self._context.Pipe(duplex=False)
        self._signs, self._sign = self._context.Pipe(duplex=False)
        self._slots = [self._slot() for _ in range(workers)]

    def _slot(self) -> _Slot:
        """A worker whose process starts with the first call that it is given."""
        return _Slot(ProcessPoolExecutor(1, self._context, _set_up, (self._line, self._sign)))

    @defer_interrupts()  # a process that is half started would wait for the other half
    def _call(self, index: int, function: Callable[..., R], *arguments: object) -> "Future[R]":
        """Has a worker call the function: another one, if its process has died."""
        with _apart():
            try:
                return self._slots[index].executor.submit(function, *arguments)
            except BrokenExecutor:
                self._slots[index].executor.shutdown(wait=False)
                self._slots[index] = self._slot()
                if self._shared is not None:
                    self._slots[index].executor.submit(_take_in, *self._shared)
                return self._slots[index].executor.submit(function, *arguments)

    def probe(self, spec: Spec, columns: int) -> Machine:
        packed = pack(spec, spec)
        try:
            return self._call(0, _probe, packed, columns).result()
        except BrokenExecutor:  # its process died
            return self._call(0, _probe, packed, columns).result()

    def broadcast(self, shared: Shared) -> None:
        self._shared = _place(shared, self._folder.name)
        for index in range(len(self._slots)):
            self._call(index, _take_in, *self._shared)

    @property
    def free(self) -> int:
        return sum(slot.free for slot in self._slots)

    def submit(self, job: Job[R_co]) -> "Future[R_co]":
        index = next(index for index, slot in enumerate(self._slots) if slot.free)
        future = self._call(index, _do, job)
        self._slots[index].future = future
        return future

    def progress(self) -> Iterator[Progressed]:
        while self._signs.poll():
            yield self._signs.recv()

    def close(self) -> None:
        self._lifeline.close()
        if sys.platform != "win32":  # one that was stopped would keep us waiting
            for pid in [child.pid for child in active_children() if child.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        for slot in self._slots:
            slot.executor.shutdown(wait=True, cancel_futures=True)
        self._folder.cleanup()


def _place(shared: Shared, folder: str) -> Placed:
    """Writes the arrays of a study's `Shared` to a new file, which all workers map: they lie in memory once.

    Raises:
        UserError: the file cannot be written.
    """
    buffers: list[pickle.PickleBuffer] = []
    pickled, spans = pack(shared, shared.spec, buffers.append), []
    try:
        with NamedTemporaryFile(dir=folder, delete=False) as file:
            for buffer in buffers:
                file.seek(-(-file.tell() // ALIGNED) * ALIGNED)
                spans.append((file.tell(), file.tell() + file.write(buffer.raw())))
    except OSError as error:
        raise unwritable(error, folder) from None
    return pickled, Path(file.name), spans


# What follows runs in a worker.

_shared: Shared | None = None
_report: Report


def _set_up(line: Connection, sign: Connection) -> None:
    """Makes this process a worker, which ends when the lifeline's other end closes.

    Args:
        line: the lifeline.
        sign: where live signs go. A message is far below PIPE_BUF: workers share the pipe without a lock, which a
            killed one would hold for ever.
    """
    global _report
    threading.Thread(target=_end_with, args=(line,), daemon=True).start()
    _report = sign.send


def _end_with(line: Connection) -> None:
    with suppress(EOFError, OSError):
        line.recv()
    os._exit(0)


def _probe(spec: bytes, columns: int) -> Machine:
    """The machine, for a study (pickled)."""
    return probe(pickle.loads(spec), columns)  # noqa: S301 (from our own parent)


def _take_in(pickled: bytes, path: Path, spans: Sequence[tuple[int, int]]) -> None:
    """Takes in a study's `Shared` as it was placed."""
    global _shared
    with path.open("rb") as file:
        held = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    _shared = pickle.loads(pickled, buffers=[held[first:past] for first, past in spans])  # noqa: S301 (our parent's)


def _do(job: Job[R_co]) -> R_co:
    """Does a job.

    Raises:
        BrokenExecutor: the study could not be taken in.
    """
    if _shared is None:
        raise BrokenExecutor("the worker has no study")
    return do_here(job, _shared, _report)
