"""Where the tuner's pace comes from: an epoch of one fold, lever by lever. Run: python scripts/bench_epoch.py

The same network on the same rows of a real series, trained as the plain loop of `plain_loop.py` does with all threads
of the machine, as it does with one, and as the tuner does in float32 and with the study's own precision (`auto`); the
tuner evaluates training rows besides. Interleaved; printed are medians of ROUNDS epochs and the factor of each lever
over the one before. Of a search's pace the rest comes from one process a core, from pruning, and from what is sampled:
`bench_workers.py`, the share that a run's own result calls saved, and `bench_sampling.py`.
"""

import statistics
import time
from collections.abc import Callable

import torch
from judge_search import CASES
from plain_loop import BATCH, FOLDS, HOLDOUT, HORIZON, WINDOW, folds_of, read_table
from plain_loop import FoldRun as PlainFold

from tuner.data.problems import make_problem
from tuner.loading.dataset import load_dataset
from tuner.spec.file import read_spec_dict
from tuner.spec.space import defaults
from tuner.training.learner import Learner
from tuner.training.precision import resolve_precision
from tuner.training.trainer import FoldRun

SERIES = "rds_cpu_cc0c53"
SIZES = ((16, 1), (32, 1), (64, 1), (64, 2))
ROUNDS = 15
THREADS = torch.get_num_threads()


def with_threads(count: int, epoch: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        torch.set_num_threads(count)
        epoch()

    return run


def epochs_of(hidden: int, layers: int) -> dict[str, Callable[[], object]]:
    """By lever: what trains one epoch of the first fold."""
    case = CASES[SERIES]
    table = read_table(case.path, case.features, case.target)
    train, valid = folds_of(table)[0]
    spec = read_spec_dict(
        {
            "study": {"name": "epoch"},
            "data": {"path": case.path, "time": "", "label": "", "features": list(case.features)},
            "task": {"window": WINDOW, "horizon": HORIZON},
            "cv": {"folds": FOLDS, "holdout": HOLDOUT},
            "space": {"hidden_size": hidden, "num_layers": layers, "batch_size": BATCH},
        }
    )
    fold, params = make_problem(spec, load_dataset(spec)).folds()[0], defaults(spec.space)

    def plain() -> Callable[[], object]:
        return PlainFold(table, train, valid, {**params, "dropout": 0.2}).train_epoch  # type: ignore[dict-item]

    def ours(precision: str) -> Callable[[], object]:
        learner = Learner(spec, fold, params, key=(0, 0), precision=resolve_precision(precision))
        run = FoldRun(fold, learner)
        return lambda: run.train_epoch(learner.batches)

    return {
        f"plain, {THREADS} threads": with_threads(THREADS, plain()),
        "plain, 1 thread": with_threads(1, plain()),
        "ours, float32": with_threads(1, ours("fp32")),
        "ours, auto": with_threads(1, ours("auto")),
    }


def main() -> None:
    for hidden, layers in SIZES:
        epochs = epochs_of(hidden, layers)
        seconds: dict[str, list[float]] = {name: [] for name in epochs}
        for _ in range(ROUNDS):
            for name, epoch in epochs.items():
                started = time.perf_counter()
                epoch()
                seconds[name].append(time.perf_counter() - started)
        medians = {name: statistics.median(values) for name, values in seconds.items()}
        first = before = next(iter(medians.values()))
        print(f"{hidden} hidden units, {layers} layers")
        for name, median in medians.items():
            print(f"  {name:18} {1e3 * median:7.1f} ms   x {before / median:4.2f}   in all x {first / median:5.2f}")
            before = median


if __name__ == "__main__":
    main()
