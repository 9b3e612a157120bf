"""Jobs under way: whichever ends first is handed on, and one whose worker dies gets a second chance."""

import time
from collections import Counter, deque
from collections.abc import Hashable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from typing import Any, TypeVar

from tuner.search.events import Notify, Ticked
from tuner.search.jobs import Job, R_co
from tuner.search.workers import Backend
from tuner.signals import defer_interrupts, let_in

Key = TypeVar("Key", bound=Hashable)

# Seconds between two looks at the live signs of the workers.
TICK = 0.2
# A worker may be killed by chance; a job that kills its worker again is itself the cause.
MOST_DEATHS = 2
DIED = f"its worker died {MOST_DEATHS} times (killed, or out of memory)"


class Pool:
    """Does jobs on the workers of a backend; each has a number of its own.

    Args:
        backend: where they are done.
        notify: called with the workers' live signs, and each time that it was waited for one.
        deadline: (of `time.monotonic`) until which to wait.
    """

    def __init__(self, backend: Backend, notify: Notify, deadline: float | None) -> None:
        self._backend, self._notify, self._deadline = backend, notify, deadline
        self._waiting: deque[tuple[int, Job[Any]]] = deque()
        self._under_way: dict[Future[Any], tuple[int, Job[Any]]] = {}
        self._deaths: Counter[int] = Counter()

    @property
    def has_room(self) -> bool:
        """True where one more job could begin at once."""
        return self._backend.free > len(self._waiting)

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting or self._under_way)

    def add(self, number: int, job: Job[Any]) -> None:
        """Begins a job, or has it wait for a free worker."""
        self._waiting.append((number, job))
        self._begin()

    def ended(self) -> Iterator[tuple[int, Any]]:
        """The numbers and results of jobs that have ended, once one has; None for one whose worker died twice.

        There may be none, when it is time to look around or the deadline has come.
        """
        for future in self._first_done():
            number, job = self._under_way.pop(future)
            try:
                yield number, future.result()
            except BrokenExecutor:
                self._deaths[number] += 1
                if self._deaths[number] < MOST_DEATHS:
                    self._waiting.append((number, job))
                else:
                    yield number, None
        self._begin()
        for progress in self._backend.progress():
            self._notify(progress)
        self._notify(Ticked())

    def _begin(self) -> None:
        while self._waiting and self._backend.free:
            number, job = self._waiting.popleft()
            self._under_way[self._backend.submit(job)] = number, job

    def _first_done(self) -> set[Future[Any]]:
        seconds = TICK if self._deadline is None else max(0.0, min(TICK, self._deadline - time.monotonic()))
        if not self._under_way:  # a cluster may have no worker for a while
            time.sleep(seconds)
        with defer_interrupts():
            done = wait(self._under_way, timeout=seconds, return_when=FIRST_COMPLETED).done
        let_in()
        return done


def do_all(
    jobs: Mapping[Key, Job[R_co]], backend: Backend, notify: Notify, deadline: float | None = None
) -> Iterator[tuple[Key, R_co | None]]:
    """The key of each job and its result, as they end; None for one whose worker died twice.

    At the deadline (of `time.monotonic`) no more are begun, those under way are left, and the iterator ends.
    """
    pool, keys = Pool(backend, notify, deadline), list(jobs)
    for number, job in enumerate(jobs.values()):
        pool.add(number, job)
    while pool.is_busy:
        yield from ((keys[number], result) for number, result in pool.ended())
        if is_over(deadline):
            return


def is_over(deadline: float | None) -> bool:
    """True once a deadline (of `time.monotonic`) has come."""
    return deadline is not None and time.monotonic() >= deadline
