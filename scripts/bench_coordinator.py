"""What does the coordinator cost a trial? Run: python scripts/bench_coordinator.py [TRIALS …]

Trials are simulated: their curves of 30 epochs on 5 folds are made up, so that all the time goes into choosing a trial,
committing its result and telling it. A store (SQLite, in a temporary folder) is filled with so many trials (by default
100, 1,000 and 10,000: ten minutes), then a run goes on with 20 more in a copy of it. Printed: the mean time of these
by sampler, Optuna's Gaussian process beside ours, the time until such a run begins, and the time that the thresholds of
a trial take.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from bench_sampling import CONTESTANTS

from tuner.results.selection import Trial
from tuner.search import sampler as sampling
from tuner.search.coordinator import Coordinator
from tuner.search.events import Event, Progressed, Told
from tuner.search.jobs import Shared
from tuner.search.pruner import thresholds
from tuner.search.sampler import choose
from tuner.search.study import prepare
from tuner.search.workers import Backend
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import FLOAT32, Spec
from tuner.storage.store import Store
from tuner.storage.stored_study import StoredStudy
from tuner.training.machine import Machine
from tuner.training.outcome import FoldCurve, Outcome

EPOCHS, FOLDS = 30, 5
MORE = 20
# beyond, the Gaussian process is not the default, and one choice takes seconds
MOST_GP = 300


def make_spec(sampler: str) -> Spec:
    """The default study of the market with another sampler."""
    return read_spec_dict(
        {
            "study": {"name": "simulated", "metric": "average_precision"},
            "data": {"source": "market", "label": "label"},
            "task": {"kind": "classify"},
            "cv": {"scheme": "series"},
            "search": {"sampler": sampler},
        }
    )


class Instant(Backend):
    """Trains nothing: every trial ends at once, with a curve that hangs on its number."""

    def probe(self, spec: Spec, columns: int) -> Machine:  # noqa: ARG002 (the protocol's)
        return Machine(FLOAT32, False, {})

    def broadcast(self, shared: Shared) -> None: ...

    @property
    def free(self) -> int:
        return 1

    def submit(self, job: Any) -> "Future[Any]":  # noqa: ANN401
        future: Future[Outcome] = Future()
        future.set_result(outcome(job.number))
        return future

    def progress(self) -> Iterator[Progressed]:
        return iter(())

    def close(self) -> None: ...


def outcome(number: int) -> Outcome:
    """A made-up trial."""
    rng = np.random.default_rng(number)
    rise, noise = 0.3 / np.arange(1, EPOCHS + 1), rng.normal(0, 0.01, EPOCHS)
    curve = tuple(map(float, rng.uniform(0.3, 0.7) - rise + noise))
    return Outcome(
        state="complete" if number % 2 else "pruned",
        reason="",
        curve=curve,
        folds=(FoldCurve(curve, curve, curve),) * FOLDS,
        best_epoch=int(np.argmax(curve)) + 1,
        steps=500.0,
        fold_epochs=FOLDS * EPOCHS,
        weights=5000,
        zeros=0.0,
        weight_norm=10.0,
        detection=None,
        seconds=10.0,
    )


def fill(study: StoredStudy, trials: int) -> None:
    """Adds told trials up to so many, chosen at random."""
    spec = make_spec("random")
    for number in range(study.n_told(), trials):
        params, made_up = choose(spec, number, (), ()), outcome(number)
        study.add(params)
        study.save(number, made_up)
        study.tell(number, params, made_up)


class Clock:
    """Notes when each trial was told."""

    def __init__(self) -> None:
        self.told_at: list[float] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Told):
            self.told_at.append(time.perf_counter())


def go_on(file: Path, name: str) -> str:
    """Runs MORE trials with a contestant in a copy of a store: the mean time a trial, and until the run begins."""
    contestant = CONTESTANTS[name]
    spec, copy, clock = make_spec(str(contestant.search["sampler"])), file.with_name("copy.db"), Clock()
    shutil.copy(file, copy)
    with Store(f"sqlite:///{copy}", create=False) as store, patch.object(sampling, "_by_process", contestant.process):
        study = store.open(spec.study.name)
        study.begin_run(spec, {})
        started = time.perf_counter()
        coordinator = Coordinator(study, Instant(), clock)
        begun = time.perf_counter()
        coordinator.run(study.n_told() + MORE)
    # the first `lag` trials are chosen before any is told, and the mean counts: trials are told in bursts
    lag = spec.search.lag
    each = (clock.told_at[-1] - clock.told_at[lag - 1]) / (MORE - lag)
    return f"{name}: {1e3 * each:.0f} ms (begins after {begun - started:.2f} s)"


def prune(study: StoredStudy) -> str:
    """The time that the thresholds of a trial take."""
    spec, params, outcomes = study.spec, study.params(), study.outcomes()
    known = [Trial(number, params[number], outcomes[number]) for number in sorted(outcomes)]
    started = time.perf_counter()
    thresholds(spec, len(known), known)
    return f"thresholds: {1e3 * (time.perf_counter() - started):.1f} ms"


def main() -> None:
    counts = [int(word) for word in sys.argv[1:]] or [100, 1_000, 10_000]
    spec = make_spec("tpe")
    prepared = prepare(spec)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "simulated.db"
        for count in counts:
            with Store(f"sqlite:///{file}", create=True) as store:
                study = store.begin(spec, prepared.facts)
                fill(study, count)
                print(f"{count:6} trials: {prune(study)}", flush=True)
            for name in ("tpe", "random", *(["gp", "optuna-gp"] if count <= MOST_GP else [])):
                print(f"{'':15} {go_on(file, name)}", flush=True)


if __name__ == "__main__":
    main()
