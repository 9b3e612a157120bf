"""Which sampler finds good configurations soonest, and what does a greater lag cost? Run:

python scripts/bench_sampling.py FOLDER [--studies NAME …] [--contestants NAME …] [--seeds N …]

Runs real studies, 30 trials each with the default pruner and space, on data sets of scripts/recorded.py: with TPE
and with the Gaussian process at the default lag; other contestants are random sampling, TPE whose first trials are
drawn as Optuna draws them (all regularisers at once), the Gaussian process at other lags, and that of Optuna, shown the
same ranks. One worker a study, two studies at once. They are kept in stores in FOLDER: what is there is not run again,
so take another folder when the code has changed. Printed, mean over seeds: the incumbent's cross-validated value after
so many trials and after so many seconds of training, and how many seeds came out better and worse than with the first
contestant, after as many trials.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

import numpy as np
import optuna
from optuna.samplers import GPSampler
from optuna.trial import TrialState, create_trial
from recorded import STUDIES
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tuner.results.findings import Findings
from tuner.results.selection import Trial
from tuner.search import sampler as sampling
from tuner.search.events import ignore
from tuner.search.gaussian import normal_ranks
from tuner.search.study import findings, prepare, run
from tuner.search.workers import LocalProcesses
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.storage.distributions import optuna_space, with_constants, without_constants
from tuner.storage.store import Store

TRIALS = 30
AFTER_TRIALS = (6, 12, 20, 30)
AFTER_SECONDS = (30, 60, 90)


Process = Callable[[Spec, int, Sequence[Trial], Sequence[Mapping[str, Value]]], dict[str, Value]]


def by_optuna(
    spec: Spec, seed: int, known: Sequence[Trial], under_way: Sequence[Mapping[str, Value]]
) -> dict[str, Value]:
    """What Optuna's process chooses."""
    import torch

    domains = optuna_space(spec.space)
    study = optuna.create_study(sampler=GPSampler(seed=seed, n_startup_trials=1))
    valued = [trial for trial in known if trial.outcome.value is not None]
    ranks = normal_ranks([trial.outcome.cost(spec.metric) for trial in valued])
    states = [(TrialState.COMPLETE, float(rank)) for rank in ranks] + [(TrialState.RUNNING, None)] * len(under_way)
    for (state, value), params in zip(states, [*(trial.params for trial in valued), *under_way], strict=True):
        shown = without_constants(spec.space, params)
        study.add_trial(create_trial(state=state, value=value, params=shown, distributions=domains))
    torch.set_num_threads(1)
    with threadpool_limits(1):
        return with_constants(spec.space, study.ask(domains).params)


@dataclass(frozen=True)
class Contestant:
    """How trials are chosen: `[search]` keys, how many come before the sampler's, and the Gaussian process."""

    search: Mapping[str, str | int]
    start_up: int = sampling.START_UP["tpe"]
    process: Process = sampling._by_process


CONTESTANTS = {
    "tpe": Contestant({"sampler": "tpe"}),
    "gp": Contestant({"sampler": "gp"}),
    "random": Contestant({"sampler": "random"}),
    "tpe-dense": Contestant({"sampler": "tpe"}, start_up=2),
    "optuna-gp": Contestant({"sampler": "gp"}, process=by_optuna),
    **{f"gp-lag-{lag}": Contestant({"sampler": "gp", "lag": lag}) for lag in (1, 8, 16)},
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
    with (
        patch.dict(sampling.START_UP, tpe=how.start_up),
        patch.object(sampling, "_by_process", how.process),
        Store(f"sqlite:///{folder / name}.db", create=True) as store,
    ):
        if name not in store.names() or store.open(name).n_told() < TRIALS:
            with closing(LocalProcesses(1)) as backend:
                run(prepare(spec), store, ignore, backend)
            print(name, file=sys.stderr, flush=True)
        return findings(store.open(name))


def incumbents(study: Findings) -> np.ndarray:
    """The best complete value so far after each trial, (trials,); trial 0 is never pruned."""
    sign = -1.0 if study.spec.metric.maximise else 1.0
    values = [
        sign * trial.outcome.value if trial.outcome.state == "complete" and trial.outcome.value is not None else np.inf
        for trial in study.trials
    ]
    return sign * np.minimum.accumulate(values)


def after(study: Findings, seconds: float) -> float:
    """The incumbent's value when so much time was trained for; of the first trial if not even that had ended."""
    ended = np.cumsum([trial.outcome.seconds for trial in study.trials])
    return float(incumbents(study)[max(0, int(np.searchsorted(ended, seconds, side="right")) - 1)])


def describe(runs: Sequence[Findings], first: Sequence[Findings]) -> str:
    curves, others = (np.array([incumbents(run) for run in group]) for group in (runs, first))
    sign = -1.0 if runs[0].spec.metric.maximise else 1.0
    cells = []
    for look in AFTER_TRIALS:
        mine, other = sign * curves[:, look - 1], sign * others[:, look - 1]
        cells.append(f"{curves[:, look - 1].mean():9.4f} ({(mine < other).sum()}:{(mine > other).sum()})")
    cells += [f"{np.mean([after(run, look) for run in runs]):8.4f}" for look in AFTER_SECONDS]
    trained = np.mean([sum(trial.outcome.seconds for trial in run.trials) for run in runs])
    return f"{'  '.join(cells)}  {trained:6.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--studies", nargs="+", default=["exchange", "rds", "speed"])
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=["tpe", "gp"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        found = {
            (study, contestant, seed): pool.submit(search, asked.folder, study, contestant, seed)
            for seed in asked.seeds
            for study in asked.studies
            for contestant in asked.contestants
        }
        heads = [f"{look:4} trials    " for look in AFTER_TRIALS] + [f"{look:6} s" for look in AFTER_SECONDS]
        print(f"{'study':10} {'sampler':9}   {'  '.join(heads)}  trained")
        for study in asked.studies:
            first = [found[study, asked.contestants[0], seed].result() for seed in asked.seeds]
            for contestant in asked.contestants:
                runs = [found[study, contestant, seed].result() for seed in asked.seeds]
                print(f"{study:10} {contestant:9} {describe(runs, first)}", flush=True)


if __name__ == "__main__":
    main()
