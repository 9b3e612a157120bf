"""What a study's data and machine fix for all its trials, stored when the study begins."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from tuner.data.folds import FoldData, Problem
from tuner.data.series import Dataset, runs
from tuner.evaluation.no_network import Baseline, measure_baseline
from tuner.spec.sections import Spec


@dataclass(frozen=True)
class FoldInfo:
    """Windows that a fold trains on and validates on; anomalous rows and events in the latter."""

    train: int
    valid: int
    anomalous: int
    events: int


@dataclass(frozen=True)
class StudyInfo:
    """What is fixed before the first trial.

    Attributes:
        digest: of the data set.
        features: names of the columns that the network sees.
        targets: names of the columns that it forecasts.
        rows: of all series.
        series: how many.
        windows: how many.
        holdout: windows in the holdout.
        folds: sizes and events.
        baseline: what no network at all would reach.
        bf16_from: hidden size from which on bfloat16 is used; None for never, and until workers were asked.
    """

    digest: str
    features: tuple[str, ...]
    targets: tuple[str, ...]
    rows: int
    series: int
    windows: int
    holdout: int
    folds: tuple[FoldInfo, ...]
    baseline: Baseline
    bf16_from: int | None = None

    @property
    def test_to_train(self) -> float:
        """Validation windows over training windows, mean over folds."""
        return float(np.mean([fold.valid / fold.train for fold in self.folds]))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "StudyInfo":
        return TypeAdapter(StudyInfo).validate_python(values)


def establish(spec: Spec, data: Dataset, problem: Problem, folds: tuple[FoldData, ...]) -> StudyInfo:
    """Looks at what a study begins with."""
    return StudyInfo(
        digest=data.digest,
        features=data.feature_names,
        targets=data.target_names,
        rows=data.rows,
        series=len(data.series),
        windows=len(problem.windows),
        holdout=len(problem.split.holdout),
        folds=tuple(_fold_facts(problem, fold) for fold in folds),
        baseline=measure_baseline(spec, problem, folds),
    )


def _fold_facts(problem: Problem, fold: FoldData) -> FoldInfo:
    anomalous = events = 0
    if problem.labels is not None:
        validated = np.zeros(len(problem.labels), dtype=bool)
        validated[problem.windows.target[fold.valid]] = True
        flagged = problem.labels & validated
        anomalous, events = int(flagged.sum()), len(runs(flagged))
    return FoldInfo(len(fold.train), len(fold.valid), anomalous, events)
