"""Two studies on the same folds: the fold-paired difference of their best trials, with its interval and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.evaluation.bootstrap import Interval
from tuner.results.findings import Findings
from tuner.results.selection import fold_costs
from tuner.training.outcome import standard_error

CONFIDENCE = 0.95


@dataclass(frozen=True)
class FoldDifference:
    """The best trial of one study minus that of another, fold by fold.

    Attributes:
        one, other: names of the studies.
        differences: of each fold that has both values, over each trial's runs, (k,): relative ones of a loss (its
            geometric mean over runs), of means of other metrics.
        mean: of the folds; geometric for a loss.
        interval: of that mean; NaN with fewer than two folds.
        verdict: what the interval says, in words.
    """

    one: str
    other: str
    differences: tuple[float, ...]
    mean: float
    interval: Interval
    verdict: str


def unpaired(one: Findings, other: Findings) -> str:
    """The reason why two studies cannot be compared fold by fold; empty if they can."""
    for what, same in (
        ("metrics", one.spec.metric == other.spec.metric),
        ("data", one.facts.digest == other.facts.digest),
        ("targets", one.facts.targets == other.facts.targets),
        ("tasks (windows or horizons)", one.spec.task == other.spec.task),
        ("folds", one.spec.cv == other.spec.cv and one.facts.folds == other.facts.folds),
    ):
        if not same:
            return f"their {what} differ"
    empty = [findings.spec.study.name for findings in (one, other) if findings.summary.best is None]
    return f"no trial of {empty[0]} has completed" if empty else ""


def compare_folds(one: Findings, other: Findings) -> FoldDifference:
    """The difference of two studies for which `unpaired` has no objection.

    The interval is t with k - 1 degrees of freedom times the corrected resampled standard error (Nadeau & Bengio,
    Machine Learning 52, 2003), which allows for training sets that overlap; for k-fold a heuristic. It does not allow
    for both trials being the best of their studies, hence optimistic.
    """
    from scipy.stats import t

    metric, chosen = one.spec.metric, [findings.chosen("best") for findings in (one, other)]
    mine, others = (fold_costs(metric, best.trial) for best in chosen)
    differences = (mine - others)[~np.isnan(mine - others)]
    mean = float(differences.mean())
    quantile = float(t.ppf((1 + CONFIDENCE) / 2, max(len(differences) - 1, 1)))
    half = quantile * standard_error(differences.tolist(), one.facts.test_to_train)
    better = one if mean < 0 else other
    verdict = "no clear difference: the interval includes 0"
    if abs(mean) > half:  # never of a NaN
        verdict = f"{better.spec.study.name} is better: the interval does not include 0"
    low, high = sorted(metric.change(end) for end in (mean - half, mean + half))
    return FoldDifference(
        one=one.spec.study.name,
        other=other.spec.study.name,
        differences=tuple(metric.change(difference) for difference in differences.tolist()),
        mean=metric.change(mean),
        interval=(low, high),
        verdict=verdict,
    )


def remarks(studies: Sequence[Findings]) -> list[str]:
    """Sentences: what cannot be compared and why, and what the fold-paired differences say."""
    first, *others = studies
    said = []
    if len(by_metric(studies)) > 1:
        said.append("The metrics differ: values are not comparable, and each metric has figures of its own.")
    for other in others:
        names = f"{other.spec.study.name} and {first.spec.study.name}"
        if reason := unpaired(other, first):
            said.append(f"{names} are not compared fold by fold: {reason}.")
        else:
            pair, metric = compare_folds(other, first), first.spec.metric
            mean, low, high = (metric.change_text(change) for change in (pair.mean, *pair.interval))
            said.append(f"{names}, fold by fold: {pair.verdict} ({metric.words} {mean}, interval {low} to {high}).")
    return said


def by_metric(studies: Sequence[Findings]) -> dict[str, list[Findings]]:
    """Studies that share an axis."""
    groups: dict[str, list[Findings]] = {}
    for findings in studies:
        groups.setdefault(findings.spec.metric.name, []).append(findings)
    return groups
