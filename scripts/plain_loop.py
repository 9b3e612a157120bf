"""The hyperparameter search that a user would write around nn.LSTM; what `bench_search.py` measures the tuner against.

Run: python scripts/plain_loop.py JOB.json (the fields of `Job`). Each finished trial prints a JSON line. Two loops:

- plain: Optuna's TPE and median pruner; scikit-learn's KFold; the folds one after the other, each stopped early on its
  own validation loss and kept at its best; after each fold the mean so far is reported.
- mended (with `journal`): two processes of one thread share the study; the folds train in lock-step, and their mean by
  epoch is what is reported, pruned and stopped early on.

Neither purges: windows of a training fold share rows with the validation windows next to them.
"""

import json
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import optuna
import pandas as pd
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sklearn.model_selection import KFold
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

WINDOW, HORIZON, FOLDS, HOLDOUT, BATCH, PATIENCE = 32, 1, 5, 0.2, 64, 6
PROCESSES = 2


Space = Mapping[str, Mapping[str, float | bool]]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Params = Mapping[str, float]


def make_space(hidden: int, layers: int) -> Space:
    """The space as it stands in a study file, up to that many units and layers; whole numbers where the bounds are."""
    return {
        "dropout": {"low": 0.0, "high": 0.6},
        "weight_decay": {"low": 1e-3, "high": 10.0, "log": True},
        "l1": {"low": 1e-6, "high": 1e-2, "log": True},
        "hidden_size": {"low": 8, "high": hidden, "log": True},
        "num_layers": {"low": 1, "high": layers},
        "learning_rate": {"low": 5e-4, "high": 1e-2, "log": True},
    }


@dataclass(frozen=True)
class Job:
    """One search; with `journal`, the file through which two processes share it."""

    path: str
    features: Sequence[str]
    target: str
    hidden: int
    layers: int
    seed: int
    trials: int
    epochs: int
    journal: str | None = None


@dataclass(frozen=True)
class Table:
    """A CSV's rows: features (rows, columns), and the target (rows,)."""

    features: Floats
    target: Floats

    @property
    def development(self) -> int:
        """How many windows lie wholly before the holdout; those after them answer a row of the holdout."""
        return len(self.target) - round(HOLDOUT * len(self.target)) - WINDOW

    def standardised(self, train: Ints) -> tuple[Tensor, Tensor]:
        """All windows, (n, WINDOW, columns), and their answers, (n, 1), scaled by the rows of windows `train`."""
        seen = np.unique(train[:, None] + np.arange(WINDOW))
        rows = scaled(self.features, self.features[seen])
        windows = np.lib.stride_tricks.sliding_window_view(rows, WINDOW, axis=0)[:-HORIZON].transpose(0, 2, 1)
        answers = self.target[WINDOW:, None]
        return tensor(windows), tensor(scaled(answers, answers[train]))


def read_table(path: str, features: Sequence[str], target: str) -> Table:
    frame = pd.read_csv(path)
    return Table(frame[list(features)].to_numpy(np.float64), frame[target].to_numpy(np.float64))


def scaled(values: Floats, train: Floats) -> Floats:
    deviation = train.std(axis=0)
    return np.asarray((values - train.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0))


def tensor(values: Floats) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


class Forecaster(nn.Module):
    def __init__(self, features: int, params: Params) -> None:
        super().__init__()
        hidden, layers, dropout = int(params["hidden_size"]), int(params["num_layers"]), params["dropout"]
        self.lstm = nn.LSTM(features, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.head(self.dropout(self.lstm(x)[0][:, -1]))
        return output


def make_optimizer(network: nn.Module, params: Params) -> torch.optim.AdamW:
    return torch.optim.AdamW(network.parameters(), lr=params["learning_rate"], weight_decay=params["weight_decay"])


def train_epoch(
    network: nn.Module, optimizer: torch.optim.AdamW, batches: Iterable[Sequence[Tensor]], l1: float
) -> None:
    matrices = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    network.train()
    for x, y in batches:
        penalty = torch.stack([matrix.abs().sum() for matrix in matrices]).sum()
        loss = F.mse_loss(network(x), y) + l1 * penalty
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        optimizer.step()


@torch.no_grad()
def squared_errors(network: nn.Module, x: Tensor, y: Tensor) -> Floats:
    """Of each window, (n,)."""
    network.eval()
    return np.asarray(F.mse_loss(network(x), y, reduction="none")[:, 0].numpy(), dtype=np.float64)


class FoldRun:
    """One fold of a trial: a new network and its data."""

    def __init__(self, table: Table, train: Ints, valid: Ints, params: Params) -> None:
        x, y = table.standardised(train)
        self._loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=BATCH, shuffle=True)
        self._valid = x[valid], y[valid]
        self._network = Forecaster(x.shape[2], params)
        self._optimizer = make_optimizer(self._network, params)
        self._l1 = params["l1"]

    def train_epoch(self) -> float:
        """Trains one epoch; the validation loss after it."""
        train_epoch(self._network, self._optimizer, self._loader, self._l1)
        return float(squared_errors(self._network, *self._valid).mean())


