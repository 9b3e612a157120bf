"""The selection optimism: by how much the cross-validated score of what is shipped flatters it."""

from dataclasses import dataclass

from tuner.results.findings import Findings
from tuner.results.verdict import brief, why_not_scored

# A baseline that differs by more between folds and holdout says that these are different rows.
MOST_DRIFT = 1.25
# Folds that train on a smaller share of what the refits train on say what fewer rows would reach.
LEAST_TRAINED = 0.6


@dataclass(frozen=True)
class Optimism:
    """The selection optimism.

    Attributes:
        value: the winner's cross-validated score minus its holdout score, in the metric's natural direction; None where
            the two are not comparable.
        said: the same as a sentence, or why they are not.
    """

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
    optimism, drift = best.mean - value, after - before
    said = (
        f"Held-out {metric.words} is {brief(abs(optimism))} {'lower' if optimism > 0 else 'higher'} than in "
        f"cross-validation ({brief(value)} against {brief(best.mean)}, {metric.direction})"
    )
    if drift * -optimism > 0 and abs(drift) >= abs(optimism):
        moved, period = ("rises", "falls")[drift < 0], ("harder", "easier")[metric.better(after, before)]
        said += f"; the baseline also {moved}, by {brief(abs(drift))}, so the held-out period is simply {period}"
    return Optimism(optimism, f"{said}.")
