"""Which sampler finds good configurations soonest? Run: python scripts/bench_sampling.py FOLDER [STUDY …]

Runs real studies, 30 trials each with the default pruner, lag and space, three seeds, on data sets of
scripts/bench_pruning.py (by default `exchange`), once with each sampler, and once with TPE whose first trials are drawn
as Optuna draws them, all regularisers at once. They are kept in a store in FOLDER: what is there is not run again.
Printed: the incumbent's cross-validated value after so many trials, mean over seeds, and the time of the search.
"""

import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from bench_pruning import STUDIES, Line

from tuner.search import sampling
from tuner.search.backend import LocalProcesses
from tuner.search.store import Store
from tuner.search.study import Findings, findings, prepare, run
from tuner.spec.file import read_spec_dict

CONTESTANTS = ("random", "tpe", "gp", "tpe-dense")
SEEDS = (0, 1, 2)
TRIALS = 30
LOOKS = (6, 10, 15, 20, 30)
START_UP = sampling.START_UP


def search(store: Store, study: str, contestant: str, seed: int) -> Findings:
    """The study, run if it is not there or not finished."""
    lines = next(lines for lines in STUDIES if lines["study"]["name"] == study)
    name = f"{study}-{contestant}-{seed}"
    spec = read_spec_dict(
        {
            **lines,
            "study": {**lines["study"], "name": name, "trials": TRIALS, "seed": seed},
            "search": {"sampler": contestant.removesuffix("-dense")},
        }
    )
    if name not in store.names():
        sampling.START_UP = 2 if contestant.endswith("-dense") else START_UP
        started = time.monotonic()
        with closing(LocalProcesses(2)) as backend:
            run(prepare(spec), store, Line(name), backend)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return findings(store.open(name))


def incumbents(study: Findings) -> np.ndarray:
    """The best complete value so far after each trial, (trials,); trial 0 is never pruned."""
    sign = -1.0 if study.spec.maximise else 1.0
    values = [
        sign * trial.outcome.value if trial.outcome.state == "complete" and trial.outcome.value is not None else np.inf
        for trial in study.trials
    ]
    return sign * np.minimum.accumulate(values)


def describe(runs: Sequence[Findings]) -> str:
    curves = np.mean([incumbents(run) for run in runs], axis=0)
    spread = np.std([incumbents(run)[-1] for run in runs], ddof=1)
    seconds = np.mean([sum(trial.outcome.seconds for trial in run.trials) for run in runs])
    shown = "  ".join(f"{look} trials {curves[look - 1]:.4f}" for look in LOOKS)
    return f"{shown} (SD over seeds {spread:.4f}), {seconds:.0f} s of training"


def main() -> None:
    folder, studies = Path(sys.argv[1]), sys.argv[2:] or ["exchange"]
    with Store(f"sqlite:///{folder / 'samplers.db'}", create=True) as store:
        for study in studies:
            found: dict[str, list[Findings]] = {contestant: [] for contestant in CONTESTANTS}
            for seed in SEEDS:
                for contestant in CONTESTANTS:
                    found[contestant].append(search(store, study, contestant, seed))
            for contestant, runs in found.items():
                print(f"{study:16} {contestant:10} {describe(runs)}", flush=True)


if __name__ == "__main__":
    main()
