"""Prints the results of commands: tables and sentences for people, JSON objects for programs."""

import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from tuner.report.holdout_tables import detection_table, holdout_table
from tuner.report.tables import (
    Table,
    configuration_table,
    path_table,
    point_text,
    scores_table,
    statuses_table,
    value_text,
)
from tuner.results.advice import advise_after, advise_on_path
from tuner.results.captions import explain_effort, explain_trust
from tuner.results.findings import Findings, StudyInfo
from tuner.results.optimism import find_optimism
from tuner.results.regularisation_path import Path, Point, effect
from tuner.results.selection import Selection
from tuner.results.verdict import conclude, judge
from tuner.storage.study_status import Status
from tuner.training.outcome import standard_error

if TYPE_CHECKING:  # it loads torch, which few commands need
    from tuner.search.replay import Replay

# Characters to which a heading is broken, so that figures need not be.
HEAD = 10
# How the first words of a statement are shown, by its tone.
STYLES = {"good": "bold green", "bad": "bold red", "open": "bold yellow", "next": "bold blue"}


def print_json(values: Mapping[str, Any]) -> None:
    """Prints one JSON object on a line of its own, at once."""
    sys.stdout.write(json.dumps(values, allow_nan=False) + "\n")
    sys.stdout.flush()


def print_table(console: Console, content: Table) -> None:
    """Draws a table, its first column to the left and the others to the right."""
    if content.title:  # not the grid's, which would break it where the grid ends
        console.print(Text(content.title, style="bold"))
    drawn = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, head in enumerate(content.heads):
        broken = Text("\n".join(wrap(head, HEAD, break_long_words=False)))
        drawn.add_column(broken, justify="right" if index else "left", overflow="fold", vertical="bottom")
    for index, row in enumerate(content.rows):
        drawn.add_row(*map(Text, row), style="green" if index == content.marked else "")
    console.print(drawn)
    for note in content.notes:
        console.print(note, style="dim", markup=False)


def print_warnings(console: Console, warnings: Sequence[str]) -> None:
    """Prints each warning as one line."""
    for warning in warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)


# --- a study


def print_result(console: Console, findings: Findings) -> None:
    """The verdict, the best configuration, how good and how sure it is, and what finding it took."""
    best, holdout = findings.summary.best, findings.holdout
    for statement in judge(findings):
        lead, mark, rest = re.split("([:.,])", statement.said, maxsplit=1)
        console.print(Text.assemble((lead + mark, STYLES[statement.tone]), rest))
        if statement.command:
            console.print(f"  {statement.command}", soft_wrap=True, markup=False)
    console.print()
    if best is None:
        return
    print_warnings(console, findings.facts.warnings)  # before all figures that they may make worthless
    tables = [configuration_table(findings), scores_table(findings)]
    if holdout is not None:
        tables += [holdout_table(holdout), *([detection_table(holdout)] if holdout.anomalous else [])]
    for table in tables:
        print_table(console, table)
        console.print()
    for sentence in (*explain_trust(findings), *explain_effort(findings)):
        console.print(sentence, markup=False)
    print_warnings(console, advise_after(findings.spec, best))


def result_event(findings: Findings, seconds: float, *, interrupted: bool) -> dict[str, Any]:
    """The last line of `--json`; without a holdout, `holdout` is empty."""
    summary = findings.summary
    return {
        "event": "result",
        "study": findings.spec.study.name,
        "trials": summary.trials,
        "complete": summary.complete,
        "pruned": summary.pruned,
        "failed": summary.failed,
        "best": None if summary.best is None else _selection_dict(summary.best),
        "one_se": None if summary.one_se is None else _selection_dict(summary.one_se),
        **_holdout_dict(findings),
        "interrupted": interrupted,
        "warnings": list(findings.facts.warnings),
        "seconds": round(seconds, 3),
        "fold_epochs": summary.fold_epochs,
    }


def _selection_dict(chosen: Selection) -> dict[str, Any]:
    return {
        "trial": chosen.trial.number,
        "value": chosen.value,
        "repeat_mean": chosen.repeat_mean,
        "se": _finite(chosen.se),
        "params": dict(chosen.trial.params),
        "epoch": chosen.trial.outcome.best_epoch,
    }


