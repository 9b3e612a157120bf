"""Trains the best trials again, from other random streams, before one of them is named."""

from collections.abc import Sequence

from tuner.results.selection import Trial
from tuner.search.events import Notify, Repeated, StageBegan
from tuner.search.jobs import REPEAT, Task
from tuner.search.pool import DIED, do_all
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
        (trial, number)
        for trial in trials
        for number in range(1, study.spec.search.repeats + 1)
        if (trial.number, number) not in there
    ]
    jobs = [Task(trial.number, trial.params, (REPEAT, trial.number, number)) for trial, number in missing]
    notify(StageBegan("repeats", len(jobs)))
    for index, outcome in do_all(jobs, backend, notify, deadline):
        trial, number = missing[index]
        outcome = outcome or Outcome.failed(DIED)
        study.save(trial.number, outcome, number)
        notify(Repeated(trial.number, number, outcome))
