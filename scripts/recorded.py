"""Unpruned fold curves of random configurations on six data sets: what pruners are compared on.

Used by `bench_pruning.py` and `bench_prediction.py`; `bench_sampling.py` searches on the same data sets.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from tuner.results.selection import Trial
from tuner.search.events import Event, Told
from tuner.search.study import findings, prepare, run
from tuner.search.workers import LocalProcesses
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import Spec
from tuner.storage.store import Store

DATA = Path("../shared/data").resolve()
TRIALS = 42


def forecast(name: str, file: str, **sections: Mapping[str, Any]) -> dict[str, Any]:
    """A study that forecasts one column."""
    return {
        "study": {"name": name},
        "data": {"path": str(DATA / "NAB" / file), "time": "", "features": ["value"], "target": ["value"]},
        "task": {"window": 24},
        **sections,
    }


def detect(name: str, files: str, metric: str) -> dict[str, Any]:
    """A study that classifies rows, whole files held out."""
    return {
        "study": {"name": name, "metric": metric},
        "data": {"path": str(DATA / "SKAB" / files), "label": "label"},
        "task": {"kind": "classify", "window": 24},
        "cv": {"scheme": "series", "folds": 4},
    }


STUDIES: tuple[dict[str, Any], ...] = (
    {
        "study": {"name": "market", "metric": "average_precision"},
        "data": {"source": "market", "label": "label"},
        "task": {"kind": "classify", "window": 20},
        "cv": {"scheme": "series"},
        "space": {"batch_size": 128},
    },
    forecast("exchange", "realAdExchange__exchange-2_cpc_results.csv"),
    detect("valve-loss", "valve1__*.csv", "loss"),
    forecast("speed", "realTraffic__speed_6005.csv"),
    detect("valve-precision", "valve1__*.csv", "average_precision"),
    forecast("rds", "realAWSCloudwatch__rds_cpu_utilization_cc0c53.csv", cv={"scheme": "walk_forward"}),
)


def show(event: Event) -> None:
    """Prints a line a trial."""
    match event:
        case Told(number, _, outcome):
            print(f"{number}: {outcome.state} {outcome.value} {outcome.seconds:.1f} s", flush=True)


def record(folder: Path) -> None:
    """Trains all configurations of all studies, without a pruner."""
    for lines in STUDIES:
        spec = read_spec_dict(
            {
                **lines,
                "study": {**lines["study"], "trials": TRIALS},
                "search": {"sampler": "random", "pruner": "none", "repeats": 0},
            }
        )
        url = f"sqlite:///{folder / 'curves.db'}"
        with Store(url, create=True) as store, closing(LocalProcesses(2)) as backend:
            print(spec.study.name, flush=True)
            run(prepare(spec), store, show, backend)


@dataclass(frozen=True)
class Recorded:
    """One data set's trials; `curves` are best so far, in the metric's direction."""

    spec: Spec
    trials: tuple[Trial, ...]
    curves: tuple[tuple[float, ...], ...]

    @property
    def finals(self) -> np.ndarray:
        """Final values as losses, (trials,)."""
        return np.array([curve[-1] for curve in self.curves]) * (-1 if self.spec.metric.maximise else 1)

    @property
    def top(self) -> np.ndarray:
        """The best tenth of the random configurations."""
        return 2 + np.argsort(self.finals[2:])[: round((len(self.trials) - 2) / 10)]


def read(folder: Path) -> list[Recorded]:
    """All that was recorded, trials that diverged left out."""
    recorded = []
    with Store(f"sqlite:///{folder / 'curves.db'}", create=False) as store:
        for name in store.names():
            study = findings(store.open(name))
            trials = tuple(trial for trial in study.trials if trial.outcome.state == "complete")
            curves = (accumulate(trial.outcome.curve, max if study.spec.metric.maximise else min) for trial in trials)
            recorded.append(Recorded(study.spec, trials, tuple(map(tuple, curves))))
    return recorded


def order_of(recorded: Recorded, seed: int) -> list[int]:
    """The trials in a random order, the references first."""
    return [0, 1, *(2 + np.random.default_rng(seed).permutation(len(recorded.trials) - 2)).tolist()]
