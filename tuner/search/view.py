"""What a trial may know of the others, and the in-memory Optuna study that shows exactly this to sampler and pruner.

Sampling on the live store depends on what happens to be finished; a replica is chosen by trial number alone, so that a
study comes out the same however many workers run it and however often it is interrupted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.storage.distributions import STATES, distributions, searched
from tuner.training.outcome import Outcome

# a replica a trial: Optuna would announce each
optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass(frozen=True)
class KnownTrial:
    """A finished trial as other trials see it: `curve` is its validation curve."""

    number: int
    params: Mapping[str, Value]
    state: str
    value: float | None
    curve: tuple[float, ...]

    @staticmethod
    def of(number: int, params: Mapping[str, Value], outcome: Outcome) -> "KnownTrial":
        return KnownTrial(number, params, outcome.state, outcome.value, outcome.curve)


def trial_seed(seed: int, number: int) -> int:
    """The seed of everything Optuna draws for a trial. (seed + number would make studies share streams.)"""
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])


def best_so_far(curve: Sequence[float], *, maximise: bool) -> list[float]:
    """Each epoch's best value up to there."""
    return list(accumulate(curve, max if maximise else min))


class StudyView:
    """An in-memory study that grows with what may be known, so that each trial costs the same however many came before.

    A complete curve enters as its best so far, carried forward to the last epoch: Optuna's percentile rules compare
    only with trials that have the step, so that early stopping would otherwise switch pruning off.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._begin()

    def _begin(self) -> None:
        self._storage = InMemoryStorage()
        self._study = optuna.create_study(
            study_name=self.spec.study.name,
            direction="maximize" if self.spec.maximise else "minimize",
            storage=self._storage,
        )
        self._finished = 0

    def show(self, finished: Sequence[KnownTrial], under_way: Sequence[Mapping[str, Value]]) -> optuna.Study:
        """The study of exactly these trials: the finished ones, from number 0 on, then those under way, running.

        It is the same study as last time, grown, unless that one knew more than this one may.
        """
        present = len(self._study.get_trials(deepcopy=False))
        if len(finished) < self._finished or len(finished) + len(under_way) < present:
            self._begin()
            present = 0
        domains = distributions(self.spec.space)
        for trial in finished[self._finished : present]:
            self._finish(trial)
        for trial in finished[present:]:
            self._study.add_trial(_frozen(self.spec, trial, domains))
        self._finished = len(finished)
        for params in under_way[max(0, present - len(finished)) :]:
            self._study.add_trial(
                create_trial(
                    state=TrialState.RUNNING,
                    params=searched(self.spec.space, params),
                    distributions=domains,
                )
            )
        return self._study

    def _finish(self, trial: KnownTrial) -> None:
        """Ends a trial that was shown running."""
        row = self._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, trial.number)
        for epoch, value in enumerate(_shown(self.spec, trial), 1):
            self._storage.set_trial_intermediate_value(row, epoch, value)
        self._storage.set_trial_state_values(row, STATES[trial.state], None if trial.value is None else [trial.value])


def _shown(spec: Spec, trial: KnownTrial) -> list[float]:
    values = best_so_far(trial.curve, maximise=spec.maximise)
    if trial.state == "complete":
        values += [values[-1]] * (spec.train.max_epochs - len(values))
    return values


def _frozen(spec: Spec, trial: KnownTrial, domains: Mapping[str, Any]) -> FrozenTrial:
    return create_trial(
        state=STATES[trial.state],
        value=trial.value,
        params=searched(spec.space, trial.params),
        distributions=dict(domains),
        intermediate_values=dict(enumerate(_shown(spec, trial), 1)),
    )
