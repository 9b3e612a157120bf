"""Detection metrics on out-of-fold scores, with thresholds that never saw the fold they judge.

No point adjustment: it makes random scores look state of the art (Kim et al., AAAI 2022).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tuner.data.series import Bools, Floats

Scores = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Detection:
    """How well out-of-fold scores find anomalous rows, all folds pooled that have an inner threshold.

    Attributes:
        average_precision: area under the precision-recall steps.
        precision, recall, f1: at the inner thresholds.
        threshold: the one that all out-of-fold scores together choose, for new data.
    """

    average_precision: float
    precision: float
    recall: float
    f1: float
    threshold: float


def root_mean_square(errors: Scores) -> Floats:
    """The root mean square of errors (n, targets) over windows, (targets,)."""
    scale: Floats = np.sqrt(np.mean(np.square(errors, dtype=np.float64), axis=0))
    return scale


def scaled_errors(errors: Scores, residual: Floats) -> Scores:
    """The score of each forecast, (m,): root mean square over targets of its error, in units of training residuals.

    Args:
        errors: (m, targets) of the windows to score.
        residual: (targets,) root mean square error on training windows.
    """
    scaled = errors / np.maximum(residual, np.finfo(np.float32).tiny)
    scores: Scores = np.sqrt(np.mean(np.square(scaled), axis=1))
    return scores


def best_threshold(scores: Scores, labels: Bools) -> float:
    """The score from which on rows are flagged so that F1 is greatest; the highest such score. Needs one true label."""
    limits, rank = np.unique(scores, return_inverse=True)
    # of the rows from each limit on: how many, and how many of them are true
    flagged = np.cumsum(np.bincount(rank)[::-1])[::-1]
    found = np.cumsum(np.bincount(rank, labels)[::-1])[::-1]
    f1 = 2 * found / (flagged + labels.sum())
    return float(limits[len(f1) - 1 - np.argmax(f1[::-1])])


def inner_thresholds(
    scores: Sequence[Scores], labels: Sequence[Bools], *, earlier_only: bool
) -> tuple[float | None, ...]:
    """Per fold, the best threshold on the out-of-fold scores of the other folds (of the earlier ones, walk-forward).

    None where those folds hold no anomalous row, or where there are none.
    """
    thresholds: list[float | None] = []
    for fold in range(len(scores)):
        others = [other for other in range(len(scores)) if other < fold or (other > fold and not earlier_only)]
        if any(labels[other].any() for other in others):
            pooled = np.concatenate([scores[other] for other in others])
            thresholds.append(best_threshold(pooled, np.concatenate([labels[other] for other in others])))
        else:
            thresholds.append(None)
    return tuple(thresholds)


def fold_metric(
    metric: str, scores: Sequence[Scores], labels: Sequence[Bools], *, earlier_only: bool
) -> tuple[float, ...]:
    """Average precision, or F1 at the inner threshold, of each fold; NaN for a fold without a threshold."""
    from sklearn.metrics import average_precision_score, f1_score

    if metric == "average_precision":
        return tuple(float(average_precision_score(truth, score)) for score, truth in zip(scores, labels, strict=True))
    thresholds = inner_thresholds(scores, labels, earlier_only=earlier_only)
    return tuple(
        float("nan") if threshold is None else float(f1_score(truth, score >= threshold, zero_division=0.0))
        for score, truth, threshold in zip(scores, labels, thresholds, strict=True)
    )


def detect(scores: Sequence[Scores], labels: Sequence[Bools], *, earlier_only: bool) -> Detection | None:
    """The pooled detection of all folds that have an inner threshold; None if no fold has one, or no event.

    Args:
        scores: per fold, (m,) out-of-fold scores, higher where more anomalous.
        labels: per fold, (m,).
        earlier_only: thresholds come from earlier folds only.
    """
    from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

    thresholds = inner_thresholds(scores, labels, earlier_only=earlier_only)
    judged = [fold for fold, limit in enumerate(thresholds) if limit is not None]
    if not any(labels[fold].any() for fold in judged):
        return None
    pooled, truth = (np.concatenate([part[fold] for fold in judged]) for part in (scores, labels))
    flags = np.concatenate([scores[fold] >= limit for fold, limit in enumerate(thresholds) if limit is not None])
    return Detection(
        average_precision=float(average_precision_score(truth, pooled)),
        precision=float(precision_score(truth, flags, zero_division=0.0)),
        recall=float(recall_score(truth, flags, zero_division=0.0)),
        f1=float(f1_score(truth, flags, zero_division=0.0)),
        threshold=best_threshold(np.concatenate(scores), np.concatenate(labels)),
    )
