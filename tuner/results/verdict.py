"""The verdict on a study in plain words: what to use, how good it is, and whether tuning helped."""

import math
from dataclasses import dataclass

from tuner.evaluation.holdout import Holdout, Score
from tuner.results.findings import Findings
from tuner.results.selection import Selection, mean_of_runs

# What tuning has to beat.
OPPONENTS = {"default": "the default configuration", "least": "the regularisers at their least"}
# A baseline that differs by more between folds and holdout says that these are different rows.
MOST_DRIFT = 1.25
# Folds that train on a smaller share of what the refits train on say what fewer rows would reach.
LEAST_TRAINED = 0.6
# A difference of so many standard errors is called one, and of so many a clear one.
A_DIFFERENCE, A_CLEAR_ONE = 1.0, 2.0


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


def verdict(findings: Findings) -> tuple[str, ...]:
    """Sentences on the holdout, the first of which says whether tuning helped; none without a holdout."""
    holdout, optimism = findings.holdout, find_optimism(findings)
    if holdout is None or optimism is None:
        return ()
    return (
        _did_tuning_help(holdout, maximise=findings.spec.maximise),
        *_better_rivals(holdout, maximise=findings.spec.maximise),
        optimism.said,
        f"Trials scored on this holdout because they were chosen: {holdout.looks}.",
    )


def find_optimism(findings: Findings) -> Optimism | None:
    """How much better cross-validation made the winner look than the holdout; None without both."""
    holdout, best, facts = findings.holdout, findings.summary.best, findings.facts
    if holdout is None or best is None:
        return None
    value = holdout.scores[0].value
    if value is None:
        return Optimism(None, f"The best trial cannot be scored on the holdout: {_why_not(holdout)}.")
    scores = f"{best.mean:.4f} in the folds, {value:.4f} on the holdout"
    baseline = f"{facts.baseline.name}: {facts.baseline.value:.4f} there, {holdout.baseline:.4f} here"
    folds = sum(fold.train for fold in facts.folds) / len(facts.folds) / holdout.trained
    if folds < LEAST_TRAINED:
        reason = f"the folds train on {folds:.0%} of the rows that the refit has"
        return Optimism(None, f"Selection optimism cannot be told ({scores}): {reason}.")
    least, most = sorted([facts.baseline.value, holdout.baseline])
    if most > MOST_DRIFT * least:
        return Optimism(None, f"Selection optimism cannot be told ({scores}): the rows differ ({baseline}).")
    optimism = best.mean - value
    promised = "too little" if (optimism > 0) != findings.spec.maximise else "too much"
    said = f"Cross-validation promised {abs(optimism):.4f} {promised}: {scores} ({baseline})."
    return Optimism(optimism, said)


def _did_tuning_help(holdout: Holdout, *, maximise: bool) -> str:
    best = holdout.scores[0]
    opponents = {words: score for name, words in OPPONENTS.items() if (score := holdout.score(name)) is not None}
    if not opponents or best.value is None:
        return "Whether tuning helped cannot be told."
    if same := [words for words, score in opponents.items() if score.trial == best.trial]:
        return f"Tuning did not help: the best trial is {same[0]}."
    gains = {words: _gain(score, maximise=maximise) for words, score in opponents.items()}
    known = [gain.interval for gain in gains.values() if gain.interval is not None]
    compared = " and ".join(f"{gain.said} than {words}{gain.range}" for words, gain in gains.items())
    if any(high < 0 for _, high in known):
        return f"Tuning did not help: on the holdout it is {compared}."
    if len(known) == len(gains) and all(low > 0 for low, _ in known):
        return f"Tuning helped: on the holdout it is {compared}."
    few = "" if known else f"; {holdout.blocks} blocks of rows are too few for an interval"
    return f"Whether tuning helped cannot be told: on the holdout it is {compared}{few}."


@dataclass(frozen=True)
class _Gain:
    """By how much the best is better than another model, and in words."""

    said: str
    interval: tuple[float, float] | None

    @property
    def range(self) -> str:
        return "" if self.interval is None else f" (95 % interval {self.interval[0]:+.4f} to {self.interval[1]:+.4f})"


def _gain(score: Score, *, maximise: bool) -> _Gain:
    if score.difference is None:
        return _Gain("not comparable", None)
    gain = -score.difference if maximise else score.difference
    interval = score.difference_interval
    if interval is not None and maximise:
        interval = -interval[1], -interval[0]
    return _Gain(f"{abs(gain):.4f} {'better' if gain >= 0 else 'worse'}", interval)


def _better_rivals(holdout: Holdout, *, maximise: bool) -> list[str]:
    best = holdout.scores[0].value
    return [
        f"No network is needed for better: {score.name} has {score.value:.4f}, the best {best:.4f}."
        for score in holdout.scores
        if score.trial is None
        and score.value is not None
        and best is not None
        and (score.value > best if maximise else score.value < best)
    ]


def _why_not(holdout: Holdout) -> str:
    if holdout.metric != "loss" and holdout.anomalous == 0:
        return "it has no anomalous row"
    if holdout.metric == "f1" and holdout.scores[0].average_precision is not None:
        return "no threshold could be chosen"
    return "its refits diverged"


def recommend(findings: Findings) -> list[str]:
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
    if held := verdict(findings):
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
    metric = findings.spec.metric.words
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


def mean_of(chosen: Selection) -> str:
    """What the choice was made on, with the standard error of a difference between two trials."""
    se = f" ± {chosen.se:.4f} SE" if math.isfinite(chosen.se) else ""
    if chosen.repeat_mean is None:
        return f"{chosen.value:.4f}{se}"
    runs = 1 + len(chosen.trial.repeats)
    return f"{chosen.repeat_mean:.4f}{se} (mean of {runs} runs, the first gave {chosen.value:.4f})"
