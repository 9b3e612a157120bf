"""The tables of a study and of several, as text; the page and the terminal show the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.evaluation.bootstrap import Interval
from tuner.evaluation.holdout import Holdout
from tuner.report.wording import METRIC_WORDS, number, searched, shown
from tuner.results.findings import Findings
from tuner.results.selection import Selection, Trial, mean_of_runs, shrinkage
from tuner.spec.space import Constant

MOST_TRIALS = 20


@dataclass(frozen=True)
class Table:
    """Text in rows; the first cell of a row says what the row is."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def scores_table(findings: Findings) -> Table:
    """The chosen trials beside the fixed ones and no network at all: score, distance to the best, losses, gap."""
    summary, sign = findings.summary, -1 if findings.spec.maximise else 1
    best = summary.best
    rows = []
    for name, trial, mean in _models(findings):
        away = errors = ""
        if best is not None and mean is not None and trial is not best.trial:
            away = f"{mean - best.mean:+.4f}"
            errors = f"{sign * (mean - best.mean) / best.se:.1f}" if best.se > 0 else ""
        rows.append((name, number(mean), away, errors, *_losses(trial)))
    baseline = findings.facts.baseline
    rows.append((f"no network: {baseline.name}", number(baseline.value), "", "", "", "", ""))
    metric = METRIC_WORDS[findings.spec.study.metric]
    head = ("", metric, "from the best", "worse by SEs", "training loss", "validation loss", "gap")
    return Table(head, tuple(rows))


def _models(findings: Findings) -> list[tuple[str, Trial, float | None]]:
    """What is compared, with the mean that it is judged by."""
    summary = findings.summary
    models: list[tuple[str, Trial, float | None]] = []
    for name, chosen in (("best", summary.best), ("most regularised within one SE", summary.one_se)):
        if chosen is not None:
            models.append((f"{name}: trial {chosen.trial.number}", chosen.trial, chosen.mean))
    for trial, name in zip(findings.trials, ("regularisers at their least", "default configuration"), strict=False):
        pruned = ", pruned" if trial.outcome.state == "pruned" else ""
        models.append((f"{name}: trial {trial.number}{pruned}", trial, mean_of_runs(trial)))
    return models


def _losses(trial: Trial) -> tuple[str, str, str]:
    outcome = trial.outcome
    if outcome.state == "failed":
        return "", "", ""
    return number(outcome.train_loss), number(outcome.valid_loss), number(outcome.gap)


def configuration_table(findings: Findings) -> Table:
    """Every parameter of the chosen trials beside its default and where it was searched, and what the penalties did."""
    pair = {"best": findings.summary.best, "1se": findings.summary.one_se}
    chosen = [one for one in pair.values() if one is not None]
    rows = [
        (name, *(shown(one.trial.params[name]) for one in chosen), shown(domain.default), searched(domain))
        for name, domain in findings.spec.space.items()
    ]
    outcomes = [one.trial.outcome for one in chosen]
    rows += [
        ("epochs", *(str(outcome.best_epoch) for outcome in outcomes), "", "early stopping"),
        ("weights", *(str(outcome.weights) for outcome in outcomes), "", ""),
        ("total shrinkage", *(f"{shrinkage(one.trial.params, one.trial.outcome):.3g}" for one in chosen), "", ""),
        ("exact zeros", *(f"{outcome.zeros:.1%}" for outcome in outcomes), "", ""),
    ]
    return Table(("", *(name for name, one in pair.items() if one is not None), "default", "searched"), tuple(rows))


def trials_table(findings: Findings) -> Table:
    """The best MOST_TRIALS trials with a value, by that value, with what was searched."""
    names = [name for name, domain in findings.spec.space.items() if not isinstance(domain, Constant)]
    head = ("trial", "state", METRIC_WORDS[findings.spec.study.metric], "mean of runs", "epoch", "gap", "fold-epochs")
    sign = -1 if findings.spec.maximise else 1
    ranked = sorted(
        (sign * value, trial.number) for trial in findings.trials if (value := trial.outcome.value) is not None
    )
    rows = []
    for value, index in ranked[:MOST_TRIALS]:
        trial = findings.trials[index]
        outcome, again = trial.outcome, number(mean_of_runs(trial)) if trial.repeats else ""
        rows.append(
            (
                str(trial.number),
                outcome.state,
                number(sign * value),
                again,
                str(outcome.best_epoch),
                _losses(trial)[2],
                str(outcome.fold_epochs),
                *(shown(trial.params[name]) for name in names),
            )
        )
    return Table((*head, *names), tuple(rows))


def holdout_table(holdout: Holdout) -> Table:
    """A row a model that could be measured, the best first: its score, how far from the best, and what it detects."""
    detects = holdout.anomalous > 0
    rows = []
    for score in holdout.scores:
        if score.value is not None:
            apart = "" if score is holdout.scores[0] else between(score.difference_interval, "+.4f")
            detected = (number(score.precision), number(score.recall), number(score.f1)) if detects else ()
            rows.append((score.name, number(score.value), between(score.interval), apart, *detected))
    head = ("on the holdout", METRIC_WORDS[holdout.metric], "95% interval", "from the best, 95% interval")
    return Table((*head, *(("precision", "recall", "F1") if detects else ())), tuple(rows))


def between(interval: Interval | None, form: str = ".4f") -> str:
    """An interval; empty where there is none."""
    return "" if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"


def comparison_table(studies: Sequence[Findings]) -> Table:
    """A column a study: size, what the best reached and how sure that is, references, and what it cost."""
    columns = [
        (
            METRIC_WORDS[findings.spec.study.metric],
            f"{findings.summary.complete} + {findings.summary.pruned} + {findings.summary.failed}",
            *_reached(findings.summary.best),
            *_references(findings),
            f"{number(findings.facts.baseline.value)} ({findings.facts.baseline.name})",
            _on_holdout(findings.holdout),
            str(findings.summary.fold_epochs),
        )
        for findings in studies
    ]
    names = (
        *("metric", "trials: complete + pruned + failed", "best ± SE", "mean of its runs", "default configuration"),
        *("regularisers at their least", "no network", "best on the holdout", "fold-epochs"),
    )
    return Table(("", *(findings.spec.study.name for findings in studies)), tuple(zip(names, *columns, strict=True)))


def _reached(best: Selection | None) -> tuple[str, str]:
    if best is None:
        return "nothing completed", ""
    error = f" ± {best.se:.4f}" if math.isfinite(best.se) else ""
    return number(best.value) + error, number(best.repeat_mean)


def _references(findings: Findings) -> tuple[str, str]:
    least, default, *_ = (*(mean_of_runs(trial) for trial in findings.trials[:2]), None, None)
    return number(default), number(least)


def _on_holdout(holdout: Holdout | None) -> str:
    if holdout is None:
        return "not scored"
    best = holdout.scores[0]
    within = f" ({between(best.interval)})" if best.interval else ""
    return f"{number(best.value)}{within}" if best.value is not None else "not scored"


def side_by_side_table(studies: Sequence[Findings]) -> Table:
    """The best configuration of each study, a column a study; a row for what any of them searched."""
    spaces = [findings.spec.space for findings in studies]
    names = [name for name in spaces[0] if any(not isinstance(space[name], Constant) for space in spaces)]
    bests = [findings.summary.best for findings in studies]
    rows = [(name, *("" if best is None else shown(best.trial.params[name]) for best in bests)) for name in names]
    return Table(("best configuration", *(findings.spec.study.name for findings in studies)), tuple(rows))
