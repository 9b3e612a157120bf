"""The progress of a run: a live display on a terminal, plain lines elsewhere, JSON lines for programs, or nothing."""

import math
import time
from collections.abc import Mapping

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tuner.search.events import (
    Event,
    PointTrained,
    Repeated,
    Resumed,
    StageAdvanced,
    StageBegan,
    Started,
    Ticked,
    Told,
)
from tuner.search.events import Progressed as Sign
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.storage.distributions import STATES
from tuner.terminal.printing import print_json
from tuner.training.outcome import Outcome


class Silent:
    """Says nothing."""

    def __call__(self, event: Event) -> None:
        match event:
            case Resumed():
                self.resumed(event.told)
            case Started():
                self.began(event.number, event.params)
            case Sign():
                self.progressed(event)
            case Told():
                self.told(event.number, event.params, event.outcome)
            case StageBegan("repeats"):
                self.repeating(event.count)
            case StageBegan("holdout"):
                self.refitting(event.count)
            case StageBegan("path"):
                self.path_began(event.count, event.done)
            case Repeated():
                self.repeated(event.number, event.repeat, event.outcome)
            case StageAdvanced("holdout"):
                self.refitted()
            case PointTrained():
                self.point_trained(event)
            case Ticked():
                self.ticked()

    def path_began(self, count: int, done: int) -> None: ...
    def point_trained(self, event: PointTrained) -> None: ...
    def resumed(self, told: Mapping[int, Outcome]) -> None: ...
    def began(self, number: int, params: Mapping[str, Value]) -> None: ...
    def progressed(self, progress: Sign) -> None: ...
    def told(self, number: int, params: Mapping[str, Value], outcome: Outcome) -> None: ...
    def repeating(self, count: int) -> None: ...
    def repeated(self, number: int, repeat: int, outcome: Outcome) -> None: ...
    def refitting(self, count: int) -> None: ...
    def refitted(self) -> None: ...
    def ticked(self) -> None: ...


class JsonLines(Silent):
    """One JSON object a told trial on standard output."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def told(self, number: int, params: Mapping[str, Value], outcome: Outcome) -> None:
        print_json(
            {
                "event": "trial",
                "trial": number,
                "state": STATES[outcome.state].name,
                "value": outcome.value,
                "epoch": outcome.best_epoch or None,
                "params": dict(params),
                "fold_epochs": outcome.fold_epochs,
                "seconds": round(time.monotonic() - self._started, 3),
            }
        )


class Tally:
    """The state of a run for a display: counts, the incumbent and the pace."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._started = time.monotonic()
        self._before = 0
        self.total = spec.study.trials
        self.done = self.pruned = self.failed = 0
        self.incumbent: tuple[int, float] | None = None

    def resume(self, told: Mapping[int, Outcome]) -> None:
        """Counts the trials of earlier runs, which say nothing of the pace."""
        for number, outcome in told.items():
            self.add(number, outcome)
        self._before = self.done

    def add(self, number: int, outcome: Outcome) -> None:
        """Counts a told trial."""
        self.done += 1
        self.pruned += outcome.state == "pruned"
        self.failed += outcome.state == "failed"
        value = outcome.value
        if outcome.state == "complete" and value is not None:
            better = self.incumbent is None or (
                value > self.incumbent[1] if self._spec.maximise else value < self.incumbent[1]
            )
            if better:
                self.incumbent = (number, value)

    def eta(self) -> str:
        """The time still needed at the pace of this run so far."""
        here = self.done - self._before
        if not here:
            return "?"
        return duration((time.monotonic() - self._started) / here * max(self.total - self.done, 0))


