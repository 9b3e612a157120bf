"""The verdict on a study in plain words: what to use, how good it is, and whether tuning helped."""

import math
from dataclasses import dataclass

from tuner.evaluation.bootstrap import Interval, Variance, total_error
from tuner.evaluation.detection import Detection
from tuner.evaluation.holdout import Holdout, Score
from tuner.results.findings import Findings
from tuner.results.selection import Selection, all_runs, cost_of_runs, fold_values, mean_of_runs
from tuner.spec.metric import Metric
from tuner.training.outcome import standard_error

# What tuning has to beat: models of the holdout, and the numbers of their trials.
REFERENCES = {"default": "the defaults", "unregularised": "no regularisation"}
DEFAULTS, UNREGULARISED = 1, 0
# Said of a baseline beside its name.
BASELINES = {"persistence": "repeat the last value"}
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


def recommend(findings: Findings) -> list[str]:
    """Recommends a trial, with its score and the gain by tuning: sentences, the most important first."""
    best, one_se = findings.summary.shipped, findings.summary.one_se
    if best is None or one_se is None:
        return [f"No trial of {findings.spec.study.name} has completed yet: there is nothing to recommend."]
    epochs, metric = best.trial.outcome.best_epoch, findings.spec.metric
    if one_se.trial.number == best.trial.number:
        stronger = "No stronger regularisation is about as good (within 1 SE)."
    else:
        stronger = (
            f"Trial {one_se.trial.number} ({brief(one_se.mean)}) is the strongest regularisation that is about as good "
            "(within 1 SE): choose it if you prefer stronger regularisation."
        )
    return [
        f"Use trial {best.trial.number}, trained for {count(epochs, 'epoch')}: cross-validated {metric.words} "
        f"{describe_mean(best)}, {metric.direction}.",
        stronger,
        *conclude(findings),
        _describe_baseline(findings, best),
    ]


def conclude(findings: Findings) -> tuple[str, ...]:
    """Three statements, the first on whether tuning helped; none before a trial has completed.

    They are about held-out data: the folds, by which the trials were chosen, are judged by only without a holdout.
    """
    holdout, best, optimism = findings.holdout, findings.summary.shipped, find_optimism(findings)
    if best is None:
        return ()
    if holdout is None or optimism is None:
        trials = findings.summary.complete + findings.summary.pruned
        tuning = _judge_by_folds(findings, best, DEFAULTS, REFERENCES["default"], "Tuning")
        return (
            " ".join((tuning, *_useless_alarm(best))),
            _judge_by_folds(findings, best, UNREGULARISED, REFERENCES["unregularised"], "Regularisation"),
            f"There are no held-out data: the best of {count(trials, 'trial')} was chosen by these very folds, so it "
            "looks a little better than it is.",
        )
    return (
        " ".join(
            (
                judge_tuning(findings.spec.metric, holdout),
                *_better_baselines(findings.spec.metric, holdout),
                *_useless_alarm(best),
            )
        ),
        optimism.said,
        f"The holdout has been used for {count(holdout.looks, 'configuration')} so far; each further use makes it less "
        "honest.",
    )


def find_optimism(findings: Findings) -> Optimism | None:
    """Compares the cross-validated score of what is shipped with the one on the holdout; None without both."""
    holdout, best, info, metric = findings.holdout, findings.summary.shipped, findings.facts, findings.spec.metric
    if holdout is None or best is None:
        return None
    value = holdout.scores[0].value
    if value is None:
        return Optimism(None, f"The chosen configuration cannot be scored on held-out data: {_why_not(holdout)}.")
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


def judge_tuning(metric: Metric, holdout: Holdout) -> str:
    """Judges by the intervals of the differences to the references: are they clear of zero?"""
    best = holdout.scores[0]
    references = {words: score for name, words in REFERENCES.items() if (score := holdout.score(name)) is not None}
    if not references or best.value is None:
        return "Inconclusive. No comparison on held-out data is possible."
    if same := [words for words, score in references.items() if score.trial == best.trial]:
        won = holdout.score("best")
        if won is None or won.trial == best.trial:
            return f"Tuning made no difference: {same[0]} came out best."
        return f"Tuning made no difference: in cross-validation nothing is clearly better than {same[0]}, so use these."
    gains = [_gain_interval(metric, score) for score in references.values()]
    known = [gain for gain in gains if gain is not None]
    compared = " and ".join(_compare(metric, score, words) for words, score in references.items())
    said = f"n held-out data ({metric.words}, {metric.direction}) tuning {compared}"
    if any(high < 0 for _, high in known):
        return f"Tuning harmed: o{said}."
    if len(known) == len(gains) and all(low > 0 for low, _ in known):
        return f"Tuning helped: o{said}."
    return f"Inconclusive. O{said}, but {_why_unsure(gains, holdout.blocks)}."


def _gain_interval(metric: Metric, score: Score) -> Interval | None:
    """The interval of the best's gain over a model; positive where the best is better."""
    if score.difference_interval is None:
        return None
    low, high = sorted(metric.gain(0.0, end) for end in score.difference_interval)
    return low, high


