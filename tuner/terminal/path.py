"""A regularisation path while it grows."""

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tuner.report.tables import point_text, value_text
from tuner.results.findings import StudyInfo
from tuner.results.regularisation_path import Point
from tuner.search.events import PointTrained
from tuner.terminal.printing import point_dict, print_json
from tuner.terminal.progress import Silent


class JsonPoints(Silent):
    """One JSON object a point on standard output, those of earlier calls first."""

    def __init__(self, parameter: str, facts: StudyInfo) -> None:
        self._parameter, self._facts = parameter, facts
        self._started = time.monotonic()

    def point_trained(self, event: PointTrained) -> None:
        seconds = {"stored": event.stored, "seconds": round(time.monotonic() - self._started, 3)}
        print_json({"event": "point", **point_dict(self._parameter, self._facts, event.point), **seconds})


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
    return f"{parameter} {value_text(point.value)}: {point_text(facts, point)}"
