"""Ends poor trials early. A trial may know a fixed set of others, so that its rule is one threshold per epoch."""

import math
from collections.abc import Sequence

import numpy as np

from tuner.data.series import Floats
from tuner.results.selection import Trial
from tuner.spec.sections import LEAST_COMPLETE, LEAST_KNOWN, Spec

# Share of the trials to be pruned that are finished anyway, as audits.
AUDITS = 0.1
# The share of the epochs before which no trial is judged.
WARM_UP = 0.1
# (share of the epochs, share of the known trials that may be better); linear between.
RUNGS = ((WARM_UP, 0.5), (0.3, 0.25), (0.8, 0.15))


def thresholds(spec: Spec, number: int, known: Sequence[Trial]) -> tuple[float, ...]:
    """The cost (`Metric.cost`), by epoch, above which the least so far of trial `number` ends it; inf: none does.

    Args:
        spec: pruner, metric and epochs.
        number: of the trial; the unregularised and the default trial (0 and 1) are references, and never pruned.
        known: the finished trials that it may know.
    """
    epochs = spec.train.epochs
    curves = least_so_far(spec, known)
    pruner = spec.search.pruner if number >= 2 else "none"
    states = np.array([trial.outcome.state for trial in known], str)
    complete, judged = states == "complete", states != "failed"
    found = np.full(epochs, np.inf)
    if pruner == "rungs" and judged.sum() >= LEAST_KNOWN:
        found = rungs(curves[judged])
    elif pruner == "median" and complete.sum() >= LEAST_COMPLETE:
        found = np.percentile(curves[complete], 50, axis=0)
    found[: max(1, round(WARM_UP * epochs)) - 1] = np.inf
    return tuple(found.tolist())


def least_so_far(spec: Spec, known: Sequence[Trial]) -> Floats:
    """The least cost of each trial up to each epoch, (trials, epochs), carried forward where a trial is complete.

    It is NaN past the end of the others. A rule that compares trials epoch by epoch would else stop pruning where
    complete ones stopped early.
    """
    least = np.full((len(known), spec.train.epochs), np.nan)
    for row, trial in zip(least, known, strict=True):
        curve = trial.outcome.costs(spec.metric)
        row[: len(curve)] = np.minimum.accumulate(curve)
        if trial.outcome.state == "complete":
            row[len(curve) :] = row[len(curve) - 1]
    return least


def rungs(costs: Floats, shape: Sequence[tuple[float, float]] = RUNGS) -> Floats:
    """Thresholds, (epochs,): a trial is ended when too many of the known ones were better at the same epoch.

    Those that ended before that epoch were worse: they count as such, so that the rule does not get stricter and
    stricter as only good trials are left to compare with, which the median of complete trials does. The shares follow
    how much a rank says of the final one: little early on (successive halving, Jamieson & Talwalkar, AISTATS 2016, has
    rungs for the same reason).

    Args:
        costs: (trials, epochs), the least so far of known trials; NaN past the end of those that were pruned.
        shape: shares of the epochs, and of the known trials that may be better there.
    """
    trials, epochs = costs.shape
    at, shares = zip(*shape, strict=True)
    share = np.interp(np.arange(1, epochs + 1) / epochs, at, shares)
    # a whisker less, as rounding must not decide
    needed = np.ceil(share * (trials + 1) - 1e-9).astype(int)
    ordered = np.vstack([np.sort(costs, axis=0), np.full(epochs, np.nan)])  # NaN come last
    found: Floats = ordered[np.minimum(needed - 1, trials), np.arange(epochs)]
    return np.where(np.isnan(found), math.inf, found)


def is_audit(seed: int, number: int) -> bool:
    """True for a trial that no pruner stops: decided by the study's seed and its number alone."""
    # a third word: the stream is not the one that the sampler draws from
    return bool(np.random.default_rng((seed, number, 1)).random() < AUDITS)
