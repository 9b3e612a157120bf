"""The result of a study, as a table for people and as one JSON object for programs."""

import math
from typing import Any

from rich.console import Console
from rich.table import Table

from tuner.evaluation.detection import Detection
from tuner.report.wording import METRIC_WORDS, searched, shown
from tuner.results.advice import warn_after
from tuner.results.findings import Findings
from tuner.results.selection import Selection, shrinkage
from tuner.results.verdict import mean_of
from tuner.terminal.holdout import holdout_dict, print_holdout


def result_event(findings: Findings, seconds: float) -> dict[str, Any]:
    """The last line of `--json`; without a holdout, `holdout` is empty."""
    summary = findings.summary
    return {
        "event": "result",
        "study": findings.spec.study.name,
        "trials": summary.trials,
        "complete": summary.complete,
        "pruned": summary.pruned,
        "failed": summary.failed,
        "best": None if summary.best is None else _chosen_dict(summary.best),
        "one_se": None if summary.one_se is None else _chosen_dict(summary.one_se),
        **holdout_dict(findings),
        "seconds": round(seconds, 3),
        "fold_epochs": summary.fold_epochs,
    }


def _chosen_dict(chosen: Selection) -> dict[str, Any]:
    return {
        "trial": chosen.trial.number,
        "value": chosen.value,
        "repeat_mean": chosen.repeat_mean,
        "se": chosen.se if math.isfinite(chosen.se) else None,
        "params": dict(chosen.trial.params),
        "epoch": chosen.trial.outcome.best_epoch,
    }


def print_result(console: Console, findings: Findings) -> None:
    """The best configuration, how good and how sure it is, and what finding it took."""
    summary, spec = findings.summary, findings.spec
    if summary.best is None:
        console.print(f"No trial of {spec.study.name} has completed yet.")
        return
    best, outcome = summary.best, summary.best.trial.outcome
    console.print(_configuration(findings, best))
    figures = Table.grid(padding=(0, 2))
    metric = METRIC_WORDS[spec.study.metric]
    figures.add_row(f"cross-validated {metric}", f"{mean_of(best)} at epoch {outcome.best_epoch}")
    if summary.one_se is not None and summary.one_se.trial.number != best.trial.number:
        most = summary.one_se
        figures.add_row(
            "most regularised within one SE",
            f"trial {most.trial.number}: {most.mean:.4f} (python -m tuner.export --study {spec.study.name} --rule 1se)",
        )
    figures.add_row(findings.facts.baseline.name, f"{findings.facts.baseline.value:.4f}")
    for name, number in (("default configuration", 1), ("regularisers at their least", 0)):
        if number < len(findings.trials) and (value := findings.trials[number].outcome.value) is not None:
            figures.add_row(name, f"{value:.4f}")
    train, valid = outcome.train_loss, outcome.valid_loss
    figures.add_row("loss in training, validation", f"{train:.4f}, {valid:.4f} (gap {valid - train:.4f})")
    if outcome.detection is not None:
        figures.add_row("out-of-fold detection", _detection(outcome.detection))
    figures.add_row("what the penalties do", _penalties(best))
    figures.add_row("trials", f"{summary.complete} complete, {summary.pruned} pruned, {summary.failed} failed")
    if summary.audits:
        figures.add_row(
            "audits of the pruner",
            f"went on though it would have ended them: {summary.audits}; "
            f"of these among the best tenth: {summary.false_prunes}",
        )
    saved = summary.fold_epochs_saved
    share = saved / max(saved + sum(trial.outcome.fold_epochs for trial in findings.trials), 1)
    figures.add_row("fold-epochs", f"{summary.fold_epochs} trained; {saved} saved, {share:.0%} of all trials' epochs")
    console.print(figures)
    print_holdout(console, findings)
    for warning in warn_after(spec, best):
        console.print(f"warning: {warning}", style="yellow", markup=False)


def _detection(found: Detection) -> str:
    said = (
        f"precision {found.precision:.3f}, recall {found.recall:.3f}, F1 {found.f1:.3f} at inner thresholds; "
        f"average precision {found.average_precision:.3f}"
    )
    if found.events:
        said += f"; {found.caught} of {found.events} events caught"
    if without := sum(fold.events == 0 for fold in found.folds):
        said += f"; folds without an anomalous row: {without} of {len(found.folds)}"
    return said


def _penalties(best: Selection) -> str:
    outcome = best.trial.outcome
    return (
        f"total shrinkage {shrinkage(best.trial.params, outcome):.3g} by weight decay, "
        f"{outcome.zeros:.1%} of {outcome.weights} weights exactly zero"
    )


def _configuration(findings: Findings, best: Selection) -> Table:
    title = f"{findings.spec.study.name}: best configuration, trial {best.trial.number}"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("parameter")
    table.add_column("best", justify="right", style="green")
    table.add_column("default", justify="right")
    table.add_column("searched")
    for name, domain in findings.spec.space.items():
        table.add_row(name, shown(best.trial.params[name]), shown(domain.default), searched(domain))
    return table
