"""Which sampler finds good configurations soonest, and what does a greater lag cost? Run, for the default data set:

python scripts/bench_sampling.py FOLDER [STUDY …]

Runs real studies, 30 trials each with the default pruner and space, five seeds, on data sets of
scripts/bench_pruning.py (by default `exchange`): with each sampler at the default lag; with TPE whose first trials are
drawn as Optuna draws them, all regularisers at once; and with TPE at other lags. One worker a study, two studies at
once. They are kept in stores in FOLDER: what is there is not run again. Printed, mean over seeds: the incumbent's
cross-validated value after so many trials and after so many seconds of training, and how many seeds came out better
than with the default.
"""

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from bench_pruning import STUDIES

from tuner.search import sampling
from tuner.search.backend import LocalProcesses
from tuner.search.store import Store
from tuner.search.study import Findings, findings, prepare, run
from tuner.spec.file import read_spec_dict
from tuner.terminal.progress import Silent

SEEDS = (0, 1, 2, 3, 4)
TRIALS = 30
AFTER_TRIALS = (6, 10, 15, 20, 30)
AFTER_SECONDS = (10, 20, 40)


@dataclass(frozen=True)
class Contestant:
    """How trials are chosen: the `[search]` keys that differ from the defaults, and the trials before the sampler's."""

    search: Mapping[str, str | int]
    start_up: int = sampling.START_UP["tpe"]


CONTESTANTS = {
    "tpe": Contestant({}),
    "gp": Contestant({"sampler": "gp"}),
    "random": Contestant({"sampler": "random"}),
    "tpe-dense": Contestant({}, start_up=2),
    **{f"tpe-lag-{lag}": Contestant({"lag": lag}) for lag in (1, 8, 16)},
}


def search(folder: Path, study: str, contestant: str, seed: int) -> Findings:
    """The study, run if it is not there or not finished."""
    lines = next(lines for lines in STUDIES if lines["study"]["name"] == study)
    name = f"{study}-{contestant}-{seed}"
    how = CONTESTANTS[contestant]
    spec = read_spec_dict(
        {
            **lines,
            "study": {**lines["study"], "name": name, "trials": TRIALS, "seed": seed},
            "cv": {**lines.get("cv", {}), "holdout": 0.0},
            "search": {**how.search, "repeats": 0},
        }
    )
    sampling.START_UP["tpe"] = how.start_up
    with Store(f"sqlite:///{folder / name}.db", create=True) as store:
        if name not in store.names() or store.open(name).told() < TRIALS:
            with closing(LocalProcesses(1)) as backend:
                run(prepare(spec), store, Silent(), backend)
            print(name, file=sys.stderr, flush=True)
        return findings(store.open(name))


def incumbents(study: Findings) -> np.ndarray:
    """The best complete value so far after each trial, (trials,); trial 0 is never pruned."""
    sign = -1.0 if study.spec.maximise else 1.0
    values = [
        sign * trial.outcome.value if trial.outcome.state == "complete" and trial.outcome.value is not None else np.inf
        for trial in study.trials
    ]
    return sign * np.minimum.accumulate(values)


def after(study: Findings, seconds: float) -> float:
    """The incumbent's value when so much time was trained for; of the first trial if not even that had ended."""
    ended = np.cumsum([trial.outcome.seconds for trial in study.trials])
    return float(incumbents(study)[max(0, int(np.searchsorted(ended, seconds, side="right")) - 1)])


def describe(runs: Sequence[Findings], default: Sequence[Findings]) -> str:
    curves = np.array([incumbents(run) for run in runs])
    trained = np.mean([sum(trial.outcome.seconds for trial in run.trials) for run in runs])
    sign = -1.0 if runs[0].spec.maximise else 1.0
    better = sum(sign * mine[-1] < sign * incumbents(other)[-1] for mine, other in zip(curves, default, strict=True))
    worse = sum(sign * mine[-1] > sign * incumbents(other)[-1] for mine, other in zip(curves, default, strict=True))
    cells = [f"{curves[:, look - 1].mean():7.4f}" for look in AFTER_TRIALS]
    cells += [f"{np.mean([after(run, look) for run in runs]):7.4f}" for look in AFTER_SECONDS]
    return f"{'  '.join(cells)}  {curves[:, -1].std(ddof=1):7.4f}  {better} : {worse}  {trained:5.0f} s"


def main() -> None:
    folder, studies = Path(sys.argv[1]), sys.argv[2:] or ["exchange"]
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        found = {
            (study, contestant, seed): pool.submit(search, folder, study, contestant, seed)
            for study in studies
            for seed in SEEDS
            for contestant in CONTESTANTS
        }
        heads = [f"{look:4} tr." for look in AFTER_TRIALS] + [f"{look:5} s" for look in AFTER_SECONDS]
        print(f"{'study':16} {'sampler':11} {'  '.join(heads)}       SD  better : worse  trained")
        for study in studies:
            default = [found[study, "tpe", seed].result() for seed in SEEDS]
            for contestant in CONTESTANTS:
                runs = [found[study, contestant, seed].result() for seed in SEEDS]
                print(f"{study:16} {contestant:11} {describe(runs, default)}", flush=True)


if __name__ == "__main__":
    main()
