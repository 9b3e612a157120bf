"""Runs jobs on the workers of a running Dask scheduler, one job per worker at a time."""

import pickle
from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from distributed import Client, KilledWorker, get_worker
from distributed import Future as DaskFuture

from tuner.errors import UserError
from tuner.search.events import Progressed
from tuner.search.jobs import Job, R_co, Shared, do_here, pack
from tuner.spec.sections import Spec
from tuner.training.machine import Machine, probe

# Seconds that a scheduler may take to answer.
PATIENCE = 10.0


@dataclass
class _Slot:
    """A worker of the cluster: the study's data on it, and what it is doing.

    Once a task on it has not come to its end, nothing of that can be relied on: it is broken.
    """

    shared: "DaskFuture[Any]"
    future: "Future[Any] | None" = None
    remote: "DaskFuture[Any] | None" = None
    broken: bool = False

    @property
    def free(self) -> bool:
        return self.future is None or self.future.done()


class DaskCluster:
    """The workers of the scheduler at `address`; they may come and go.

    Raises:
        UserError: no scheduler answers there.
    """

    def __init__(self, address: str) -> None:
        try:
            self._client = Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UserError(
                f"no Dask scheduler answers: {error}", where=f"--cluster {address}", hint="start one: dask scheduler"
            ) from None
        self._topic = uuid4().hex
        self._slots: dict[str, _Slot] = {}
        self._signs: deque[Progressed] = deque()
        self._client.subscribe_topic(self._topic, lambda event: self._signs.append(Progressed(**event[1])))

    def probe(self, spec: Spec, columns: int) -> Machine:
        # there may be no worker yet; a study is the same only on machines of one kind, and this is one
        return probe(spec, columns)

    def broadcast(self, shared: Shared) -> None:
        self._shared = pack(shared, shared.spec)
        self._slots.clear()  # found again with it

    @property
    def free(self) -> int:
        self._refresh()
        return sum(slot.free for slot in self._slots.values())

    def submit(self, job: Job[R_co]) -> "Future[R_co]":
        address, slot = next((address, slot) for address, slot in self._slots.items() if slot.free)
        future: Future[R_co] = Future()
        remote = self._client.submit(_do, self._topic, slot.shared, job, workers=[address], pure=False)
        slot.future, slot.remote = future, remote
        remote.add_done_callback(lambda done: _hand_over(done, slot, address))
        return future

    def progress(self) -> Iterator[Progressed]:
        self._refresh()
        while self._signs:
            yield self._signs.popleft()

    def close(self) -> None:
        for slot in self._slots.values():
            if slot.remote is not None and not slot.free:
                slot.remote.cancel()
        self._client.close(timeout=1)

    def _refresh(self) -> None:
        """Takes notice of workers that came or went; a task bound to a lost worker would wait for it for ever."""
        present = self._client.nthreads()
        for address in [at for at, slot in self._slots.items() if (slot.broken and slot.free) or at not in present]:
            lost = self._slots.pop(address)
            if lost.future is not None and lost.remote is not None and not lost.future.done():
                lost.remote.cancel()
                with suppress(InvalidStateError):  # it is done in this very moment
                    lost.future.set_exception(BrokenExecutor(f"the worker {address} is gone"))
        for address in present.keys() - self._slots.keys():
            # a copy a worker: Dask cannot make again what was scattered to one that then died
            with suppress(OSError, KeyError):  # it is gone again
                shared = self._client.scatter(self._shared, workers=[address], hash=False, timeout=PATIENCE)
                self._slots[address] = _Slot(shared)


def _hand_over(remote: "DaskFuture[Any]", slot: _Slot, address: str) -> None:
    """The end of a remote task becomes the end of the future that the coordinator waits for."""
    if slot.future is None:
        return
    # a worker may be given up for lost in this very moment
    with suppress(InvalidStateError):
        if remote.status == "finished":
            slot.future.set_result(remote.result())
        else:
            slot.broken = True
            slot.future.set_exception(_reason(remote, address))


def _reason(remote: "DaskFuture[Any]", address: str) -> Exception:
    """Why a remote task did not finish, as local processes would say it."""
    error = remote.exception() if remote.status == "error" else None
    # the scheduler, which unpickles jobs too, wraps its own
    missing = error if isinstance(error, ImportError) else error and error.__cause__
    if isinstance(missing, ImportError):
        return UserError(
            f"the cluster lacks what a trial needs: {missing}",
            where=address,
            hint="install what is installed here beside its scheduler and every worker, `tuner` too",
        )
    if isinstance(error, Exception) and not isinstance(error, KilledWorker):
        return error
    return BrokenExecutor(f"the task was {remote.status} on the cluster")


class _Halted(BaseException):
    """The coordinator no longer wants the trial."""


def _do(topic: str, shared: bytes, job: Job[R_co]) -> R_co:
    """Does a job on the worker that this is; its live signs go to the topic."""
    here = get_worker()
    key = here.get_current_task()

    def report(progress: Progressed) -> None:
        state: Any = here.state.tasks.get(key)
        # cancelled by the coordinator, or left behind by one that died
        if state is None or state.state != "executing":
            raise _Halted
        here.log_event(topic, vars(progress))

    return do_here(job, pickle.loads(shared), report)  # noqa: S301 (from our own coordinator)
