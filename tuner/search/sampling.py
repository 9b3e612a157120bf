"""Chooses the configuration of a trial."""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import optuna
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

from tuner.search.replica import Finished, Replica, trial_seed
from tuner.search.space import completed, distributions
from tuner.spec.sections import Spec
from tuner.spec.space import PARAMETERS, Value, defaults, unregularised

# Trials before the sampler chooses: the two references, and as many random ones as TPE and GP begin with.
START_UP = 12
# The share of regularisers that a start-up trial leaves at their least.
SPARSITY = 0.5


def choose(
    replica: Replica, number: int, finished: Sequence[Finished], under_way: Sequence[Mapping[str, Value]]
) -> dict[str, Value]:
    """The parameters of trial `number`, constants included: they hang on the arguments and the study file alone.

    Args:
        replica: of the study; grows.
        number: 0 is the unregularised reference, 1 the default configuration; then come sparse random ones, and from
            `START_UP` on the sampler chooses.
        finished: what the trial may know: the trials up to number - lag.
        under_way: the parameters of those after them.
    """
    spec = replica.spec
    if number < 2:
        return unregularised(spec.space) if number == 0 else defaults(spec.space)
    if number < START_UP and spec.search.sampler != "random":
        return _sparse(spec, number)
    study = replica.show(finished, under_way)
    # a new one each time: what a kept one remembers would be lost in an interruption
    study.sampler = _make_sampler(spec, trial_seed(spec.study.seed, number))
    return completed(spec.space, study.ask(distributions(spec.space)).params)


def _sparse(spec: Spec, number: int) -> dict[str, Value]:
    """A random configuration with half of its regularisers at their least.

    Drawn independently, all of them would be strong at once in nearly every trial, and the network too weak to learn.
    """
    chance = np.random.default_rng(trial_seed(spec.study.seed, number))
    trial = optuna.create_study(sampler=RandomSampler(seed=int(chance.integers(2**32)))).ask(distributions(spec.space))
    least = unregularised(spec.space)
    params = completed(spec.space, trial.params)
    return {
        name: least[name] if PARAMETERS[name].regularises and chance.random() < SPARSITY else value
        for name, value in params.items()
    }


def _make_sampler(spec: Spec, seed: int) -> BaseSampler:
    """TPE by default: it learns from pruned trials, which GP ignores, and asks in milliseconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match spec.search.sampler:
            case "tpe":
                return TPESampler(seed=seed)
            case "gp":
                return GPSampler(seed=seed)
            case "random":
                return RandomSampler(seed=seed)
