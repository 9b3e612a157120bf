"""The selection optimism: by how much the cross-validated score of what is shipped flatters it."""

import math
from typing import NamedTuple

from tuner.evaluation.bootstrap import Variance, total_error
from tuner.evaluation.holdout import Holdout
from tuner.results.findings import Findings
from tuner.results.selection import Selection, fold_values
from tuner.results.verdict import brief, why_not_scored
from tuner.training.outcome import standard_error

# A baseline that differs by more between folds and holdout says that these are different rows.
MOST_DRIFT = 1.25
# Folds that train on a smaller share of what the refits train on say what fewer rows would reach.
LEAST_TRAINED = 0.6


class Optimism(NamedTuple):
    """The cross-validated score of what is shipped minus its holdout score; None, and why, if not alike."""

    value: float | None
    said: str


def find_optimism(findings: Findings) -> Optimism | None:
    """Compares the cross-validated score of what is shipped with the one on the holdout; None without both."""
    holdout, best, info, metric = findings.holdout, findings.summary.shipped, findings.facts, findings.spec.metric
    if holdout is None or best is None:
        return None
    value = holdout.scores[0].value
    if value is None:
        return Optimism(None, f"The chosen configuration cannot be scored on held-out data: {why_not_scored(holdout)}.")
    scores = f"{brief(best.mean)} in cross-validation, {brief(value)} on held-out data"
    trained = sum(fold.train for fold in info.folds) / len(info.folds) / holdout.trained
    if trained < LEAST_TRAINED:
        reason = f"the folds train on only {100 * trained:.0f} % of the rows that the final network has"
        return Optimism(None, f"The two scores cannot be compared ({scores}): {reason}.")
    before, after = info.baseline.value, holdout.baseline
    if max(before, after) > MOST_DRIFT * min(before, after):
        baselines = f"{info.baseline.name} {brief(before)} before, {brief(after)} in the holdout"
        if info.baseline.name == "base rate":
            reason = f"anomalies are {'more' if after > before else 'less'} common in the holdout"
        else:
            reason = f"the held-out period is {'easier' if metric.better(after, before) else 'harder'}"
        return Optimism(None, f"The two scores cannot be compared ({scores}): {reason} ({baselines}).")
    optimism = best.mean - value
    said = (
        f"Held-out {metric.words} is {brief(abs(optimism))} {'lower' if optimism > 0 else 'higher'} than in "
        f"cross-validation ({brief(value)} against {brief(best.mean)}, {metric.direction})"
    )
    return Optimism(optimism, f"{said}. {_relative(findings, best, holdout)}")


def _relative(findings: Findings, best: Selection, holdout: Holdout) -> str:
    """The change of the score from folds to holdout beyond that of the baseline, with its interval, in words."""
    metric, info, held = findings.spec.metric, findings.facts, holdout.scores[0]
    values = (held.value, best.mean, holdout.baseline, info.baseline.value)
    now, then, baseline_now, baseline_then = metric.costs([math.nan if value is None else value for value in values])
    excess = now - then - (baseline_now - baseline_then)
    said = f"Relative to the baseline that is {metric.change_text(metric.change(excess))}"
    folds = fold_values(best.trial).tolist()
    errors = (held.se or math.nan, held.value or 1.0), (standard_error(folds, info.test_to_train), best.mean)
    # as errors of costs, to first order
    variances = [(error / metric.in_units(1.0, near)) ** 2 for error, near in errors]
    if not all(map(math.isfinite, variances)):
        return f"{said}; there are too few rows or folds for an interval."
    half = total_error(list(map(Variance, variances, (holdout.blocks - 1, len(folds) - 1))))[1]
    low, high = sorted(metric.change(excess + end) for end in (-half, half))
    means = "no clear sign that the choice was a lucky one"
    if abs(excess) > half:
        means = "so the choice was partly luck" if excess > 0 else "better than cross-validation promised"
    return f"{said} (95 % interval {metric.change_text(low)} to {metric.change_text(high)}): {means}."
