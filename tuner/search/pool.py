"""Does many independent jobs on all workers, whichever order they end in."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future

from tuner.search.coordinator import MOST_DEATHS, first_done, is_over
from tuner.search.events import Notify, Ticked
from tuner.search.jobs import Job, R_co
from tuner.search.workers import Backend


def do_all(
    jobs: Sequence[Job[R_co]], backend: Backend, notify: Notify, deadline: float | None
) -> Iterator[tuple[int, R_co | None]]:
    """The index of each job and its result, as they end; None for one whose worker died twice.

    At the deadline (of `time.monotonic`) no more are given out, those under way are left, and the iterator ends.
    """
    waiting = list(enumerate(jobs))
    under_way: dict[Future[R_co], int] = {}
    deaths: Counter[int] = Counter()
    while waiting or under_way:
        while waiting and backend.free:
            index, job = waiting.pop(0)
            under_way[backend.submit(job)] = index
        for future in first_done(under_way, deadline):
            index = under_way.pop(future)
            try:
                yield index, future.result()
            except BrokenExecutor:
                deaths[index] += 1
                if deaths[index] < MOST_DEATHS:
                    waiting.append((index, jobs[index]))
                else:
                    yield index, None
        for progress in backend.progress():
            notify(progress)
        notify(Ticked())
        if is_over(deadline):
            return
