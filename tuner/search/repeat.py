"""Trains the best trials again, from other random streams, before one of them is named."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future

from tuner.search.backend import Backend
from tuner.search.schedule import DIED, MOST_DEATHS, Listener, first_done
from tuner.search.select import Trial
from tuner.search.stored_study import StoredStudy
from tuner.search.worker import Result, Task, failure


def repeat(
    study: StoredStudy, backend: Backend, listener: Listener, trials: Sequence[Trial], deadline: float | None
) -> None:
    """Trains each of the trials as often again as the study wants, those repeats left out that are there already.

    What is trained at the deadline (of `time.monotonic`) is left for the next run.
    """
    there = study.repeats()
    waiting = [
        Task(trial.number, trial.params, 0, number)
        for trial in trials
        for number in range(1, study.spec.search.repeats + 1)
        if (trial.number, number) not in there
    ]
    listener.repeating(len(waiting))
    under_way: dict[Future[Result], Task] = {}
    deaths: Counter[tuple[int, int]] = Counter()
    while waiting or under_way:
        while waiting and backend.free:
            task = waiting.pop(0)
            under_way[backend.submit(task, ())] = task
        for future in first_done(under_way, deadline):
            task = under_way.pop(future)
            try:
                result = future.result()
            except BrokenExecutor:
                deaths[task.number, task.repeat] += 1
                if deaths[task.number, task.repeat] < MOST_DEATHS:
                    waiting.append(task)
                    continue
                result = Result(task.number, failure(DIED), task.repeat)
            study.save(result)
            listener.repeated(result.number, result.repeat, result.outcome)
        for progress in backend.progress():
            listener.progressed(progress)
        listener.ticked()
        if deadline is not None and time.monotonic() >= deadline:
            return
