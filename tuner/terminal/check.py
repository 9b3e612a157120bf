"""`--check`: what a run would do, and about how long it would take."""

import time
from collections.abc import Mapping
from dataclasses import replace
from statistics import mean

import numpy as np
from rich.console import Console

from tuner.report.tables import folds_table
from tuner.results.advice import advise_before
from tuner.search.cube import Cube
from tuner.search.machine import probe
from tuner.search.study import Prepared
from tuner.spec.sections import Precision
from tuner.spec.space import Value
from tuner.storage.distributions import completed
from tuner.terminal.printing import print_json, print_table, print_warnings
from tuner.terminal.progress import duration
from tuner.training.learner import Learner

# Share of the epochs of all trials that early stopping and pruning usually leave.
USUAL_SHARE = 0.5
# Configurations that are timed, drawn from all over the space: wide networks cost most of the time.
TIMED_CONFIGURATIONS = 8
# Steps of each that are timed, after a first one that warms up, and windows that are evaluated.
TIMED_STEPS = 4
TIMED_WINDOWS = 512


def print_check(prepared: Prepared, workers: int, *, console: Console, as_json: bool) -> None:
    """Rows, windows, events a fold, and the estimated time of the search, as a table or one JSON object."""
    spec = prepared.spec
    machine = probe(spec.train.precision)
    machine.refuse(spec, machine.precision)
    facts = replace(prepared.facts, precision=machine.precision)
    seconds = estimate_seconds(prepared, facts.precision, min(workers, spec.search.lag))
    if as_json:
        print_json({"event": "check", "study": spec.study.name, **facts.to_dict(), "seconds": round(seconds, 1)})
        return
    console.print(
        f"{spec.study.name}: {spec.task.kind}, {facts.rows:,} rows in {facts.series} series, {facts.windows:,} "
        f"windows of {spec.task.window} rows, features: {_listed(facts.features)}",
        markup=False,
    )
    print_table(console, folds_table(spec, facts))
    print_warnings(console, advise_before(spec, facts))
    console.print(
        f"{spec.study.trials} trials of at most {spec.train.max_epochs} epochs take about {duration(seconds)} with "
        f"{workers} workers, assuming pruning saves half of the training. Dry run: nothing was written."
    )


def estimate_seconds(prepared: Prepared, precision: Precision, workers: int) -> float:
    """The time of all trials by a few timed steps of some configurations."""
    import torch

    torch.set_num_threads(1)
    spec, cube = prepared.spec, Cube(prepared.spec.space)
    points = np.random.default_rng(spec.study.seed).random((TIMED_CONFIGURATIONS, cube.axes))
    epochs = [
        _epoch_seconds(prepared, completed(spec.space, cube.read(point)), precision) for point in cube.snap(points)
    ]
    return mean(epochs) * spec.train.max_epochs * spec.study.trials * USUAL_SHARE / workers


def _epoch_seconds(prepared: Prepared, params: Mapping[str, Value], precision: Precision) -> float:
    """The time that one epoch of a configuration takes on all folds."""
    fold = prepared.folds[0]
    learner = Learner(prepared.spec, fold, params, key=(0, 0), precision=precision)
    learner.train_epoch(most_steps=1)
    learner.evaluate(fold.train[:TIMED_WINDOWS])
    started = time.perf_counter()
    learner.train_epoch(most_steps=TIMED_STEPS)
    between = time.perf_counter()
    learner.evaluate(fold.train[:TIMED_WINDOWS])
    step = (between - started) / (learner.steps - 1)
    look = (time.perf_counter() - between) / min(TIMED_WINDOWS, len(fold.train))
    # folds differ in size: under walk_forward the first has a fraction of the last one's windows
    trained = sum(len(fold.train) for fold in prepared.folds)
    evaluated = sum(len(fold.valid) + min(len(fold.train), len(fold.valid)) for fold in prepared.folds)
    return step * learner.batches * trained / len(fold.train) + look * evaluated


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:10])} and {len(names) - 10} more"
