"""The verdict on a study, in plain words."""

from tuner.report.wording import METRIC_WORDS, mean_of
from tuner.results.findings import Findings
from tuner.results.selection import Selection, Trial
from tuner.results.verdict import verdict as on_holdout

# A difference of so many standard errors is called one, and of so many a clear one.
A_DIFFERENCE, A_CLEAR_ONE = 1.0, 2.0


def verdict(findings: Findings) -> list[str]:
    """What to use, how good it is, and whether tuning helped: sentences, the most important first."""
    best, one_se = findings.summary.best, findings.summary.one_se
    if best is None:
        return [f"No trial of {findings.spec.study.name} has completed yet: there is nothing to recommend."]
    said = [_use(findings, best)]
    if one_se is not None and one_se.trial.number != best.trial.number:
        said.append(
            f"Trial {one_se.trial.number} ({one_se.mean:.4f}) is the most regularised one that is not worse by more "
            "than a standard error: take it where you would rather err on the side of a simpler network."
        )
    elif one_se is not None:
        said.append("No other trial within a standard error of it is more regularised.")
    # what the holdout says of tuning is worth more than the folds, by which the trials were chosen
    held = on_holdout(findings)
    if held:
        said += held
    else:
        said += [
            _against(findings, best, 1, "the default configuration", "Tuning"),
            _against(findings, best, 0, "the network with its regularisers at their least", "Regularisation"),
            _caution(findings),
        ]
    said.append(_baseline(findings, best))
    return [sentence for sentence in said if sentence]


def _use(findings: Findings, best: Selection) -> str:
    metric = METRIC_WORDS[findings.spec.study.metric]
    epochs = best.trial.outcome.best_epoch
    return (
        f"Use trial {best.trial.number}, trained for {epochs} epoch{'s' if epochs > 1 else ''}: "
        f"its cross-validated {metric} is {mean_of(best)}."
    )


def _against(findings: Findings, best: Selection, number: int, what: str, means: str) -> str:
    """Whether the best trial beats a fixed one, in standard errors of their difference."""
    if best.trial.number == number:
        return f"{means} did not help: the best trial is {what}."
    value = mean_of_runs(findings.trials[number]) if number < len(findings.trials) else None
    if value is None:
        return ""
    pruned = " when it was pruned" if findings.trials[number].outcome.state == "pruned" else ""
    reached = f"{what} reaches {value:.4f}{pruned}"
    if not best.se > 0:  # it may be NaN
        return f"Whether {means.lower()} helped cannot be told from so few trials: {reached}."
    errors = (value - best.mean) * (-1 if findings.spec.maximise else 1) / best.se
    by = f"{reached}, {abs(errors):.1f} standard errors {'worse' if errors >= 0 else 'better'}"
    if errors >= A_CLEAR_ONE:
        return f"{means} helped: {by}."
    if errors >= A_DIFFERENCE:
        return f"{means} probably helped: {by}."
    return f"{means} made no difference that these folds can show: {by}."


def mean_of_runs(trial: Trial) -> float | None:
    """A trial's value, or the mean of it and its repeats where it was trained again; None if it failed."""
    values = [outcome.value for outcome in (trial.outcome, *trial.repeats)]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else trial.outcome.value


def _baseline(findings: Findings, best: Selection) -> str:
    baseline = findings.facts.baseline
    better = best.mean > baseline.value if findings.spec.maximise else best.mean < baseline.value
    if better:
        return f"No network at all ({baseline.name}) reaches {baseline.value:.4f}."
    return (
        f"Beware: no network at all ({baseline.name}) reaches {baseline.value:.4f}, which is at least as good. "
        "Do not use this network before it beats that."
    )


def _caution(findings: Findings) -> str:
    trials = findings.summary.complete + findings.summary.pruned
    return (
        f"These are means over the folds by which the best of {trials} trials was chosen, so it looks a little better "
        "than it is."
    )
