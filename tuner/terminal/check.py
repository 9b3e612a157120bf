"""`--check`: what a run would do, and about how long it would take."""

import time
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from tuner.search.inert import warn_before
from tuner.search.study import Prepared
from tuner.spec.space import defaults
from tuner.terminal.progress import duration, print_json
from tuner.training.precision import resolve_precision
from tuner.training.trainer import make_learner

# Share of the epochs of all trials that early stopping and pruning usually leave.
USUAL_SHARE = 0.5
# Steps that are timed, after a first one that warms up.
TIMED_STEPS = 5


def print_check(prepared: Prepared, workers: int, *, console: Console, as_json: bool) -> None:
    """Rows, windows, events a fold, and the estimated time of the search, as a table or one JSON object."""
    spec = prepared.spec
    facts = replace(prepared.facts, bf16_from=resolve_precision(spec.train.precision))
    seconds = estimate_seconds(prepared, facts.bf16_from, min(workers, spec.search.lag))
    if as_json:
        print_json({"event": "check", "study": spec.study.name, **facts.to_dict(), "seconds": round(seconds, 1)})
        return
    console.print(
        f"{spec.study.name}: {spec.task.kind}, {facts.rows} rows in {facts.series} series, {facts.windows} windows of "
        f"{spec.task.window} rows, features: {_listed(facts.features)}",
        markup=False,
    )
    table = Table(title=f"{spec.cv.folds} folds, scheme {spec.cv.scheme}", title_justify="left")
    for column in ("fold", "training windows", "validation windows", "anomalous rows", "events"):
        table.add_column(column, justify="right")
    for number, fold in enumerate(facts.folds, 1):
        row: tuple[Any, ...] = (number, fold.train, fold.valid, fold.anomalous, fold.events)
        table.add_row(*map(str, row))
    console.print(table)
    console.print(f"holdout: {facts.holdout} windows; {facts.baseline.name}: {facts.baseline.value:.4f}")
    for warning in warn_before(spec, facts):
        console.print(f"warning: {warning}", style="yellow", markup=False)
    console.print(
        f"{spec.study.trials} trials of at most {spec.train.max_epochs} epochs take about {duration(seconds)} "
        f"with {workers} workers, if half of the epochs are saved; nothing was written"
    )


def estimate_seconds(prepared: Prepared, bf16_from: int | None, workers: int) -> float:
    """The time of the whole search by a few timed steps of the default configuration."""
    import torch

    torch.set_num_threads(1)
    spec = prepared.spec
    learner = make_learner(spec, prepared.folds[0], defaults(spec.space), key=(0, 0), bf16_from=bf16_from)
    learner.train_epoch(most_steps=1)
    started = time.perf_counter()
    learner.train_epoch(most_steps=TIMED_STEPS)
    step = (time.perf_counter() - started) / (learner.steps - 1)
    # folds differ in size: under walk_forward the first has a fraction of the last one's windows
    windows = sum(len(fold.train) for fold in prepared.folds)
    epoch = step * learner.batches * windows / len(prepared.folds[0].train)
    return epoch * spec.train.max_epochs * spec.study.trials * USUAL_SHARE / workers


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:10])} and {len(names) - 10} more"