def folds_of(table: Table) -> list[tuple[Ints, Ints]]:
    """The windows to train and to validate on, by fold."""
    return list(KFold(FOLDS).split(np.arange(table.development)))


def best_of(curve: Sequence[float]) -> tuple[float, int]:
    """The least loss and its epoch, counted from 1; a loss that is no number is no loss."""
    losses = [math.inf if math.isnan(loss) else loss for loss in curve]
    return min(losses), losses.index(min(losses)) + 1


def trained(step: Callable[[], float], epochs: int, seen: Callable[[Sequence[float]], None]) -> tuple[float, int]:
    """Takes `step` by epoch, each of which yields a loss, until it stops falling; the best loss and its epoch."""
    curve: list[float] = []
    while len(curve) < epochs:
        curve.append(step())
        seen(curve)
        if len(curve) - best_of(curve)[1] >= PATIENCE:
            break
    return best_of(curve)


def report(trial: optuna.Trial, value: float, step: int) -> None:
    trial.report(value, step)
    if trial.should_prune():
        raise optuna.TrialPruned


def one_by_one(trial: optuna.Trial, table: Table, params: Params, epochs: int) -> tuple[float, int]:
    """The plain loop: each fold to its own best epoch. The mean of their best losses, and of their epochs."""
    found: list[tuple[float, int]] = []
    for number, (train, valid) in enumerate(folds_of(table)):
        fold = FoldRun(table, train, valid, params)
        found.append(trained(fold.train_epoch, epochs, lambda _: None))
        report(trial, float(np.mean([loss for loss, _ in found])), number)
    return float(np.mean([loss for loss, _ in found])), round(float(np.mean([epoch for _, epoch in found])))


def in_lock_step(trial: optuna.Trial, table: Table, params: Params, epochs: int) -> tuple[float, int]:
    """The mended loop: all folds epoch by epoch. The best mean over them, and its epoch."""
    folds = [FoldRun(table, train, valid, params) for train, valid in folds_of(table)]
    return trained(
        lambda: float(np.mean([fold.train_epoch() for fold in folds])),
        epochs,
        lambda curve: report(trial, curve[-1], len(curve)),
    )


def suggest(trial: optuna.Trial, space: Space) -> dict[str, float]:
    params: dict[str, float] = {}
    for name, line in space.items():
        low, high, log = line["low"], line["high"], bool(line.get("log", False))
        if isinstance(low, int) and isinstance(high, int):
            params[name] = trial.suggest_int(name, low, high, log=log)
        else:
            params[name] = trial.suggest_float(name, low, high, log=log)
    return params


def search(job: Job, trials: int, seed: int, began: float) -> None:
    """Runs that many trials, in memory or on the shared study, printing each when it has ended."""
    torch.manual_seed(seed)
    table = read_table(job.path, job.features, job.target)
    cross_validate = one_by_one if job.journal is None else in_lock_step
    space = make_space(job.hidden, job.layers)

    def objective(trial: optuna.Trial) -> float:
        value, epochs = cross_validate(trial, table, suggest(trial, space), job.epochs)
        trial.set_user_attr("epochs", epochs)
        return value

    def tell(_: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        line = {"state": trial.state.name, "value": trial.value, "params": trial.params}
        line |= {"epochs": trial.user_attrs.get("epochs"), "seconds": round(time.monotonic() - began, 3)}
        sys.stdout.write(json.dumps(line) + "\n")  # one write, so that lines of two processes cannot mix
        sys.stdout.flush()

    study = optuna.create_study(
        study_name="search",
        storage=None if job.journal is None else JournalStorage(JournalFileBackend(job.journal)),
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(),
        load_if_exists=True,
    )
    study.optimize(objective, n_trials=trials, callbacks=[tell])


def age() -> float:
    """Seconds since this process began, its imports included."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    began = time.monotonic() - age()
    job = Job(**json.loads(Path(sys.argv[1]).read_text()))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if job.journal is None:
        search(job, job.trials, job.seed, began)
        return
    torch.set_num_threads(1)
    fork = multiprocessing.get_context("fork")  # what is imported is imported once
    shares = [len(range(number, job.trials, PROCESSES)) for number in range(PROCESSES)]
    seeds = [job.seed + 1000 * number for number in range(PROCESSES)]  # equal ones would draw equal first trials
    processes = [
        fork.Process(target=search, args=(job, *each, began), daemon=True) for each in zip(shares, seeds, strict=True)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    sys.exit(max(abs(process.exitcode or 0) for process in processes))


if __name__ == "__main__":
    main()
