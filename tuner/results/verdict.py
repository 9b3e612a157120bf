"""The verdict on a study in three statements: whether tuning helped, whether the result works, what to do next."""

import math
from dataclasses import dataclass

from tuner.errors import counted
from tuner.evaluation.bootstrap import Interval
from tuner.evaluation.detection import Detection
from tuner.evaluation.holdout import Holdout, Score
from tuner.results.findings import Findings
from tuner.results.selection import Selection, cost_of_runs, mean_of_runs
from tuner.spec.metric import Metric

# What tuning has to beat: models of the holdout.
REFERENCES = {"default": "the defaults", "unregularised": "no regularisation"}
# The number of the trial with the defaults.
DEFAULTS = 1
# Said of a baseline instead of its name.
BASELINES = {
    "persistence": "repeating the last value",
    "seasonal naive": "repeating the last season",
    "base rate": "guessing",
}
# A difference of so many standard errors is called one, and of so many a clear one.
A_DIFFERENCE, A_CLEAR_ONE = 1.0, 2.0
# The gist of what is said of tuning, by how it begins.
CHIPS = {
    "Tuning helped": "helped",
    "Tuning made no difference": "no difference",
    "Tuning harmed": "harmed",
    "Inconclusive": "inconclusive",
}
TONES = {"helped": "good", "works": "good", "harmed": "bad", "does not work": "bad", "next": "next"}


@dataclass(frozen=True)
class Statement:
    """One statement of a verdict.

    Attributes:
        chip: its gist in a word or two.
        said: the statement, one or two sentences.
        command: what ends it, to be pasted; most have none.
    """

    chip: str
    said: str
    command: str = ""

    @property
    def tone(self) -> str:
        """Good, bad, open or next: by it a statement is coloured."""
        return TONES.get(self.chip, "open")

    def __str__(self) -> str:
        return f"{self.said} {self.command}".rstrip()


def conclude(findings: Findings) -> tuple[str, ...]:
    """The three statements as text, for programs."""
    return tuple(map(str, judge(findings)))


def judge(findings: Findings) -> tuple[Statement, Statement, Statement]:
    """Whether tuning helped, whether the detection or the forecast works, and what to do next.

    It is about held-out data: the folds, by which the trials were chosen, are judged by only without a holdout.
    """
    best, holdout = findings.summary.shipped, findings.holdout
    if best is None:
        tuning, works = "Inconclusive. No trial has completed yet.", Statement("unknown", "Nothing can be scored yet.")
    else:
        tuning = judge_tuning(findings.spec.metric, holdout) if holdout else _judge_by_folds(findings, best)
        works = _judge_use(findings, best)
    chip = next(chip for start, chip in CHIPS.items() if tuning.startswith(start))
    return Statement(chip, tuning), works, _advise(findings, works)


def judge_tuning(metric: Metric, holdout: Holdout) -> str:
    """Judges by the intervals of the differences to the references: are they clear of zero?"""
    best = holdout.scores[0]
    references = {words: score for name, words in REFERENCES.items() if (score := holdout.score(name)) is not None}
    if not references or best.value is None:
        why = f": {why_not_scored(holdout)}" if best.value is None else ""
        return f"Inconclusive. No comparison on held-out data is possible{why}."
    if same := [words for words, score in references.items() if score.trial == best.trial]:
        won = holdout.score("best")
        if won is None or won.trial == best.trial:
            return f"Tuning made no difference: {same[0]} came out best."
        return f"Tuning made no difference: in cross-validation nothing is clearly better than {same[0]}, so use these."
    gains = {words: _gain_interval(metric, score) for words, score in references.items()}
    known = [gain for gain in gains.values() if gain is not None]
    where = f"n held-out data ({metric.words}, {metric.direction})"
    compared = {words: _compare(metric, score, words) for words, score in references.items()}
    if any(high < 0 for _, high in known):
        return f"Tuning harmed: o{where} it {' and '.join(compared.values())}."
    if len(known) == len(gains) and all(low > 0 for low, _ in known):
        return f"Tuning helped: o{where} it {' and '.join(compared.values())}."
    few = f"{counted(holdout.blocks, 'block')} of rows are too few for an interval"
    said = [compared[words] + (f" (95 % interval {_range(gain)})" if gain else "") for words, gain in gains.items()]
    return f"Inconclusive. O{where} tuning {' and '.join(said)}: {'too few rows to be sure' if known else few}."


def _gain_interval(metric: Metric, score: Score) -> Interval | None:
    """The interval of the best's gain over a model; positive where the best is better."""
    if score.difference_interval is None:
        return None
    low, high = sorted(metric.gain(0.0, end) for end in score.difference_interval)
    return low, high


def _compare(metric: Metric, score: Score, words: str) -> str:
    if score.difference is None:
        return f"cannot be compared with {words}"
    gain = metric.gain(0.0, score.difference)
    return f"gains {brief(gain)} over {words}" if gain >= 0 else f"loses {brief(-gain)} to {words}"


def _judge_by_folds(findings: Findings, best: Selection) -> str:
    """Judges by the difference to the defaults in cross-validation, in standard errors."""
    if best.trial.number == DEFAULTS:
        return "Tuning made no difference: the defaults came out best."
    default = next(iter(findings.trials[DEFAULTS:]), None)
    value = None if default is None else mean_of_runs(default)
    if default is None or value is None:
        return "Inconclusive. The defaults cannot be scored in cross-validation."
    pruned = ", when it was pruned" if default.outcome.state == "pruned" else ""
    reached = f"in cross-validation the defaults reached {brief(value)}{pruned}"
    if not best.cost_se > 0:  # it may be NaN
        return f"Inconclusive. Too few trials to be sure: {reached}."
    errors = (cost_of_runs(findings.spec.metric, default) - best.cost) / best.cost_se
    by = f"{reached}, {abs(errors):.1f} standard errors {'worse' if errors >= 0 else 'better'}"
    if abs(errors) >= A_CLEAR_ONE:
        return f"Tuning {'helped' if errors > 0 else 'harmed'}: {by}."
    if errors >= A_DIFFERENCE:
        return f"Inconclusive. Tuning probably helped: {by}."
    return f"Tuning made no difference that these folds can show: {by}."


