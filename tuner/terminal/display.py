"""The display of a command at work: live on a terminal, in lines elsewhere, as JSON to programs.

Events are folded into one tally, from which all of these are drawn.
"""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from tuner.report.tables import point_text, value_text
from tuner.results.findings import StudyInfo
from tuner.search.events import (
    Event,
    Notify,
    PointTrained,
    Progressed,
    Repeated,
    Resumed,
    StageAdvanced,
    StageBegan,
    Started,
    Ticked,
    Told,
)
from tuner.spec.sections import Spec
from tuner.storage.distributions import STATES
from tuner.terminal.printing import point_dict, print_json
from tuner.training.outcome import Outcome

# What goes on in each stage.
STAGES = {
    "search": "searching",
    "repeats": "retraining the best with new seeds",
    "holdout": "final test on held-out data",
    "path": "training along the path",
    "bundle": "training on all rows",
}
# Share of the epochs of all trials that early stopping and pruning usually leave.
USUAL_SHARE = 0.5
# A repeat is never pruned, and may take more epochs; a refit trains once where a trial trains on all folds.
REPEAT, REFIT = 1.2, 0.6
# Networks of the final test, usually: eight of each of four configurations.
REFITS = 32
# A bar is not full before all is done: some of what is left cannot be counted.
NEARLY = 0.99


def stage_work(spec: Spec) -> dict[str, float]:
    """The work of each stage of a run, in trials as long as the search's usual one."""
    stages = {
        "search": float(spec.study.trials),
        "repeats": REPEAT * spec.search.repeats * (spec.search.finalists + 2),
        "holdout": REFIT * REFITS / spec.cv.folds if spec.cv.holdout else 0.0,
    }
    return {stage: work for stage, work in stages.items() if work}


@dataclass(frozen=True)
class Tally:
    """A tally of the events so far, in a study or on a path of its `parameter`.

    Attributes:
        stage: a key of STAGES.
        done, count: steps of the stage.
        before: of all work, in steps, what is none of this run's.
        began: when that began, by `time.monotonic`.
        running: the trials that workers have, with their latest sign of life.
        incumbent: number and outcome of the best complete trial.
    """

    spec: Spec
    facts: StudyInfo
    parameter: str
    stage: str
    done: int
    count: int
    before: float
    began: float
    pruned: int = 0
    failed: int = 0
    incumbent: tuple[int, Outcome] | None = None
    running: Mapping[int, Progressed | None] = field(default_factory=dict)

    def after(self, event: Event, now: float) -> "Tally":
        """The tally with the event counted in."""
        match event:
            case Resumed():
                tally = self
                for number, outcome in event.told.items():
                    tally = tally._counted(number, outcome)
                return replace(tally, before=tally.work_done())
            case Started():
                return replace(self, running={**self.running, event.number: None})
            case Progressed() if event.number in self.running or self.stage == "repeats":
                return replace(self, running={**self.running, event.number: event})
            case Told():
                running = {number: sign for number, sign in self.running.items() if number != event.number}
                tally = replace(self._counted(event.number, event.outcome), running=running)
                # one that trained for longer than usual says less of how long the others take
                longer = len(event.outcome.curve) / (USUAL_SHARE * self.spec.train.epochs) - 1
                return replace(tally, before=tally.before - longer)
            case StageBegan():
                there, count = event.done, event.done + event.count
                tally = replace(self, stage=event.stage, done=there, count=count, running={})
                if event.stage not in stage_work(self.spec):
                    return replace(tally, before=float(there), began=now)
                # what an earlier run did of this and earlier stages took no time of this one
                return replace(tally, before=self.before + tally.work_done() - self.work_done())
            case Repeated():
                running = {number: sign for number, sign in self.running.items() if number != event.number}
                return replace(self, done=self.done + 1, running=running)
            case StageAdvanced() | PointTrained(stored=False):
                return replace(self, done=self.done + 1)
        return self

    def _work(self) -> dict[str, float]:
        work = stage_work(self.spec)
        return work if self.stage in work else {self.stage: float(self.count)}

    def work_done(self) -> float:
        """What is done of all stages' work, trials under way by the epochs that they have had."""
        work = self._work()
        stages = list(work)
        whole = self.spec.train.epochs * (USUAL_SHARE if self.stage == "search" else 1)
        epochs = [sign.epoch - 1 + sign.fold / self.spec.cv.folds for sign in self.running.values() if sign]
        steps = self.done + sum(min(epoch / whole, NEARLY) for epoch in epochs)
        part = min(steps / self.count, 1.0) if self.count else 1.0
        return sum(work[stage] for stage in stages[: stages.index(self.stage)]) + part * work[self.stage]

    def share(self) -> float:
        """The share of all work that is done; never all of it."""
        return min(self.work_done() / (sum(self._work().values()) or 1.0), NEARLY)

    def _counted(self, number: int, outcome: Outcome) -> "Tally":
        best, metric = self.incumbent, self.spec.metric
        if outcome.state == "complete" and (best is None or outcome.cost(metric) < best[1].cost(metric)):
            best = number, outcome
        pruned, failed = self.pruned + (outcome.state == "pruned"), self.failed + (outcome.state == "failed")
        return replace(self, done=self.done + 1, pruned=pruned, failed=failed, incumbent=best)

    def heading(self) -> str:
        """The current step of the command, with its work."""
        steps = list(self._work())
        step = f"step {steps.index(self.stage) + 1} of {len(steps)}: " if len(steps) > 1 else ""
        return f"{step}{STAGES[self.stage]}"

    def left(self, now: float) -> str:
        """The time that all stages still take, at the pace of this run so far."""
        done = self.work_done()
        remaining, here = sum(self._work().values()) - done, done - self.before
        if remaining <= 0:
            return "finishing"
        if here < 1e-6:  # but for rounding
            return "estimating time"
        return f"about {duration((now - self.began) / here * remaining)} left"


