"""What does the coordinator cost a trial? Run: python scripts/bench_coordinator.py [TRIALS …]

Trials are simulated: their curves of 30 epochs on 5 folds are made up, so that all the time goes into choosing a trial,
committing its result and telling it. A store (SQLite, in a temporary folder) is filled with so many trials (by default
100, 1,000 and 10,000: ten minutes), then a run goes on with 20 more. Printed: the
mean time of these 20 by sampler, the time until such a run begins, and what a worker needs to take in the known curves:
for the first trial it trains, for each later one, and for each decision to prune.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from statistics import median
from typing import Any

import numpy as np

from tuner.search.backend import Backend
from tuner.search.jobs import Machine, Placed, Progress, Result
from tuner.search.pruning import PruningWatch
from tuner.search.replica import Finished, Replica
from tuner.search.sampling import choose
from tuner.search.schedule import Coordinator
from tuner.search.select import scalars
from tuner.search.store import Store
from tuner.search.stored_study import StoredStudy
from tuner.search.study import prepare
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import Spec
from tuner.terminal.progress import Silent
from tuner.training.curves import FoldCurve, Outcome, best_epoch

EPOCHS, FOLDS = 30, 5
MORE = 20
# beyond, one choice of the Gaussian process takes minutes
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

    def look(self, precision: str) -> Machine:  # noqa: ARG002 (the protocol's)
        return Machine(None, {})

    def place(self, placed: Placed) -> None: ...

    @property
    def free(self) -> int:
        return 1

    def submit(self, job: Any, known: Sequence[Finished] = ()) -> "Future[Any]":  # noqa: ANN401, ARG002 (the protocol's)
        future: Future[Result] = Future()
        future.set_result(Result(job.number, outcome(job.number)))
        return future

    def progress(self) -> Iterator[Progress]:
        return iter(())

    def close(self) -> None: ...


def outcome(number: int) -> Outcome:
    """A made-up trial."""
    chance = np.random.default_rng(number)
    rise, noise = 0.3 / np.arange(1, EPOCHS + 1), chance.normal(0, 0.01, EPOCHS)
    curve = tuple(map(float, chance.uniform(0.3, 0.7) - rise + noise))
    return Outcome(
        state="complete" if number % 2 else "pruned",
        reason="",
        curve=curve,
        folds=(FoldCurve(curve, curve, curve),) * FOLDS,
        best_epoch=best_epoch(curve, maximise=True),
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
    replica = Replica(make_spec("random"))
    for number in range(study.told(), trials):
        params, made_up = choose(replica, number, (), ()), outcome(number)
        study.add(params)
        study.save(Result(number, made_up))
        study.tell(number, made_up, scalars(study.spec, study.facts, params, made_up))


def go_on(study: StoredStudy, sampler: str) -> str:
    """Runs MORE trials with a sampler: the time until the run begins, and the mean a trial."""
    with study.run(make_spec(sampler), {}):
        started = time.perf_counter()
        coordinator = Coordinator(study, Instant(), Silent())
        begun = time.perf_counter()
        coordinator.run(study.told() + MORE)
        each = (time.perf_counter() - begun) / MORE
    return f"{sampler} {1e3 * each:.0f} ms (begins after {begun - started:.2f} s)"


def take_in(study: StoredStudy) -> str:
    """What a worker needs until a trial can be judged: a new worker, and one that knows all but the last trials."""
    spec, params, outcomes = study.spec, study.params(), study.outcomes()
    finished = [Finished.of(number, params[number], outcomes[number]) for number in sorted(outcomes)]
    replica, spans = Replica(spec), []
    for known in range(len(finished) - MORE, len(finished)):
        started = time.perf_counter()
        watch = PruningWatch(replica, known, finished[:known])
        spans.append(time.perf_counter() - started)
    started = time.perf_counter()
    watch.should_prune(10, [0.5] * 10)
    judged = time.perf_counter() - started
    first, later = spans[0], median(spans[1:])
    return f"worker: first trial {1e3 * first:.0f} ms, later {1e3 * later:.1f} ms, a decision {1e3 * judged:.1f} ms"


def main() -> None:
    counts = [int(word) for word in sys.argv[1:]] or [100, 1_000, 10_000]
    spec = make_spec("tpe")
    prepared = prepare(spec)
    with tempfile.TemporaryDirectory() as folder, Store(f"sqlite:///{folder}/simulated.db", create=True) as store:
        study = store.begin(spec, prepared.facts)
        for count in counts:
            fill(study, count)
            print(f"{count:6} trials: {take_in(study)}", flush=True)
            for sampler in ("tpe", "random", *(["gp"] if count <= MOST_GP else [])):
                print(f"{'':15} {go_on(study, sampler)}", flush=True)


if __name__ == "__main__":
    main()
