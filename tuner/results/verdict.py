"""What the holdout says of a study, in plain words: did tuning help, and did cross-validation promise too much?"""

from dataclasses import dataclass

from tuner.evaluation.holdout import Holdout, Score
from tuner.results.findings import Findings

# What tuning has to beat.
OPPONENTS = {"default": "the default configuration", "least": "the regularisers at their least"}
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
