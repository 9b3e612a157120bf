"""Results of training as values that can be read without torch: of a trial on all folds, and of a refit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from tuner.data.series import Floats
from tuner.evaluation.detection import Detection, Scores
from tuner.spec.metric import Metric


@dataclass(frozen=True)
class FoldCurve:
    """One fold by epoch, epoch 1 first: losses in evaluation mode, and the study's metric on the validation windows."""

    train_loss: tuple[float, ...]
    valid_loss: tuple[float, ...]
    metric: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """The result of training one trial.

    Attributes:
        state: how the trial ended.
        reason: why it was pruned or failed; empty when it is complete.
        curve: the validation curve: mean over folds of the study's metric, by epoch.
        folds: the fold curves.
        best_epoch: where the cost (`Metric.cost`) is least, counted from 1; 0 if there is no finished epoch.
        steps: optimiser steps at the best epoch, mean over folds.
        fold_epochs: epochs trained, summed over folds.
        weights: entries of the network's weight matrices, which the penalties act on.
        zeros: share of exact zeros in its weight matrices at the best epoch, mean over folds.
        weight_norm: Euclidean norm of its weight matrices at the best epoch, mean over folds.
        detection: pooled out-of-fold detection at the best epoch; None without labels.
        seconds: duration.
        audited: the epoch after which the pruner would have ended it, had it not gone on as an audit; 0 if it did not.
        scores: by fold, (m,), the out-of-fold scores of its validation windows at the best epoch; empty for a failed
            trial, and where they were not asked for.
    """

    state: Literal["complete", "pruned", "failed"]
    reason: str = ""
    curve: tuple[float, ...] = ()
    folds: tuple[FoldCurve, ...] = ()
    best_epoch: int = 0
    steps: float = 0.0
    fold_epochs: int = 0
    weights: int = 0
    zeros: float = 0.0
    weight_norm: float = 0.0
    detection: Detection | None = None
    seconds: float = 0.0
    audited: int = 0
    scores: tuple[Scores, ...] = field(default=(), compare=False, repr=False)

    @property
    def value(self) -> float | None:
        """The mean at the best epoch, which is the trial's value whether pruned or complete; None if it failed."""
        return None if self.state == "failed" else self.curve[self.best_epoch - 1]

    def costs(self, metric: Metric) -> Floats:
        """The quantity to minimise that it is compared by, of each epoch."""
        by_epoch = np.array([fold.metric for fold in self.folds]).reshape(len(self.folds), len(self.curve)).T
        # each sum runs along a row, as in training: the same to the last bit
        epochs: Floats = np.nanmean(metric.costs(np.ascontiguousarray(by_epoch)), axis=1)
        return epochs

    def cost(self, metric: Metric) -> float:
        """The same at the best epoch; infinite if it failed."""
        return math.inf if self.state == "failed" else metric.cost(self.at_best("metric"))

    def at_best(self, which: Literal["train_loss", "valid_loss", "metric"]) -> tuple[float, ...]:
        """A quantity of each fold at the best epoch."""
        return tuple(getattr(fold, which)[self.best_epoch - 1] for fold in self.folds)

    @property
    def train_loss(self) -> float:
        """At the best epoch, mean over folds."""
        return float(np.mean(self.at_best("train_loss")))

    @property
    def valid_loss(self) -> float:
        """At the best epoch, mean over folds."""
        return float(np.mean(self.at_best("valid_loss")))

    @property
    def gap(self) -> float:
        """The excess of the validation loss over the training loss."""
        return self.valid_loss - self.train_loss


@dataclass(frozen=True)
class Refitted:
    """A refitted network, and what it makes of the validation windows of its data.

    Attributes:
        weights: its state by name.
        residual: (outputs,) root mean square error on its training windows; None for `classify`.
        outputs: (m, outputs) of the validation windows, in float32 as a bundle computes them.
    """

    weights: Mapping[str, npt.NDArray[np.float32]]
    residual: Floats | None
    outputs: npt.NDArray[np.float32]


def standard_error(values: Sequence[float], test_to_train: float) -> float:
    """The corrected standard error of a cross-validated mean: sqrt((1/k + test/train) * variance).

    The training sets of k folds overlap, so that the naive sqrt(variance / k) is too small (Nadeau & Bengio, Machine
    Learning 52, 2003). For k-fold this is a heuristic: no unbiased estimator exists.

    Args:
        values: of the k folds; NaN for a fold without a value.
        test_to_train: validation windows over training windows, mean over folds.
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[~np.isnan(finite)]
    if len(finite) < 2:
        return float("nan")
    return float(np.sqrt((1 / len(finite) + test_to_train) * finite.var(ddof=1)))
