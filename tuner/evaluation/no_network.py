"""The score without any network, in the units of the study's metric."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.data.folds import FoldData, Problem
from tuner.data.series import Floats
from tuner.spec.sections import Spec


@dataclass(frozen=True)
class Baseline:
    """A reference: "persistence" (nothing changes) or "base rate" (every window alike), and its value."""

    name: str
    value: float


def measure_baseline(spec: Spec, problem: Problem, folds: Sequence[FoldData]) -> Baseline:
    """The mean over folds of the study's metric if no network were there.

    For `loss`: persistence of a forecast, or the best constant probability of `classify`. For average precision and F1:
    what flagging windows at random reaches (the share p of anomalous windows) and flagging all, 2p / (1 + p).
    """
    if spec.study.metric != "loss":
        # a walk's first fold has no earlier scores to fit a threshold on, hence no F1; the holdout is alone
        first = spec.study.metric == "f1" and spec.cv.scheme == "walk_forward" and len(folds) > 1
        judged = folds[1:] if first else folds
        rates = [float(fold.labels[fold.valid].mean()) for fold in judged if fold.labels is not None]
        values = rates if spec.study.metric == "average_precision" else [2 * rate / (1 + rate) for rate in rates]
        return Baseline("base rate", float(np.mean(values)))
    if problem.persistence is None:
        return Baseline("base rate", float(np.mean([_constant_loss(fold) for fold in folds])))
    return Baseline("persistence", float(np.mean([_persistence_loss(fold, problem.persistence) for fold in folds])))


def _persistence_loss(fold: FoldData, persistence: Floats) -> float:
    assert fold.targets is not None  # noqa: S101 (forecasts only)
    valid = fold.valid[fold.counted]
    errors = fold.targets.apply(persistence[valid]) - fold.answers[valid]
    return float(np.mean(np.square(errors)))


def _constant_loss(fold: FoldData) -> float:
    """The weighted cross-entropy of the constant probability that is best on the training windows."""
    anomalous = np.clip(fold.answers[fold.train].mean(dtype=np.float64), 1e-6, 1 - 1e-6)
    probability = fold.class_weight * anomalous / (fold.class_weight * anomalous + 1 - anomalous)
    rate = fold.answers[fold.valid].mean(dtype=np.float64)
    return float(-fold.class_weight * rate * np.log(probability) - (1 - rate) * np.log1p(-probability))
