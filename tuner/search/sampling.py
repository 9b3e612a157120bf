"""Chooses the configuration of a trial."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import optuna
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

from tuner.search.replica import Finished, Replica, trial_seed
from tuner.search.space import completed, distributions
from tuner.spec.sections import Spec
from tuner.spec.space import PARAMETERS, Value, defaults, unregularised

# Trials before the sampler chooses: the two references, and random ones, of which TPE needs more.
START_UP = {"auto": 6, "gp": 6, "tpe": 12, "random": 2}
# From this trial on "auto" is TPE: a Gaussian process takes ever longer, with the cube of the trials it knows.
GP_UNTIL = 100
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
    if number < START_UP[spec.search.sampler]:
        return _sparse(spec, number)
    seed = trial_seed(spec.study.seed, number)
    if spec.search.sampler == "gp" or (spec.search.sampler == "auto" and number < GP_UNTIL):
        # its own study each time: every new trial moves the ranks of all
        study = Replica(spec).show(ranked(finished), under_way)
        with _one_thread():
            return _ask(spec, study, GPSampler(seed=seed, n_startup_trials=1))
    sampler = RandomSampler(seed=seed) if spec.search.sampler == "random" else TPESampler(seed=seed)
    return _ask(spec, replica.show(finished, under_way), sampler)


def ranked(finished: Sequence[Finished]) -> list[Finished]:
    """The same trials, each with a value as a complete one whose value is the normal quantile of its rank.

    A Gaussian process takes values for normal and of one spread everywhere, and Optuna's leaves pruned trials out. The
    best so far of a pruned trial is worse than what it would have become, which its rank hardly shows (rank-based
    inverse normal transform, Salinas et al. 2020).
    """
    from scipy.stats import norm, rankdata  # here: no other sampler waits for their import

    valued = [trial for trial in finished if trial.value is not None]
    ranks = rankdata([trial.value for trial in valued])
    quantiles = dict(zip((trial.number for trial in valued), norm.ppf((ranks - 0.5) / len(ranks)), strict=True))
    return [
        replace(trial, state="complete", value=float(quantiles[trial.number]), curve=(float(quantiles[trial.number]),))
        if trial.value is not None
        else trial
        for trial in finished
    ]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Optuna's Gaussian process sums in torch, whose results hang on the number of threads."""
    import torch  # here, where it is needed: the coordinator has no other use for it

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _ask(spec: Spec, study: optuna.Study, sampler: BaseSampler) -> dict[str, Value]:
    """What a sampler chooses; a new one each time: what a kept one remembers would be lost in an interruption."""
    study.sampler = sampler
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
