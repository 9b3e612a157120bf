"""The tables of a study and of several, as text: the terminal, the page and the dashboard's note draw the same ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.evaluation.bootstrap import Interval
from tuner.results.captions import MODELS, explain_effort, explain_scores
from tuner.results.findings import Findings, StudyInfo
from tuner.results.regularisation_path import Path, Point, effect
from tuner.results.selection import Trial, cost_of_runs, is_repeated, mean_of_runs, shrinkage
from tuner.spec.metric import find_metric
from tuner.spec.sections import Spec
from tuner.spec.space import Constant, Domain, Range, Value
from tuner.storage.study_status import Status
from tuner.training.outcome import Outcome, standard_error

MOST_TRIALS = 20


@dataclass(frozen=True)
class Table:
    """Text in rows. The first cell of a row says what it is, to the left; the others are its figures, to the right.

    Attributes:
        title: what stands above it.
        heads: of the columns.
        rows: each with a cell for every column.
        notes: sentences below it.
        marked: the row that matters most; None where none does.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    marked: int | None = None


def score_text(value: float | None) -> str:
    """A score, to four places; empty where there is none."""
    return "" if value is None or math.isnan(value) else f"{value:z.4f}"


def value_text(value: Value) -> str:
    """A parameter's value, to four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def domain_text(domain: Domain) -> str:
    """The domain that a parameter was searched in."""
    if isinstance(domain, Constant):
        return "fixed"
    if isinstance(domain, Range):
        return f"{value_text(domain.low)} to {value_text(domain.high)}{', log' if domain.log else ''}"
    return ", ".join(map(value_text, domain.choices))


def interval_text(interval: Interval | None, form: str = "z.4f") -> str:
    """An interval; empty where there is none."""
    return "" if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"


def with_error(value: float | None, error: float) -> str:
    """A score with its standard error, as far as they are known."""
    return score_text(value) + (f" ± {error:z.4f}" if math.isfinite(error) else "")


def _losses(outcome: Outcome) -> tuple[str, str]:
    """Training loss, and by how much the validation loss exceeds it."""
    if outcome.state == "failed":
        return "", ""
    return score_text(outcome.train_loss), score_text(outcome.gap)


def scores_table(findings: Findings) -> Table:
    """The chosen trials beside the fixed ones and the baseline: score, distance to the best, losses and their gap."""
    metric, best, baseline = findings.spec.metric, findings.summary.best, findings.facts.baseline
    models = _models(findings)
    rows: list[tuple[str, ...]] = []
    for name, (trial, score) in models.items():
        distance = ""
        if best is not None and score is not None and trial.number != best.trial.number:
            errors = (cost_of_runs(metric, trial) - best.cost) / best.cost_se if best.cost_se > 0 else math.nan
            distance = f"{score - best.mean:+z.4f}" + ("" if math.isnan(errors) else f" ({errors:z.1f})")
        pruned = ", pruned" if trial.outcome.state == "pruned" else ""
        cells = f"{trial.number}{pruned}", score_text(score), "" if score is None else str(_runs(trial)), distance
        rows.append((name, *cells, *_losses(trial.outcome)))
    rows.append((baseline.name, "", score_text(baseline.value), "", "", "", ""))
    return Table(
        title=f"Cross-validation: {metric.words}, {metric.direction}",
        heads=("model", "trial", metric.words, "runs", "distance to best (in SE)", "training loss", "gap"),
        rows=tuple(rows),
        notes=explain_scores(findings, models),
        marked=None if best is None else 0,
    )


def _runs(trial: Trial) -> int:
    """The number of runs that the mean of a trial is over."""
    return 1 + (len(trial.repeats) if is_repeated(trial) else 0)


def _models(findings: Findings) -> dict[str, tuple[Trial, float | None]]:
    """The trials that are compared, by name, each with the mean that it is judged by."""
    best, one_se = findings.summary.best, findings.summary.one_se
    models: dict[str, tuple[Trial, float | None]] = {}
    for name, chosen in (("best", best), ("1se", one_se)):
        if chosen is not None and (name == "best" or chosen != best):
            models[name] = chosen.trial, chosen.mean
    fixed = zip(("unregularised", "default"), findings.trials, strict=False)
    return models | {name: (trial, mean_of_runs(trial)) for name, trial in fixed}


def configuration_table(findings: Findings) -> Table:
    """Every parameter of the chosen trials beside its default and where it was searched, and what the penalties did."""
    study, best = findings.spec.study.name, findings.summary.best
    chosen = {name: trial for name, (trial, _) in _models(findings).items() if name in ("best", "1se")}
    trials = chosen.values()
    rows = [
        (name, *(value_text(trial.params[name]) for trial in trials), value_text(domain.default), domain_text(domain))
        for name, domain in findings.spec.space.items()
    ]
    rows += [
        ("epochs", *(str(trial.outcome.best_epoch) for trial in trials), "", "early stopping"),
        ("weights", *(f"{trial.outcome.weights:,}" for trial in trials), "", ""),
        ("total shrinkage", *(f"{shrinkage(trial.params, trial.outcome):.3g}" for trial in trials), "", ""),
        ("exact zeros", *(f"{trial.outcome.zeros:.1%}" for trial in trials), "", ""),
    ]
    return Table(
        title=study if best is None else f"{study}: best configuration, trial {best.trial.number}",
        heads=("parameter", *chosen, "default", "searched"),
        rows=tuple(rows),
    )


def trials_table(findings: Findings) -> Table:
    """The best MOST_TRIALS trials with a value, by that value, with what was searched."""
    metric = findings.spec.metric
    names = [name for name, domain in findings.spec.space.items() if not isinstance(domain, Constant)]
    known = [trial for trial in findings.trials if trial.outcome.value is not None]
    ranked = sorted(known, key=lambda trial: trial.outcome.cost(metric))
    rows = tuple(
        (
            str(trial.number),
            trial.outcome.state,
            score_text(trial.outcome.value),
            f"{score_text(mean_of_runs(trial))} ({_runs(trial)})" if trial.repeats else "",
            str(trial.outcome.best_epoch),
            _losses(trial.outcome)[1],
            str(trial.outcome.fold_epochs),
            *(value_text(trial.params[name]) for name in names),
        )
        for trial in ranked[:MOST_TRIALS]
    )
    more = len(ranked) > len(rows)
    return Table(
        title=(f"The best {len(rows)} of {len(ranked)} trials" if more else "All trials") + ", by a single run each",
        heads=("trial", "state", metric.words, "mean (runs)", "epoch", "gap", "epochs of all folds", *names),
        rows=rows,
        notes=explain_effort(findings),
    )


def path_table(findings: Findings, path: Path) -> Table:
    """A row per point of a regularisation path: its score, and what that strength does to the network."""
    spec, name = findings.spec, path.parameter
    decay = ("total shrinkage",) if name == "weight_decay" else ()
    rows = []
    for point in path.points:
        cells = ["failed", "", "", *("" for _ in decay)]
        if point in path.complete:
            amounts = [effect(name, point.outcome)[1], *(path.shrinkage(point) for _ in decay)]
            cells = [point_text(findings.facts, point), _losses(point.outcome)[0], *map(_amount, amounts)]
        marks = {"best": point is path.best, "1se": point is path.one_se, "study": point.value == path.own}
        rows.append((value_text(point.value), *cells, " ".join(mark for mark, stands in marks.items() if stands)))
    notes = ["study: the best trial's own value; all else is as in that trial. Each point is one run."]
    if path.one_se is not None:
        error = f"{path.se:.2g}" if math.isfinite(path.se) else "not known"
        notes.append(f"1se: {MODELS['1se']}; 1 SE of a paired difference: {error}.")
    if isinstance(spec.space[name], Constant):
        notes.append(f"The study fixes {name}; the path covers its usual range.")
    heads = (f"{spec.metric.words} ± SE", "training loss", effect(name, path.points[0].outcome)[0], *decay, "")
    return Table(
        title=f"{spec.study.name}: regularisation path of {name}, {spec.metric.direction}",
        heads=("value", *heads),
        rows=tuple(rows),
        notes=tuple(notes),
        marked=None if path.best is None else path.points.index(path.best),
    )


def point_text(facts: StudyInfo, point: Point) -> str:
    """The score of a point of a path with its standard error, or why it failed."""
    outcome = point.outcome
    if outcome.state != "complete":
        return f"failed: {outcome.reason.strip().splitlines()[-1]}"
    return with_error(outcome.value, standard_error(outcome.at_best("metric"), facts.test_to_train))


def _amount(amount: float) -> str:
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:.3g}"


def folds_table(spec: Spec, facts: StudyInfo) -> Table:
    """A row per fold: how much it trains on, and what it validates on."""
    rows = [(fold.train, fold.valid, fold.anomalous, fold.events) for fold in facts.folds]
    return Table(
        title=f"{spec.cv.folds} folds, scheme {spec.cv.scheme}",
        heads=("fold", "training windows", "validation windows", "anomalous rows", "events"),
        rows=tuple((str(number), *map(str, row)) for number, row in enumerate(rows, 1)),
        notes=(
            f"Held-out data: {facts.holdout:,} windows.",
            f"{facts.baseline.name}: {facts.baseline.value:z.4f}, a baseline without a network.",
        ),
    )


def statuses_table(statuses: Sequence[Status]) -> Table:
    """A row per study of a store: how far it is, the best so far, and its last change."""
    rows = []
    for status in statuses:
        ended = {"complete": status.complete, "pruned": status.pruned, "failed": status.failed}
        counts = [
            f"{status.trials} of {status.wanted}",
            *(f"{count} {state}" for state, count in ended.items() if count),
        ]
        best = "none yet" if status.best is None else f"{status.best[1]:z.4f}, trial {status.best[0]}, 1 run"
        running = "" if status.holder is None else "\nrunning"
        changed = f"{status.changed.astimezone():%Y-%m-%d %H:%M}{running}"
        rows.append((status.study, "\n".join(counts), f"{best}\n{find_metric(status.metric).words}", changed))
    return Table("", ("study", "trials", "best so far", "last change"), tuple(rows))


def comparison_table(studies: Sequence[Findings]) -> Table:
    """A column per study: size, what the best reached and how sure that is, references, and what it cost."""
    heads = ("study", *(findings.spec.study.name for findings in studies))
    columns = [_compared(findings) for findings in studies]
    return Table("Studies", heads, tuple((name, *(column[name] for column in columns)) for name in columns[0]))


def _compared(findings: Findings) -> dict[str, str]:
    metric, summary, baseline = findings.spec.metric, findings.summary, findings.facts.baseline
    models = _models(findings)
    best, held = summary.best, None if findings.holdout is None else findings.holdout.scores[0]
    held_out = "not scored"
    if held is not None and held.value is not None:
        held_out = score_text(held.value) + (f" ({interval_text(held.interval)})" if held.interval else "")
    return {
        "metric": f"{metric.words}, {metric.direction}",
        "trials: complete + pruned + failed": f"{summary.complete} + {summary.pruned} + {summary.failed}",
        **{name: _mean(*models[name]) if name in models else "" for name in ("best", "default", "unregularised")},
        **({} if "best" in models else {"best": "nothing completed"}),
        "1 SE of a difference": "" if best is None or math.isnan(best.se) else f"{best.se:.4f}",
        "baseline": f"{score_text(baseline.value)} ({baseline.name})",
        "shipped, on held-out data": held_out,
        "epochs of all folds": f"{summary.fold_epochs:,}",
    }


def _mean(trial: Trial, score: float | None) -> str:
    runs = _runs(trial)
    return score_text(score) + (f" (mean of {runs} runs)" if runs > 1 else " (1 run)" if score is not None else "")


def side_by_side_table(studies: Sequence[Findings]) -> Table:
    """The best configuration of each study in a column; a row for what any of them searched."""
    spaces = [findings.spec.space for findings in studies]
    names = [name for name in spaces[0] if any(not isinstance(space[name], Constant) for space in spaces)]
    bests = [findings.summary.best for findings in studies]
    rows = [(name, *("" if best is None else value_text(best.trial.params[name]) for best in bests)) for name in names]
    return Table("Best configurations", ("parameter", *(one.spec.study.name for one in studies)), tuple(rows))
