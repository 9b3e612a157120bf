"""The coordinator: asks and tells trials in the order of their numbers, whatever order they finish in.

Trial n is chosen and pruned knowing exactly the trials 0 to n - lag, so it is asked once these are told. Which worker
trains it, how many there are and how often the run was interrupted does not matter. Other jobs (`do_all`) are done in
any order.
"""

import time
from collections import Counter, deque
from collections.abc import Hashable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import replace
from typing import Any, TypeVar

from tuner.errors import UserError
from tuner.results.selection import Trial
from tuner.search.events import Notify, Resumed, Started, Ticked, Told
from tuner.search.jobs import Job, R_co, Task
from tuner.search.pruner import is_audit, thresholds
from tuner.search.sampler import choose
from tuner.search.workers import Backend
from tuner.signals import defer_interrupts, let_in
from tuner.storage.stored_study import StoredStudy
from tuner.training.outcome import Outcome

Key = TypeVar("Key", bound=Hashable)

# Seconds between two looks at the live signs of the workers.
TICK = 0.2
# A worker may be killed by chance; a job that kills its worker again is itself the cause.
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
        self._spec, self._lag = study.spec, study.spec.search.lag
        self._params = study.params()
        self._outcomes = study.outcomes()
        self._n_told = study.n_told()
        self._submitted: set[int] = set()

    def run(self, trials: int, deadline: float | None = None) -> None:
        """Trains until the study has `trials` told trials, or until `deadline` (of `time.monotonic`).

        Trials under way at the deadline stay RUNNING, and are adopted by the next run.

        Raises:
            UserError: each of the first trials failed, for the same reason.
        """
        self._notify(Resumed({number: self._outcomes[number] for number in range(self._n_told)}))
        self._tell_those_due()
        pool = Pool(self._backend, self._notify, deadline)
        while self._n_told < max(trials, len(self._params)):
            self._submit_those_possible(trials, pool)
            for number, outcome in pool.ended():
                self._keep(number, outcome or Outcome("failed", DIED))
                self._tell_those_due()
            if is_over(deadline):
                return

    def _submit_those_possible(self, trials: int, pool: "Pool") -> None:
        """Adopts or asks trials, in order, as far as workers are free and the lag allows."""
        past = min(self._n_told + self._lag, max(trials, len(self._params)))
        for number in range(self._n_told, past):
            if not pool.has_room:
                return
            if number not in self._submitted and number not in self._outcomes:
                pool.add(number, self._task(number))
                self._submitted.add(number)
                self._notify(Started(number, self._params[number]))

    def _task(self, number: int) -> Task:
        """A trial to train; its parameters are chosen now, unless an earlier run has."""
        spec, count = self._spec, max(0, number - self._lag + 1)
        known = [Trial(other, self._params[other], self._outcomes[other]) for other in range(count)]
        if number == len(self._params):
            params = choose(spec, number, known, self._params[count:])
            self._study.add(params)
            self._params.append(params)
        ends, audit = thresholds(spec, number, known), is_audit(spec.study.seed, number)
        return Task(number, self._params[number], (number,), ends, audit)

    def _keep(self, number: int, outcome: Outcome) -> None:
        self._study.save(number, outcome)
        self._outcomes[number] = replace(outcome, scores=())  # many, and nobody asks for them here

    def _tell_those_due(self) -> None:
        while self._n_told in self._outcomes:
            number, outcome = self._n_told, self._outcomes[self._n_told]
            self._study.tell(number, self._params[number], outcome)
            self._notify(Told(number, self._params[number], outcome))
            self._n_told += 1
        self._stop_if_hopeless()

    def _stop_if_hopeless(self) -> None:
        first = [self._outcomes[number] for number in range(min(self._n_told, HOPELESS))]
        reasons = {outcome.reason.strip().splitlines()[-1] for outcome in first if outcome.state == "failed"}
        if len(first) == HOPELESS and len(reasons) == 1 and all(outcome.state == "failed" for outcome in first):
            raise UserError(
                f"each of the first {HOPELESS} trials failed: {reasons.pop()}",
                where=self._spec.study.name,
                hint="fix the cause, then search again under another `[study] name`",
            )


class Pool:
    """Does jobs on the workers of a backend; each has a key of its own.

    Args:
        backend: where they are done.
        notify: called with the workers' live signs, and each time that it was waited for one.
        deadline: (of `time.monotonic`) until which to wait.
    """

    def __init__(self, backend: Backend, notify: Notify, deadline: float | None) -> None:
        self._backend, self._notify, self._deadline = backend, notify, deadline
        self._waiting: deque[tuple[Hashable, Job[Any]]] = deque()
        self._under_way: dict[Future[Any], tuple[Hashable, Job[Any]]] = {}
        self._deaths: Counter[Hashable] = Counter()

    @property
    def has_room(self) -> bool:
        """True where one more job could begin at once."""
        return self._backend.free > len(self._waiting)

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting or self._under_way)

    def add(self, key: Hashable, job: Job[Any]) -> None:
        """Begins a job, or has it wait for a free worker."""
        self._waiting.append((key, job))
        self._begin()

    def ended(self) -> Iterator[tuple[Any, Any]]:
        """The keys and results of jobs that have ended, once one has; None for one whose worker died twice.

        There may be none, when it is time to look around or the deadline has come.
        """
        for future in self._first_done():
            key, job = self._under_way.pop(future)
            try:
                yield key, future.result()
            except BrokenExecutor:
                self._deaths[key] += 1
                if self._deaths[key] < MOST_DEATHS:
                    self._waiting.append((key, job))
                else:
                    yield key, None
        self._begin()
        for progress in self._backend.progress():
            self._notify(progress)
        self._notify(Ticked())

    def _begin(self) -> None:
        while self._waiting and self._backend.free:
            key, job = self._waiting.popleft()
            self._under_way[self._backend.submit(job)] = key, job

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
    pool = Pool(backend, notify, deadline)
    for key, job in jobs.items():
        pool.add(key, job)
    while pool.is_busy:
        yield from pool.ended()
        if is_over(deadline):
            return


def is_over(deadline: float | None) -> bool:
    """True once a deadline (of `time.monotonic`) has come."""
    return deadline is not None and time.monotonic() >= deadline
