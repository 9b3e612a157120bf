"""The tables of a study and of several, as text; the page and the terminal show the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.report.verdict import fixed_mean
from tuner.report.wording import METRIC_WORDS, number, searched, shown
from tuner.search.select import Trial, shrinkage
from tuner.search.study import Findings
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
        models.append((f"{name}: trial {trial.number}{pruned}", trial, fixed_mean(findings, trial)))
    return models


def _losses(trial: Trial) -> tuple[str, str, str]:
    outcome = trial.outcome
    if outcome.state == "failed":
        return "", "", ""
    train, valid = (sum(values) / len(values) for values in map(outcome.at_best, ("train_loss", "valid_loss")))
    return number(train), number(valid), number(valid - train)


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
        runs = [outcome.value for outcome in (trial.outcome, *trial.repeats) if outcome.value is not None]
        again = number(sum(runs) / len(runs)) if len(runs) > 1 else ""
        outcome = trial.outcome
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


def comparison_table(studies: Sequence[Findings]) -> Table:
    """A row a study: size, what the best reached and how sure that is, references, and what it cost."""
    rows = []
    for findings in studies:
        summary, best = findings.summary, findings.summary.best
        fixed = [fixed_mean(findings, trial) for trial in findings.trials[:2]] + [None, None]
        baseline = findings.facts.baseline
        rows.append(
            (
                findings.spec.study.name,
                METRIC_WORDS[findings.spec.study.metric],
                f"{summary.trials} ({summary.pruned} pruned{f', {summary.failed} failed' if summary.failed else ''})",
                "" if best is None else number(best.value) + _plus_minus(best.se),
                "" if best is None else number(best.repeat_mean),
                number(fixed[1]),
                number(fixed[0]),
                f"{number(baseline.value)} ({baseline.name})",
                str(summary.fold_epochs),
            )
        )
    head = ("study", "metric", "trials", "best ± SE", "mean of runs", "default", "least", "no network", "fold-epochs")
    return Table(head, tuple(rows))


def _plus_minus(error: float) -> str:
    return f" ± {error:.4f}" if math.isfinite(error) else ""


def side_by_side_table(studies: Sequence[Findings]) -> Table:
    """The best configuration of each study, a column a study; a row for what any of them searched."""
    spaces = [findings.spec.space for findings in studies]
    names = [name for name in spaces[0] if any(not isinstance(space[name], Constant) for space in spaces)]
    bests = [findings.summary.best for findings in studies]
    rows = [(name, *("" if best is None else shown(best.trial.params[name]) for best in bests)) for name in names]
    return Table(("best configuration", *(findings.spec.study.name for findings in studies)), tuple(rows))
