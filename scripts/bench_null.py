"""Is the verdict on tuning right? Run: python scripts/bench_null.py

Refits one configuration many times on series of ../shared/data, and lets sets of refits play tuned and untuned
networks: that tuning helped or harmed is known to be wrong. Then the errors of the untuned ones are made greater, so
that tuning gains 20 % of the loss. For each series and size of an ensemble it prints, of DRAWS draws,
- how often the verdict says that tuning helped or harmed where nothing differs but the seeds,
- how often intervals from the rows alone would say so,
- how often it says that tuning helped where it gains 20 %.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuner.data.folds import FoldData, Problem
from tuner.data.problems import make_problem
from tuner.data.series import Floats
from tuner.evaluation.bootstrap import cut_blocks
from tuner.evaluation.holdout import Contender, Holdout, HoldoutWindows, leave_one_out, score_models
from tuner.evaluation.losses import window_losses
from tuner.loading.dataset import load_dataset
from tuner.results.verdict import judge_tuning
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import Spec
from tuner.spec.space import defaults
from tuner.training.trainer import refit

DATA = Path(__file__).parents[2] / "shared" / "data"
SERIES = (
    "NAB/realTraffic__occupancy_6005.csv",
    "NAB/realTraffic__speed_6005.csv",
    "NAB/realAWSCloudwatch__rds_cpu_utilization_cc0c53.csv",
    "NAB/realAWSCloudwatch__ec2_cpu_utilization_24ae8d.csv",
    "NASA_MSL/C-1.csv",
    "finance_unlabelled/EURUSD_oanda_1min_2014-05.csv",
)
REFITS, STEPS, DRAWS, SIZES = 24, 300, 200, (6, 8)
GAIN = 0.2
SMALL: Mapping[str, Any] = {
    "task": {"window": 16},
    "cv": {"folds": 2},
    "train": {"precision": "fp32"},
    "space": {"hidden_size": 12, "num_layers": 1, "batch_size": 128, "learning_rate": 0.003, "dropout": 0.1},
}


@dataclass(frozen=True)
class Refits:
    """Refits of one configuration: their outputs for the holdout's windows, (refits, m, outputs)."""

    spec: Spec
    data: FoldData
    held: HoldoutWindows
    outputs: Floats

    def holdout(self, members: Floats, gain: float, *, seeds: bool) -> Holdout:
        """Three ensembles, (3, members, m, outputs), the errors of all but the first one greater."""
        worse = np.sqrt(1 / (1 - gain)) ** np.array([0, 1, 1])
        answers = self.data.answers[self.data.valid]
        contenders = []
        for number, (name, outputs) in enumerate(zip(("shipped", "default", "unregularised"), members, strict=True)):
            together = leave_one_out(answers + worse[number] * (outputs - answers))
            losses = window_losses(self.data, together if seeds else together[:1])
            contenders.append(Contender(name, number, losses, losses, None))
        scores = score_models(self.spec.metric, self.held, contenders, 0)
        blocks = int(self.held.blocks[-1]) + 1
        return Holdout("loss", scores, members.shape[1], 0, len(answers), blocks, 0, 0, 1.0)

    def say(self, size: int, gain: float, *, seeds: bool) -> list[str]:
        """The verdict on each draw of three ensembles of so many refits."""
        rng = np.random.default_rng(size)
        said = []
        for _ in range(DRAWS):
            drawn = rng.permutation(len(self.outputs))[: 3 * size].reshape(3, size)
            said.append(judge_tuning(self.spec.metric, self.holdout(self.outputs[drawn], gain, seeds=seeds)))
        return said


def train(file: str) -> Refits:
    """Refits the configuration on a series."""
    spec = read_spec_dict({"study": {"name": "null"}, "data": {"path": str(DATA / file)}, **SMALL})
    problem: Problem = make_problem(spec, load_dataset(spec))
    data, windows = problem.refit(), problem.windows
    refits = [refit(spec, data, defaults(spec.space), steps=STEPS, repeat=seed) for seed in range(REFITS)]
    blocks = cut_blocks(windows.first[data.valid], windows.series[data.valid], windows.length + windows.horizon)
    held = HoldoutWindows(windows.target[data.valid], blocks, data.counted, None)
    return Refits(spec, data, held, np.stack([one.outputs for one in refits]))


def share(said: list[str], *words: str) -> str:
    """Of the verdicts, those that begin so."""
    return f"{100 * np.mean([one.startswith(words) for one in said]):.0f} %"


def main() -> None:
    """Prints a row per series and size."""
    print("| series | blocks | refits | false verdicts | from rows alone | a gain of 20 % found |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for file in SERIES:
        found = train(file)
        for size in SIZES:
            null, rows = (found.say(size, 0.0, seeds=seeds) for seeds in (True, False))
            wrong = [share(said, "Tuning helped", "Tuning harmed") for said in (null, rows)]
            right = share(found.say(size, GAIN, seeds=True), "Tuning helped")
            name = Path(file).stem.split("__")[-1]
            print(f"| {name} | {found.held.blocks[-1] + 1} | {size} | {' | '.join(wrong)} | {right} |", flush=True)


if __name__ == "__main__":
    main()
