"""The coordinator: asks and tells trials in the order of their numbers, whatever order they finish in.

Trial n is chosen and pruned knowing exactly the trials 0 to n - lag, so it is asked once these are told. Which worker
trains it, how many there are and how often the run was interrupted does not matter.
"""

from dataclasses import replace

from tuner.errors import UserError
from tuner.results.selection import Trial, scalars
from tuner.search.events import Notify, Resumed, Started, Told
from tuner.search.jobs import Task
from tuner.search.pool import DIED, Pool, is_over
from tuner.search.pruner import is_audit, thresholds
from tuner.search.sampler import choose
from tuner.search.workers import Backend
from tuner.storage.stored_study import StoredStudy
from tuner.training.outcome import Outcome

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
                self._keep(number, outcome or Outcome.failed(DIED))
                self._tell_those_due()
            if is_over(deadline):
                return

    def _submit_those_possible(self, trials: int, pool: Pool) -> None:
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
            params, study = self._params[number], self._study
            study.tell(number, outcome, scalars(study.facts.test_to_train, params, outcome))
            self._notify(Told(number, params, outcome))
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
