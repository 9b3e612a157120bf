"""What a trial may know of the others, and the in-memory Optuna study that shows exactly this to sampler and pruner.

Sampling on the live store depends on what happens to be finished; a replica is chosen by trial number alone, so that a
study comes out the same however many workers run it and however often it is interrupted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.search.space import distributions, searched
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.training.curves import Outcome

# a replica a trial: Optuna would announce each
optuna.logging.set_verbosity(optuna.logging.ERROR)

STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


@dataclass(frozen=True)
class Finished:
    """A finished trial as other trials see it: `curve` is its validation curve, `system` Optuna's own attributes."""

    number: int
    params: Mapping[str, Value]
    state: str
    value: float | None
    curve: tuple[float, ...]
    system: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(number: int, params: Mapping[str, Value], outcome: Outcome, system: Mapping[str, Any]) -> "Finished":
        return Finished(number, params, outcome.state, outcome.value, outcome.curve, system)


def trial_seed(seed: int, number: int) -> int:
    """The seed of everything Optuna draws for a trial. (seed + number would make studies share streams.)"""
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])


def best_so_far(curve: Sequence[float], *, maximise: bool) -> list[float]:
    """Each epoch's best value up to there."""
    return list(accumulate(curve, max if maximise else min))


def build_replica(
    spec: Spec,
    finished: Iterable[Finished],
    under_way: Iterable[Mapping[str, Value]],
    *,
    sampler: BaseSampler | None = None,
    pruner: BasePruner | None = None,
) -> optuna.Study:
    """An in-memory study with the finished trials, then those under way with their parameters only.

    A complete curve enters as its best so far, carried forward to the last epoch: Optuna's percentile rules compare
    only with trials that have the step, so that early stopping would otherwise switch pruning off.
    """
    study = optuna.create_study(
        study_name=spec.study.name,
        direction="maximize" if spec.maximise else "minimize",
        sampler=sampler,
        pruner=pruner,
    )
    domains = distributions(spec.space)
    for trial in finished:
        study.add_trial(_frozen(spec, trial, domains))
    for params in under_way:
        study.add_trial(
            create_trial(state=TrialState.RUNNING, params=searched(spec.space, params), distributions=domains)
        )
    return study


def _frozen(spec: Spec, trial: Finished, domains: Mapping[str, Any]) -> FrozenTrial:
    values = best_so_far(trial.curve, maximise=spec.maximise)
    if trial.state == "complete":
        values += [values[-1]] * (spec.train.max_epochs - len(values))
    return create_trial(
        state=STATES[trial.state],
        value=trial.value,
        params=searched(spec.space, trial.params),
        distributions=dict(domains),
        system_attrs=dict(trial.system),
        intermediate_values=dict(enumerate(values, 1)),
    )