# --- does it work?


def _judge_use(findings: Findings, best: Selection) -> Statement:
    """Judges by the strongest baseline without a network; a detection must be clearly better than guessing too."""
    metric, holdout, found = findings.spec.metric, findings.holdout, best.trial.outcome.detection
    if found is not None and not found.beats_guessing:
        return Statement("does not work", f"The detection does not work: it is {warn_of_guessing(found)}.")
    what = "forecast" if findings.facts.targets and not metric.maximise else "detection"
    if findings.spec.on_samples:
        what = "prediction"
    value = best.mean if holdout is None else holdout.scores[0].value
    if holdout is not None and value is None:
        why = "these samples do not tell the metric" if findings.spec.on_samples else why_not_scored(holdout)
        return Statement("unknown", f"Whether the {what} works is unknown: {why}.")
    assert value is not None  # noqa: S101 (returned above)
    name, rival, gain = min(_rivals(findings), key=lambda rival: metric.cost([rival[1]]))
    where = "in cross-validation" if holdout is None else "on held-out data"
    measured = f"{where} its {metric.words} is {brief(value)}, against {brief(rival)} for {BASELINES.get(name, name)}"
    guess = f", guessing reaches {brief(_rivals(findings)[-1][1])}" if metric.maximise and name != "base rate" else ""
    measured += f" ({metric.direction}{guess})"
    is_better = metric.better(value, rival)
    # of a detection it is known by now that it is better than guessing
    if gain is not None and gain[0] <= 0 <= gain[1] and not (is_better and metric.maximise):
        return Statement("unknown", f"Whether the {what} works is unclear: {measured}, too close for so few rows.")
    if not is_better:
        return Statement("does not work", f"The {what} does not work: {measured}.")
    if found is not None and what == "forecast":
        measured += f"; its errors find anomalies with average precision {brief(found.average_precision)} in "
        measured += f"cross-validation (base rate {brief(found.base_rate)})"
    return Statement("works", f"The {what} works: {measured}.")


def _rivals(findings: Findings) -> list[tuple[str, float, Interval | None]]:
    """The baselines without a network: name, score, and the interval of the network's gain, if there is one."""
    baseline, holdout = findings.facts.baseline, findings.holdout
    if holdout is None:
        return [(baseline.name, baseline.value, None)]
    scored = [
        (score.name, score.value, _gain_interval(findings.spec.metric, score))
        for score in holdout.scores
        if score.trial is None and score.value is not None
    ]
    return [*scored, (baseline.name, holdout.baseline, None)]


def warn_of_guessing(found: Detection) -> str:
    """Says that scores are not clearly better than random ones, and what follows."""
    sure = "too few events for an interval"
    if found.interval is not None:
        sure = f"95 % interval {_range(found.interval, '')}"
    return (
        f"not clearly better than guessing (average precision {brief(found.average_precision)} in cross-validation, "
        f"{sure}; base rate {brief(found.base_rate)}), so a bundle flags no rows unless you set `flag_share`"
    )


def why_not_scored(holdout: Holdout) -> str:
    """Why the chosen configuration has no score on the holdout."""
    if holdout.metric != "loss" and holdout.anomalous == 0:
        return "the held-out data have no anomalous row"
    if holdout.metric == "f1" and holdout.scores[0].average_precision is not None:
        return "no threshold could be chosen"
    return "its refits diverged"


# --- what next?


def _advise(findings: Findings, works: Statement) -> Statement:
    """The next command: it goes on with what is not finished or does not work yet, or exports what does."""
    summary, trials, name = findings.summary, findings.spec.study.trials, findings.spec.study.name
    untold = summary.trials < trials or summary.best is None or works.chip == "does not work"
    if findings.spec.from_python and untold:
        more = trials if summary.trials < trials else 2 * trials
        return Statement("next", f"Next, call `tuner.tune` again, with `trials={more}`: it goes on where it was.")
    if findings.spec.from_python:
        return Statement(
            "next", "Next, `save` what `tuner.tune` gives as a bundle, to answer new samples by `tuner.load`."
        )
    if summary.trials < trials:
        said, what = f"train the other {counted(trials - summary.trials, 'trial')}", findings.command("run")
    elif summary.best is not None and findings.holdout is None and findings.facts.holdout:
        said, what = "finish the study with its test on held-out data", findings.command("run")
    elif works.chip == "does not work" or summary.best is None:
        said = "see whether twice as many trials find a better one"
        what = findings.command("run", "--trials", str(2 * trials))
    else:
        said = f"train the chosen network on all {'samples' if findings.spec.on_samples else 'rows'}, to score new ones"
        what = findings.command("export", "--bundle", f"studies/{name}/bundle")
    return Statement("next", f"Next, {said}:", what)


def _range(interval: Interval, sign: str = "+") -> str:
    return f"{brief(interval[0], sign)} to {brief(interval[1], sign)}"


def brief(value: float, sign: str = "") -> str:
    """A score or difference to two significant digits."""
    rounded = float(f"{value:.1e}")
    places = 2 if rounded == 0 else 1 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:{sign}.{max(places, 0)}f}"
