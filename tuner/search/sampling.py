"""Chooses the configuration of a trial."""

import warnings
from collections.abc import Mapping, Sequence

import optuna
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

from tuner.search.replica import Finished, build_replica, trial_seed
from tuner.search.space import completed, distributions
from tuner.spec.sections import Spec
from tuner.spec.space import Value, defaults, unregularised


def choose(
    spec: Spec, number: int, finished: Sequence[Finished], under_way: Sequence[Mapping[str, Value]]
) -> dict[str, Value]:
    """The parameters of trial `number`, constants included: a pure function of its arguments.

    Args:
        spec: space, sampler and seed.
        number: 0 is the unregularised reference, 1 the default configuration; the sampler chooses from 2 on.
        finished: what the trial may know: the trials up to number - lag.
        under_way: the parameters of those after them.
    """
    if number < 2:
        return unregularised(spec.space) if number == 0 else defaults(spec.space)
    domains = distributions(spec.space)
    sampler = _make_sampler(spec, trial_seed(spec.study.seed, number))
    replica = build_replica(spec, finished, under_way, sampler=sampler)
    return completed(spec.space, replica.ask(domains).params)


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
