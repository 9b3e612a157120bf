"""A regularisation path: how it grows, its points as a table, and the same for programs."""

import math
import time
from textwrap import wrap
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from tuner.report.wording import METRIC_WORDS, shown
from tuner.results.advice import warn_path
from tuner.results.findings import Findings, StudyInfo
from tuner.results.regularisation_path import Path, Point, effect, mean
from tuner.search.events import PointTrained
from tuner.spec.space import Constant
from tuner.terminal.progress import Silent, print_json
from tuner.training.outcome import standard_error

# What stands beside the best point, the most regularised within one standard error of it, and the best trial's value.
BEST, ONE_SE, OWN = "best", "1se", "study"


class JsonPoints(Silent):
    """One JSON object a point on standard output, those of earlier calls first."""

    def __init__(self, parameter: str, facts: StudyInfo) -> None:
        self._parameter, self._facts = parameter, facts
        self._started = time.monotonic()

    def point_trained(self, event: PointTrained) -> None:
        seconds = {"stored": event.stored, "seconds": round(time.monotonic() - self._started, 3)}
        print_json({"event": "point", **_point_dict(self._parameter, self._facts, event.point), **seconds})


class PointLines(Silent):
    """A line a trained point, for logs and pipes."""

    def __init__(self, parameter: str, facts: StudyInfo, console: Console) -> None:
        self._parameter, self._facts, self._console = parameter, facts, console
        self._done = self._total = 0

    def path_began(self, count: int, done: int) -> None:
        self._done, self._total = done, done + count
        if done:
            self._console.print(f"{done} of {self._total} points are there already")

    def point_trained(self, event: PointTrained) -> None:
        if event.stored:
            return
        self._done += 1
        line = f"{self._done}/{self._total} {describe(self._parameter, self._facts, event.point)}"
        self._console.print(line, soft_wrap=True, markup=False)


class PointBar(Silent):
    """A bar that is redrawn in place, with a line a trained point above it; use it as a context."""

    def __init__(self, parameter: str, facts: StudyInfo, console: Console) -> None:
        self._parameter, self._facts = parameter, facts
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            auto_refresh=False,
        )
        self._task = self._bar.add_task(parameter, total=None)

    def __enter__(self) -> "PointBar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def path_began(self, count: int, done: int) -> None:
        self._bar.update(self._task, completed=done, total=done + count)
        self._bar.refresh()

    def point_trained(self, event: PointTrained) -> None:
        if event.stored:
            return
        self._bar.advance(self._task)
        line = f"  {describe(self._parameter, self._facts, event.point)}"
        self._bar.console.print(line, highlight=False, markup=False)

    def ticked(self) -> None:
        self._bar.refresh()


def describe(parameter: str, facts: StudyInfo, point: Point) -> str:
    """A trained point in a few words."""
    return f"{parameter} {shown(point.value)}: {_score(facts, point) or _reason(point)}"


def print_path(console: Console, found: Findings, path: Path) -> None:
    """Every point of the path, within 70 columns, and what the path shows."""
    spec, name, facts = found.spec, path.parameter, found.facts
    by_decay = name == "weight_decay"
    title = f"{spec.study.name}: the path of {name}, all else as in the best trial"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    effect_words = effect(name, path.points[0].outcome)[0]
    heads = ["value", f"{METRIC_WORDS[spec.study.metric]} ± SE", "train loss", effect_words]
    for head in [*heads, *(["total shrinkage"] if by_decay else [])]:
        # heads give way, so that figures need not
        table.add_column("\n".join(wrap(head, 10)), justify="right")
    table.add_column("")
    for point in path.points:
        if point in path.complete:
            cells = [_score(facts, point), f"{_train_loss(point):.4f}", _amount(effect(name, point.outcome)[1])]
            cells += [_amount(path.shrinkage(point))] if by_decay else []
        else:
            cells = ["failed", *[""] * (3 if by_decay else 2)]
        table.add_row(shown(point.value), *cells, " ".join(_marks(path, point)), style=_style(path, point))
    console.print(table)
    for point in path.points:
        if point not in path.complete:
            console.print(f"missing: {describe(name, facts, point)}", style="yellow", markup=False)
    if path.best is not None and path.one_se is not None:
        near = f"{path.se:.4f}" if math.isfinite(path.se) else "not known"
        console.print(
            f"{BEST}: {shown(path.best.value)}; {ONE_SE}: {shown(path.one_se.value)}, the most regularised within one "
            f"standard error of a paired difference ({near}); {OWN}: the best trial's",
            markup=False,
        )
    if isinstance(spec.space[name], Constant):
        console.print(f"note: the study fixes {name}; the path has its usual range")
    for warning in warn_path(path):
        console.print(f"warning: {warning}", style="yellow", markup=False)


def path_event(found: Findings, parameter: str, path: Path | None, seconds: float) -> dict[str, Any]:
    """The last line of `--json`: the choice on the path, in the order of its values."""
    points = path.points if path is not None else ()
    chosen = {"best": path.best, "one_se": path.one_se} if path is not None else {"best": None, "one_se": None}
    return {
        "event": "path",
        "study": found.spec.study.name,
        "parameter": parameter,
        "own": found.chosen("best").trial.params[parameter],
        "values": [point.value for point in points],
        "failed": sum(point.outcome.state == "failed" for point in points),
        **{
            rule: None if point is None else _point_dict(parameter, found.facts, point)
            for rule, point in chosen.items()
        },
        "se": path.se if path is not None and math.isfinite(path.se) else None,
        "warnings": warn_path(path) if path is not None else [],
        "seconds": round(seconds, 3),
    }


def _point_dict(parameter: str, facts: StudyInfo, point: Point) -> dict[str, Any]:
    complete = point.outcome.state == "complete"
    words, amount = effect(parameter, point.outcome)
    se = _se(facts, point) if complete else math.nan
    return {
        "value": point.value,
        "mean": mean(point) if complete else None,
        "se": se if math.isfinite(se) else None,
        "train_loss": _train_loss(point) if complete else None,
        "epoch": point.outcome.best_epoch or None,
        "effect": words,
        "amount": amount if complete else None,
        "reason": point.outcome.reason,
    }


def _score(facts: StudyInfo, point: Point) -> str:
    if point.outcome.state != "complete":
        return ""
    se = _se(facts, point)
    return f"{mean(point):.4f}" + (f" ± {se:.4f}" if math.isfinite(se) else "")


def _se(facts: StudyInfo, point: Point) -> float:
    return standard_error(point.outcome.at_best("metric"), facts.test_to_train)


def _train_loss(point: Point) -> float:
    return point.outcome.train_loss


def _reason(point: Point) -> str:
    return f"failed: {point.outcome.reason.strip().splitlines()[-1]}"


def _amount(amount: float) -> str:
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:.3g}"


def _marks(path: Path, point: Point) -> list[str]:
    marks = {BEST: point is path.best, ONE_SE: point is path.one_se, OWN: point.value == path.own}
    return [mark for mark, stands in marks.items() if stands]


def _style(path: Path, point: Point) -> str:
    return "green" if point is path.best else ""
