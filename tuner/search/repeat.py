"""Trains the best trials again, from other random streams, before one of them is named."""

from collections.abc import Sequence

from tuner.results.selection import Trial
from tuner.search.coordinator import DIED
from tuner.search.events import Notify, Repeated, StageBegan
from tuner.search.jobs import Result, Task
from tuner.search.pool import do_all
from tuner.search.workers import Backend
from tuner.storage.stored_study import StoredStudy
from tuner.training.outcome import Outcome


def repeat(
    study: StoredStudy, backend: Backend, notify: Notify, trials: Sequence[Trial], deadline: float | None
) -> None:
    """Trains each of the trials as often again as the study wants, those repeats left out that are there already.

    What is trained at the deadline (of `time.monotonic`) is left for the next run.
    """
    there = study.repeats()
    missing = [
        Task(trial.number, trial.params, 0, number)
        for trial in trials
        for number in range(1, study.spec.search.repeats + 1)
        if (trial.number, number) not in there
    ]
    notify(StageBegan("repeats", len(missing)))
    for index, trained in do_all(missing, backend, notify, deadline):
        task = missing[index]
        result = trained or Result(task.number, Outcome.failed(DIED), task.repeat)
        study.save(result.number, result.outcome, result.repeat)
        notify(Repeated(result.number, result.repeat, result.outcome))
