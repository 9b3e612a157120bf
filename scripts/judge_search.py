"""Judges what a search found, neutrally: afresh, by the plain loop's own training, on the holdout.

Every incumbent of a search (the best complete trial so far) is trained on all rows before the holdout, for its number
of epochs, from five seeds; what counts is the mean squared error on the holdout, standardised by the rows before it.
Used by `bench_search.py`.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from plain_loop import BATCH, Forecaster, make_optimizer, read_table, squared_errors, train_epoch

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
JUDGE_SEEDS, BLOCKS = 5, 20


@dataclass(frozen=True)
class Case:
    """A series: its file under DATA, the columns to learn from, the one to forecast; and the largest network."""

    file: str
    features: tuple[str, ...] = ("value",)
    target: str = "value"
    hidden: int = 64
    layers: int = 2

    @property
    def path(self) -> str:
        return str(DATA / self.file)


SMALL = {
    "speed_6005": Case("NAB/realTraffic__speed_6005.csv"),
    "exchange-2_cpc": Case("NAB/realAdExchange__exchange-2_cpc_results.csv"),
    "rds_cpu_cc0c53": Case("NAB/realAWSCloudwatch__rds_cpu_utilization_cc0c53.csv"),
}
SPACECRAFT = ("telemetry", *(f"cmd{number:02}" for number in range(1, 55)))
CASES = {
    **SMALL,
    "M-7": Case("NASA_MSL/M-7.csv", SPACECRAFT, "telemetry"),
    "C-1": Case("NASA_MSL/C-1.csv", SPACECRAFT, "telemetry", hidden=128, layers=3),
}


@dataclass(frozen=True)
class Settings:
    """What a contestant was allowed; `cap` in seconds."""

    trials: int
    epochs: int
    cap: float | None


@dataclass(frozen=True)
class Trial:
    """A finished trial; `at` is in seconds since its process began, on the clock of who reads its output."""

    at: float
    state: str
    value: float | None
    params: Mapping[str, float]
    epochs: int | None


@dataclass(frozen=True)
class Run:
    """One search, and when it ended."""

    series: str
    seed: int
    contestant: str
    settings: Settings
    trials: tuple[Trial, ...]
    end: float

    @property
    def incumbents(self) -> list[Trial]:
        """The complete trials that were better than all before, in the order of time."""
        found: list[Trial] = []
        least = float("inf")
        for trial in self.trials:
            if trial.state == "COMPLETE" and trial.value is not None and trial.value < least:
                found.append(trial)
                least = trial.value
        return found


@dataclass(frozen=True)
class Judgement:
    """The loss on the holdout: its mean over the judge's seeds, by seed, and the mean's standard error over blocks."""

    loss: float
    by_seed: tuple[float, ...]
    error: float


def judge(case: Case, params: Mapping[str, float], epochs: int) -> Judgement:
    """Trains a configuration on all windows before the holdout and scores it on the holdout."""
    table = read_table(case.path, case.features, case.target)
    count = table.development
    x, y = table.standardised(np.arange(count))
    errors = []
    for seed in range(JUDGE_SEEDS):
        torch.manual_seed(seed)
        network = Forecaster(x.shape[2], params)
        optimizer = make_optimizer(network, params)
        for _ in range(epochs):
            batches = ((x[batch], y[batch]) for batch in torch.split(torch.randperm(count), BATCH))
            train_epoch(network, optimizer, batches, params["l1"])
        errors.append(squared_errors(network, x[count:], y[count:]))
    blocks = [block.mean() for block in np.array_split(np.mean(errors, axis=0), BLOCKS)]
    error = float(np.std(blocks, ddof=1) / np.sqrt(BLOCKS))
    return Judgement(float(np.mean(errors)), tuple(float(one.mean()) for one in errors), error)


def key_of(series: str, trial: Trial) -> str:
    """What a judgement depends on."""
    return json.dumps([series, dict(trial.params), trial.epochs], sort_keys=True)


def judge_all(runs: Sequence[Run], file: Path) -> dict[str, Judgement]:
    """The judgements of all incumbents; those in `file` are taken from there, the others are added to it."""
    known = {line["key"]: Judgement(line["loss"], tuple(line["by_seed"]), line["error"]) for line in read_lines(file)}
    wanted = {key_of(run.series, trial): (CASES[run.series], trial) for run in runs for trial in run.incumbents}
    missing = {key: what for key, what in wanted.items() if key not in known}
    print(f"judging {len(missing)} incumbents, {len(wanted) - len(missing)} are judged already", flush=True)
    if not missing:
        return known
    with ProcessPoolExecutor(2, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        futures = {
            pool.submit(judge, case, trial.params, trial.epochs or 0): key for key, (case, trial) in missing.items()
        }
        for future in as_completed(futures):
            known[futures[future]] = future.result()
            add_line(file, {"key": futures[future], **asdict(future.result())})
    return known


def read_lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def add_line(file: Path, values: Mapping[str, Any]) -> None:
    with file.open("a") as lines:
        lines.write(json.dumps(values) + "\n")


def as_run(line: Mapping[str, Any]) -> Run:
    trials = tuple(Trial(**trial) for trial in line["trials"])
    return Run(**{**line, "settings": Settings(**line["settings"]), "trials": trials})