class PlainLines(Silent):
    """A line a told trial, for logs and pipes."""

    def __init__(self, spec: Spec, console: Console) -> None:
        self._tally, self._console = Tally(spec), console

    def resumed(self, told: Mapping[int, Outcome]) -> None:
        self._tally.resume(told)

    def told(self, number: int, params: Mapping[str, Value], outcome: Outcome) -> None:  # noqa: ARG002
        self._tally.add(number, outcome)
        incumbent = self._tally.incumbent
        best = f"best {incumbent[1]:.4f} (trial {incumbent[0]})" if incumbent else "no best yet"
        line = f"{self._tally.done}/{self._tally.total} {describe(number, outcome)}; {best}; {self._tally.eta()} to go"
        self._console.print(line, soft_wrap=True, markup=False)

    def repeating(self, count: int) -> None:
        if count:
            self._console.print(f"training the best trials again: {count} repeats to go")

    def repeated(self, number: int, repeat: int, outcome: Outcome) -> None:
        self._console.print(describe_repeat(number, repeat, outcome), soft_wrap=True, markup=False)

    def refitting(self, count: int) -> None:
        if count:
            self._console.print(f"refitting those chosen, to be scored on the holdout: {count} refits to go")


class LiveDisplay(Silent):
    """A display that is redrawn in place; use it as a context."""

    def __init__(self, spec: Spec, console: Console) -> None:
        self._spec, self._tally = spec, Tally(spec)
        self._running: dict[int, Sign | None] = {}
        self._repeats = self._refits = 0
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[eta]} to go"),
        )
        self._task = self._bar.add_task(spec.study.name, total=self._tally.total, completed=self._tally.done, eta="?")
        self._live = Live(console=console, get_renderable=self._render, auto_refresh=False, transient=True)

    def __enter__(self) -> "LiveDisplay":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def resumed(self, told: Mapping[int, Outcome]) -> None:
        self._tally.resume(told)

    def began(self, number: int, params: Mapping[str, Value]) -> None:  # noqa: ARG002
        self._running[number] = None

    def progressed(self, progress: Sign) -> None:
        if progress.number in self._running:
            self._running[progress.number] = progress

    def told(self, number: int, params: Mapping[str, Value], outcome: Outcome) -> None:  # noqa: ARG002
        self._running.pop(number, None)
        self._tally.add(number, outcome)
        self._live.console.print(f"  {describe(number, outcome)}", highlight=False, markup=False)

    def repeating(self, count: int) -> None:
        self._running.clear()
        self._repeats = count

    def repeated(self, number: int, repeat: int, outcome: Outcome) -> None:
        self._repeats -= 1
        self._live.console.print(f"  {describe_repeat(number, repeat, outcome)}", highlight=False, markup=False)

    def refitting(self, count: int) -> None:
        self._refits = count

    def refitted(self) -> None:
        self._refits -= 1

    def ticked(self) -> None:
        self._bar.update(self._task, completed=self._tally.done, eta=self._tally.eta())
        self._live.refresh()

    def _render(self) -> RenderableType:
        tally = self._tally
        counts = Text(f"  {tally.pruned} pruned, {tally.failed} failed")
        if tally.incumbent:
            counts.append(f"; best so far {tally.incumbent[1]:.4f}, trial {tally.incumbent[0]}", style="green")
        if self._repeats:
            counts.append(f"; training the best again, {self._repeats} repeats to go")
        if self._refits:
            counts.append(f"; scoring those chosen on the holdout, {self._refits} refits to go")
        running = Table.grid(padding=(0, 2))
        for number, sign in sorted(self._running.items()):
            if sign is not None:
                value = "" if sign.value is None else f"{sign.value:.4f}"
                running.add_row(
                    f"  trial {number}",
                    f"epoch {sign.epoch}/{self._spec.train.max_epochs}",
                    f"fold {sign.fold}/{self._spec.cv.folds}",
                    value,
                )
        return Group(self._bar, counts, running)


def describe(number: int, outcome: Outcome) -> str:
    """A told trial in a few words."""
    if outcome.value is None:
        return f"trial {number} failed: {outcome.reason.strip().splitlines()[-1]}"
    words = "pruned at" if outcome.state == "pruned" else "complete,"
    return f"trial {number} {words} epoch {len(outcome.curve)}: {outcome.value:.4f} at epoch {outcome.best_epoch}"


def describe_repeat(number: int, repeat: int, outcome: Outcome) -> str:
    """A finished repeat in a few words."""
    value = "failed" if outcome.value is None else f"{outcome.value:.4f}"
    return f"repeat {repeat} of trial {number}: {value}"


def duration(seconds: float) -> str:
    """A duration as a person says it: 45 s, 3 min 20 s, 2 h 5 min."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
