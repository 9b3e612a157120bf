"""The report on the holdout, as tables for people and as values for programs."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from tuner.evaluation.bootstrap import Interval
from tuner.evaluation.holdout import Holdout
from tuner.report.wording import METRIC_WORDS
from tuner.results.findings import Findings
from tuner.results.verdict import find_optimism, verdict


def holdout_dict(findings: Findings) -> dict[str, Any]:
    """The keys of the result that tell of the holdout: figures by model, and what they say."""
    holdout, optimism = findings.holdout, find_optimism(findings)
    if holdout is None or optimism is None:
        return {"holdout": {}, "optimism": None, "looks": 0, "verdict": []}
    models = {}
    for score in holdout.scores:
        values = asdict(score)
        del values["name"]
        models[score.name] = {"metric": holdout.metric, **values, "events": holdout.events}
    return {"holdout": models, "optimism": optimism.value, "looks": holdout.looks, "verdict": list(verdict(findings))}


def print_holdout(console: Console, findings: Findings) -> None:
    """What each model reached on the holdout, and what that means; nothing without a holdout."""
    if findings.holdout is None:
        return
    console.print(_scores(findings.holdout))
    if findings.holdout.anomalous:
        console.print(_detection(findings.holdout))
    for sentence in verdict(findings):
        console.print(sentence, markup=False)


def _scores(holdout: Holdout) -> Table:
    title = f"holdout: {holdout.windows} windows in {holdout.blocks} blocks; mean of {holdout.seeds} refits a network"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("model")
    table.add_column(METRIC_WORDS[holdout.metric], justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("minus best, 95 %", justify="right")
    for score in holdout.scores:
        if score.value is not None:
            apart = "" if score is holdout.scores[0] else _interval(score.difference_interval, "+.4f")
            table.add_row(score.name, f"{score.value:.4f}", _interval(score.interval, ".4f"), apart)
    return table


def _detection(holdout: Holdout) -> Table:
    title = f"detection on the holdout; anomalous rows: {holdout.anomalous}, events: {holdout.events}"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("model")
    for name in ("av. prec.", "precision", "recall", "F1", "events"):
        table.add_column(name, justify="right")
    for score in holdout.scores:
        rates = (score.average_precision, score.precision, score.recall, score.f1)
        caught = "" if score.caught is None else f"{score.caught:.3g}"
        table.add_row(score.name, *("" if rate is None else f"{rate:.3f}" for rate in rates), caught)
    return table


def _interval(interval: Interval | None, form: str) -> str:
    return "" if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"