@contextmanager
def show_events(
    console: Console, spec: Spec, facts: StudyInfo, parameter: str = "", *, as_json: bool = False
) -> Iterator[Notify]:
    """Shows the events that it is called with: live on a terminal, else in lines; nothing on a quiet console.

    Args:
        console: where to.
        spec: of the study.
        facts: of the study.
        parameter: the one whose path is trained.
        as_json: one JSON object per trial and point on standard output instead.
    """
    started = time.monotonic()
    stage, count = ("path", 0) if parameter else ("search", spec.study.trials)
    tally = Tally(spec, facts, parameter, stage, done=0, count=count, before=0, began=started)
    live = Live(
        console=console,
        get_renderable=lambda: draw(tally, time.monotonic()),
        auto_refresh=False,
        transient=True,
    )

    def notify(event: Event) -> None:
        nonlocal tally
        now = time.monotonic()
        tally = tally.after(event, now)
        if as_json:
            if (values := to_dict(tally, event)) is not None:
                print_json({**values, "seconds": round(now - started, 3)})
        elif line := describe(tally, event):
            aside = "" if live.is_started else _aside(tally, event, now)
            console.print(line + aside, soft_wrap=True, markup=False)
        if live.is_started and isinstance(event, StageBegan | Ticked):
            live.refresh()

    if not console.is_terminal or console.quiet:
        yield notify
        return
    with live:
        yield notify


def describe(tally: Tally, event: Event) -> str:
    """The line that is left of an event; empty for most."""
    words = tally.spec.metric.words
    match event:
        case Resumed():
            return f"report: studies/{tally.spec.study.name}/report.html, written every minute while the study runs"
        case Told(number, _, outcome):
            return f"trial {number}{_ended(outcome, words, tally.spec.train.epochs)}"
        case Repeated(number, repeat, outcome):
            most = tally.facts.most_epochs or tally.spec.train.epochs
            return f"trial {number} with new seed {repeat}{_ended(outcome, words, most)}"
        case StageBegan(count=count) if count:
            there = f" ({event.done} of {tally.count} are there already)" if event.done else ""
            return f"{tally.heading()}, {count} to go{there}"
        case StageAdvanced():
            return f"{tally.done} of {tally.count} networks trained"
        case PointTrained(point, stored=False):
            return f"{tally.parameter} {value_text(point.value)}: {point_text(tally.facts, point)}"
    return ""


def _ended(outcome: Outcome, words: str, epochs: int) -> str:
    if outcome.value is None:
        return f" failed: {outcome.reason.strip().splitlines()[-1]}"
    pruned = f"pruned after epoch {len(outcome.curve)}, " if outcome.state == "pruned" else ""
    return f": {pruned}{words} {outcome.value:.3g} (epoch {outcome.best_epoch} of {epochs})"


def _aside(tally: Tally, event: Event, now: float) -> str:
    """The state of all trials in a line, where no bar shows it."""
    if not isinstance(event, Told):
        return ""
    best = f"best {tally.incumbent[1].value:.3g} (trial {tally.incumbent[0]})" if tally.incumbent else "no best yet"
    return f"; {tally.done} of {tally.count}, {best}, {tally.left(now)}"


def to_dict(tally: Tally, event: Event) -> dict[str, Any] | None:
    """An event as `--json` prints it; None for most."""
    match event:
        case Told(number, params, outcome):
            return {
                "event": "trial",
                "trial": number,
                "state": STATES[outcome.state].name,
                "value": outcome.value,
                "epoch": outcome.best_epoch or None,
                "params": dict(params),
                "fold_epochs": outcome.fold_epochs,
            }
        case PointTrained(point, stored):
            return {"event": "point", **point_dict(tally.parameter, tally.facts, point), "stored": stored}
    return None


def draw(tally: Tally, now: float) -> RenderableType:
    """The tally as it stands: one bar for all stages, the current one, counts, and a line per trial under way."""
    bar = Grid.grid(padding=(0, 1))
    share = tally.share()
    bar.add_row(ProgressBar(total=1.0, completed=share, width=30), f"{100 * share:.0f} %", tally.left(now))
    title = Text(tally.parameter or tally.spec.study.name, style="bold", overflow="ellipsis", no_wrap=True)
    lines: list[RenderableType] = [title, bar, Text(f"{tally.heading()}, {tally.done} of {tally.count}")]
    if tally.stage == "search":
        counts = Text(f"  {tally.pruned} pruned, {tally.failed} failed")
        if tally.incumbent:
            counts.append(f"; best so far {tally.incumbent[1].value:.3g} (trial {tally.incumbent[0]})", style="green")
        lines.append(counts)
    running = Grid.grid(padding=(0, 2))
    for number, sign in sorted(tally.running.items()):
        if sign is not None:
            most = (tally.stage == "repeats" and tally.facts.most_epochs) or tally.spec.train.epochs
            epoch, fold = f"epoch {sign.epoch}/{most}", f"fold {sign.fold}/{tally.spec.cv.folds}"
            running.add_row(f"  trial {number}", epoch, fold, "" if sign.value is None else f"{sign.value:.3g}")
    return Group(*lines, running)


def duration(seconds: float) -> str:
    """A duration as a person says it: 45 s, 4 min, 2 h 5 min."""
    if seconds <= 59:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