def _holdout_dict(findings: Findings) -> dict[str, Any]:
    """The keys that tell of the holdout: figures by model, and what they say."""
    holdout, optimism = findings.holdout, find_optimism(findings)
    if holdout is None or optimism is None:
        return {"holdout": {}, "optimism": None, "looks": 0, "verdict": list(conclude(findings))}
    models = {}
    for score in holdout.scores:
        values = asdict(score)
        name = values.pop("name")
        models[name] = {"metric": holdout.metric, **values, "events": holdout.events, "base_rate": holdout.base_rate}
    return {"holdout": models, "optimism": optimism.value, "looks": holdout.looks, "verdict": list(conclude(findings))}


def _finite(value: float) -> float | None:
    """The value, but None for NaN and infinity, which JSON does not know."""
    return value if math.isfinite(value) else None


# --- a regularisation path


def print_path(console: Console, findings: Findings, path: Path) -> None:
    """Every point of the path, and what the path shows."""
    print_table(console, path_table(findings, path))
    failed = [
        f"{path.parameter} {value_text(point.value)} {point_text(findings.facts, point)}"
        for point in path.points
        if point not in path.complete
    ]
    print_warnings(console, [*failed, *advise_on_path(path)])


def path_event(findings: Findings, path: Path, seconds: float) -> dict[str, Any]:
    """The last line of `--json`: the choice on the path, in the order of its values."""
    name, facts = path.parameter, findings.facts
    return {
        "event": "path",
        "study": findings.spec.study.name,
        "parameter": name,
        "own": path.own,
        "values": [point.value for point in path.points],
        "failed": sum(point.outcome.state == "failed" for point in path.points),
        "best": None if path.best is None else point_dict(name, facts, path.best),
        "one_se": None if path.one_se is None else point_dict(name, facts, path.one_se),
        "se": _finite(path.se),
        "warnings": advise_on_path(path),
        "seconds": round(seconds, 3),
    }


def point_dict(parameter: str, facts: StudyInfo, point: Point) -> dict[str, Any]:
    """A point for programs: its figures are None if it failed."""
    outcome = point.outcome
    complete = outcome.state == "complete"
    words, amount = effect(parameter, outcome)
    return {
        "value": point.value,
        "mean": outcome.value if complete else None,
        "se": _finite(standard_error(outcome.at_best("metric"), facts.test_to_train)) if complete else None,
        "train_loss": outcome.train_loss if complete else None,
        "epoch": outcome.best_epoch or None,
        "effect": words,
        "amount": amount if complete else None,
        "reason": outcome.reason,
    }


# --- what else there is


def print_replay(console: Console, replay: "Replay") -> None:
    """Compares a trial with its replay: the same, or how far off and what may be why."""
    if replay.identical:
        console.print(f"trial {replay.number}: bit-identical over {replay.epochs[0]} epochs")
        return
    then, now = replay.epochs
    lasted = f", and it ran {now} epochs instead of {then}" if then != now else ""
    console.print(f"trial {replay.number} differs: its validation curve by at most {replay.distance:.2g}{lasted}")
    for change in replay.changed:
        console.print(f"changed since: {change}", markup=False)
    if not replay.changed:
        console.print("Versions, processor and data are the same: this should not happen.")


def print_statuses(console: Console, statuses: Sequence[Status]) -> None:
    """A table of the studies, then who runs those that are running."""
    if not statuses:
        console.print("No studies yet. Start with: python -m tuner.run --study anomaly")
        return
    print_table(console, statuses_table(statuses))
    for status in statuses:
        if status.holder is not None:
            console.print(f"{status.study} is being run by {status.holder}", markup=False)


def status_event(status: Status) -> dict[str, Any]:
    """A line of `--json`."""
    best = None if status.best is None else dict(zip(("trial", "value"), status.best, strict=True))
    return {
        "event": "study",
        "study": status.study,
        "trials": status.trials,
        "wanted": status.wanted,
        "complete": status.complete,
        "pruned": status.pruned,
        "failed": status.failed,
        "metric": status.metric,
        "best": best,
        "running": None if status.holder is None else asdict(status.holder),
        "changed": status.changed.isoformat(timespec="seconds"),
    }