def _compare(metric: Metric, score: Score, words: str) -> str:
    if score.difference is None:
        return f"cannot be compared with {words}"
    gain, interval = metric.gain(0.0, score.difference), _gain_interval(metric, score)
    said = f"gains {brief(gain)} over {words}" if gain >= 0 else f"loses {brief(-gain)} to {words}"
    if interval is None:
        return said
    return f"{said} (95 % interval {brief(interval[0], '+')} to {brief(interval[1], '+')})"


def _why_unsure(gains: list[Interval | None], blocks: int) -> str:
    if not any(gains):
        return f"{count(blocks, 'block')} of rows are too few for an interval"
    unsure = [gain is not None and gain[0] <= 0 for gain in gains]
    if not any(unsure):
        return "not every difference has an interval"
    which = "the interval includes" if len(gains) == 1 else "both intervals include"
    if not all(unsure):
        which = f"the {('first', 'second')[unsure.index(True)]} interval includes"
    return f"{which} zero: too few rows to be sure"


def _useless_alarm(best: Selection) -> list[str]:
    found = best.trial.outcome.detection
    return [] if found is None or found.beats_guessing else [warn_of_guessing(found)]


def _better_baselines(metric: Metric, holdout: Holdout) -> list[str]:
    best = holdout.scores[0].value
    return [
        f"The baseline {score.name} beats the network ({brief(score.value)} against {brief(best)})."
        for score in holdout.scores
        if score.trial is None and score.value is not None and best is not None and metric.better(score.value, best)
    ]


def warn_of_guessing(found: Detection) -> str:
    """Says that scores are not clearly better than random ones, and what follows."""
    sure = "too few events for an interval"
    if found.interval is not None:
        sure = f"95 % interval {brief(found.interval[0])} to {brief(found.interval[1])}"
    return (
        "As an anomaly detector it is not clearly better than guessing (average precision in cross-validation "
        f"{brief(found.average_precision)}, {sure}; base rate {brief(found.base_rate)}): a bundle flags no rows "
        "unless you set `flag_share`."
    )


def _why_not(holdout: Holdout) -> str:
    if holdout.metric != "loss" and holdout.anomalous == 0:
        return "they have no anomalous row"
    if holdout.metric == "f1" and holdout.scores[0].average_precision is not None:
        return "no threshold could be chosen"
    return "its refits diverged"


def _judge_by_folds(findings: Findings, best: Selection, number: int, words: str, means: str) -> str:
    """Judges by the difference to a reference, in standard errors."""
    if best.trial.number == number:
        return f"{means} made no difference: {words} came out best."
    unsure = "Inconclusive. " if number == DEFAULTS else ""
    value = mean_of_runs(findings.trials[number]) if number < len(findings.trials) else None
    if value is None:
        return f"{unsure}{words[0].upper()}{words[1:]} cannot be scored in cross-validation."
    pruned = ", when it was pruned" if findings.trials[number].outcome.state == "pruned" else ""
    reached = f"in cross-validation {words} reached {brief(value)}{pruned}"
    if not best.cost_se > 0:  # it may be NaN
        return f"{unsure}Too few trials to be sure: {reached}."
    errors = (cost_of_runs(findings.spec.metric, findings.trials[number]) - best.cost) / best.cost_se
    by = f"{reached}, {abs(errors):.1f} standard errors {'worse' if errors >= 0 else 'better'}"
    if errors >= A_CLEAR_ONE:
        return f"{means} helped: {by}."
    if errors >= A_DIFFERENCE:
        return f"{unsure}{means} probably helped: {by}."
    if errors <= -A_CLEAR_ONE:
        return f"{means} harmed: {by}."
    return f"{means} made no difference that these folds can show: {by}."


def _describe_baseline(findings: Findings, best: Selection) -> str:
    baseline = findings.facts.baseline
    if findings.spec.metric.better(best.mean, baseline.value):
        return f"Baseline without a network ({_explain(baseline.name)}): {brief(baseline.value)}."
    return (
        f"Do not use this network: the baseline without one ({_explain(baseline.name)}) reaches "
        f"{brief(baseline.value)}, which is at least as good."
    )


def describe_mean(chosen: Selection) -> str:
    """The mean that the choice was made on, and the standard error of a difference between two trials."""
    said = []
    if chosen.repeat_mean is not None:
        said.append(f"mean of {len(all_runs(chosen.trial))} runs, the first {brief(chosen.value)}")
    if math.isfinite(chosen.se):
        said.append(f"1 SE of a difference between trials: {brief(chosen.se)}")
    return brief(chosen.mean) + (f" ({'; '.join(said)})" if said else "")


def brief(value: float, sign: str = "") -> str:
    """A score or difference to two significant digits, and no fewer than two decimals from 0.1 on."""
    return f"{value:{sign}.2f}" if value == 0 or abs(value) >= 0.1 else f"{value:{sign}#.2g}"


def count(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _explain(baseline: str) -> str:
    return BASELINES.get(baseline, baseline)
