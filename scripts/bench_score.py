"""What scoring costs beside the bare forward pass of the same networks, interleaved; and its memory.

Bare: nn.LSTM and a linear head in inference mode on batches of as many windows that are gathered already. Ours: from a
data frame to scores, and from a CSV file to a CSV file. Printed are medians over rounds, and the range of the ratio to
the bare pass in the same round. The peak of memory is that of a process of its own that scores a file of so many rows,
by one network of 4 units: it is reading, windows and writing that could grow.
Run: python scripts/bench_score.py
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

import tuner
from tuner.bundle.archive import bundle_files
from tuner.bundle.manifest import Columns, Manifest, Networks
from tuner.bundle.rarity import Rarity
from tuner.data.folds import Scaling
from tuner.files import write_folder
from tuner.model.lstm import Network
from tuner.score import main as score
from tuner.spec.sections import TaskSection
from tuner.training.learner import EVALUATION_BATCH

FEATURES, WINDOW, HIDDEN, MEMBERS = 5, 32, 32, 3
ROWS, ROUNDS = 100_000, 5
FEW, MANY = 100_000, 1_000_000
NAMES = tuple("abcdefgh"[:FEATURES])
PEAK = """
import re, sys
from tuner.terminal import execute
from tuner.spec.sections import TaskSection
from tuner.score import app
try:
    execute(app)
finally:
    # not ru_maxrss, which a process inherits from the one that started it
    print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
"""


def write_bundle(folder: Path, hidden: int, members: int) -> None:
    """Untrained networks, for a forecast of the first column."""
    manifest = Manifest(
        study={},
        task=TaskSection(window=WINDOW),
        columns=Columns(time=("time",), dated=True, step=60e9, max_gap=10.0, features=NAMES, targets=("a",)),
        features=Scaling(mean=(0.0,) * FEATURES, deviation=(1.0,) * FEATURES),
        targets=Scaling(mean=(0.0,), deviation=(1.0,)),
        networks=Networks(count=members, hidden_size=hidden, num_layers=1, normalization="none"),
        residual=(1.0,),
        threshold=1.0,
        rows=10,
        rarity=Rarity(tail=1.0, raw=(0.0, 1.0), score=(0.0, 1.0)),
        scores={},
        holdout=None,
        data={},
        versions={},
    )
    networks = [Network(FEATURES, 1, hidden_size=hidden, num_layers=1) for _ in range(members)]
    weights = [{name: tensor.numpy() for name, tensor in network.state_dict().items()} for network in networks]
    write_folder(folder, bundle_files(manifest, weights, ""))


def write_rows(path: Path, rows: int) -> pd.DataFrame:
    values = np.random.default_rng(0).normal(size=(rows, FEATURES)).round(4)
    frame = pd.DataFrame(values, columns=list(NAMES))
    frame.insert(0, "time", pd.date_range("2020-01-01", periods=rows, freq="min"))
    frame.to_csv(path, index=False)
    return frame


def bare(windows: int) -> Callable[[], None]:
    """The forward pass that scoring cannot do without, and nothing else."""
    pairs = [(nn.LSTM(FEATURES, HIDDEN), nn.Linear(HIDDEN, 1)) for _ in range(MEMBERS)]
    x = torch.randn(WINDOW, EVALUATION_BATCH, FEATURES)

    @torch.inference_mode()
    def forward() -> None:
        for _ in range(windows // EVALUATION_BATCH):
            for lstm, head in pairs:
                head(lstm(x)[0][-1])

    return forward


def seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def peak(folder: Path, data: Path) -> float:
    """Peak memory in MiB of a process that scores a file."""
    arguments = ["--bundle", str(folder), "--data", str(data), "--out", str(data.with_suffix(".scores"))]
    done = subprocess.run([sys.executable, "-c", PEAK, *arguments], capture_output=True, text=True, check=True)
    return int(done.stderr.split()[-1]) / 1024


def main() -> None:
    print(f"window {WINDOW}, {FEATURES} features, {MEMBERS} networks of 1 layer of {HIDDEN}, {ROWS:,} rows")
    print(f"{torch.get_num_threads()} threads; medians of {ROUNDS} rounds, the range of the ratio")
    with tempfile.TemporaryDirectory() as place:
        folder, data, out = (Path(place, name) for name in ("bundle", "rows.csv", "scores.csv"))
        write_bundle(folder, HIDDEN, MEMBERS)
        frame, scorer = write_rows(data, ROWS), tuner.load(folder)
        ways: dict[str, Callable[[], object]] = {
            "bare forward": bare(ROWS),
            "frame to frame": lambda: scorer.score(frame),
            "file to file": lambda: score(folder, data, out),
        }
        taken = [{name: seconds(run) for name, run in ways.items()} for _ in range(ROUNDS + 1)][1:]
        for name in ways:
            mine = statistics.median(times[name] for times in taken)
            ratios = sorted(times[name] / times["bare forward"] for times in taken)
            spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            print(f"{name:15} {mine:7.2f} s  {ROWS / mine:10,.0f} rows/s  ratio {spread}")
        write_bundle(folder, 4, 1)
        for rows in (FEW, MANY):
            write_rows(data, rows)
            print(f"peak memory with {rows:,} rows: {peak(folder, data):.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
