"""The coordinator: asks and tells trials in the order of their numbers, whatever order they finish in.

Trial n is chosen and pruned knowing exactly the trials 0 to n - lag, so it is asked once these are told. Which worker
trains it, how many there are and how often the run was interrupted does not matter.
"""

import time
from collections import Counter
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from typing import TypeVar

from tuner.errors import UserError
from tuner.results.selection import scalars
from tuner.search.events import Notify, Resumed, Started, Ticked, Told
from tuner.search.jobs import Result, Task
from tuner.search.sampler import choose
from tuner.search.view import KnownTrial, StudyView
from tuner.search.workers import Backend
from tuner.signals import held, let_in
from tuner.storage.stored_study import StoredStudy
from tuner.training.outcome import Outcome

R = TypeVar("R")

# Seconds between two looks at the live signs of the workers.
TICK = 0.2
# A worker may be killed by chance; a trial that kills its worker again is itself the cause.
MOST_DEATHS = 2
DIED = f"its worker died {MOST_DEATHS} times (killed, or out of memory)"
# So many first trials failing alike mean that the study is wrong, not the configuration.
HOPELESS = 5


class Coordinator:
    """Runs one study up to a number of trials.

    Args:
        study: where everything is written; this is its only writer.
        backend: where trials train.
        notify: called with every event.
    """

    def __init__(self, study: StoredStudy, backend: Backend, notify: Notify) -> None:
        self._study, self._backend, self._notify = study, backend, notify
        self._lag = study.spec.search.lag
        self._params = study.params()
        self._outcomes = study.outcomes()
        self._finished = {
            number: KnownTrial.of(number, self._params[number], outcome) for number, outcome in self._outcomes.items()
        }
        self._replica = StudyView(study.spec)
        self._told = study.told()
        self._under_way: dict[Future[Result], int] = {}
        self._deaths: Counter[int] = Counter()

    def run(self, trials: int, deadline: float | None = None) -> None:
        """Trains until the study has `trials` told trials, or until `deadline` (of `time.monotonic`).

        Trials under way at the deadline stay RUNNING, and are adopted by the next run.

        Raises:
            UserError: each of the first trials failed, for the same reason.
        """
        self._notify(Resumed({number: self._outcomes[number] for number in range(self._told)}))
        self._tell_those_due()
        while self._told < max(trials, len(self._params)):
            self._submit_those_possible(trials)
            for future in first_done(self._under_way, deadline):
                self._collect(future)
            self._tell_those_due()
            for progress in self._backend.progress():
                self._notify(progress)
            self._notify(Ticked())
            if is_over(deadline):
                return

    def _submit_those_possible(self, trials: int) -> None:
        """Adopts or asks trials, in order, as far as workers are free and the lag allows."""
        busy = set(self._under_way.values())
        past = min(self._told + self._lag, max(trials, len(self._params)))
        for number in range(self._told, past):
            if self._backend.free == 0:
                return
            if number not in busy and number not in self._outcomes:
                self._submit(number)

    def _submit(self, number: int) -> None:
        known = [self._finished[other] for other in range(max(0, number - self._lag + 1))]
        if number == len(self._params):
            params = choose(self._replica, number, known, self._params[len(known) :])
            self._study.add(params)
            self._params.append(params)
        params = self._params[number]
        self._under_way[self._backend.submit(Task(number, params, len(known)), known)] = number
        self._notify(Started(number, params))

    def _collect(self, future: "Future[Result]") -> None:
        number = self._under_way.pop(future)
        try:
            result = future.result()
        except BrokenExecutor:
            self._deaths[number] += 1
            if self._deaths[number] < MOST_DEATHS:
                return  # not under way and without an outcome: it is submitted again
            result = Result(number, Outcome.failed(DIED))
        self._study.save(result.number, result.outcome, result.repeat)
        self._outcomes[number] = result.outcome
        self._finished[number] = KnownTrial.of(number, self._params[number], result.outcome)

    def _tell_those_due(self) -> None:
        while self._told in self._outcomes:
            number, outcome = self._told, self._outcomes[self._told]
            params, study = self._params[number], self._study
            study.tell(number, outcome, scalars(study.facts.test_to_train, params, outcome))
            self._notify(Told(number, params, outcome))
            self._told += 1
        self._stop_if_hopeless()

    def _stop_if_hopeless(self) -> None:
        first = [self._outcomes[number] for number in range(min(self._told, HOPELESS))]
        reasons = {outcome.reason.strip().splitlines()[-1] for outcome in first if outcome.state == "failed"}
        if len(first) == HOPELESS and len(reasons) == 1 and all(outcome.state == "failed" for outcome in first):
            raise UserError(
                f"each of the first {HOPELESS} trials failed: {reasons.pop()}",
                where=self._study.spec.study.name,
                hint="mend the cause, then search anew under another `[study] name`",
            )


def first_done(under_way: Collection[Future[R]], deadline: float | None) -> set[Future[R]]:
    """Those that are done, as soon as one is; perhaps none, when it is time to look around or the deadline has come."""
    seconds = TICK if deadline is None else max(0.0, min(TICK, deadline - time.monotonic()))
    if not under_way:  # a cluster may have no worker for a while
        time.sleep(seconds)
    with held():
        done = wait(under_way, timeout=seconds, return_when=FIRST_COMPLETED).done
    let_in()
    return done


def is_over(deadline: float | None) -> bool:
    """Whether a deadline (of `time.monotonic`) has come."""
    return deadline is not None and time.monotonic() >= deadline
