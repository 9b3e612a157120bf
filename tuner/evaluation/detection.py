"""Detection metrics on out-of-fold scores, with thresholds that never saw the fold they judge.

No point adjustment: it makes random scores look state of the art (Kim et al., AAAI 2022). An event is caught when any
of its scored rows is flagged; precision, recall and F1 count rows as they are.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from tuner.data.series import Bools, Floats, Ints, runs
from tuner.evaluation.bootstrap import FEW_DRAWS, Interval, Variance, draw_blocks, total_error
from tuner.spec.sections import Flagging

Scores = npt.NDArray[np.floating]

GREATEST_F1 = Flagging()


@dataclass(frozen=True)
class Flagged:
    """The quality of flags: precision, recall and F1 of rows, and events caught of events present."""

    precision: float
    recall: float
    f1: float
    caught: int
    events: int


@dataclass(frozen=True)
class Detection:
    """The quality of out-of-fold scores as a detector of anomalous rows, pooled over the folds with an inner threshold.

    Attributes:
        average_precision: area under the precision-recall steps.
        interval: of 95 %, of that, over other rows; None with too few of them.
        base_rate: the share of anomalous rows, which guessing reaches as average precision and as precision.
        precision, recall, f1: at the inner thresholds.
        threshold: the one that all out-of-fold scores together choose, for new data.
        reached: precision of all out-of-fold scores at `threshold`.
        caught, events: events with a flagged row, of those present.
    """

    average_precision: float
    interval: Interval | None
    base_rate: float
    precision: float
    recall: float
    f1: float
    threshold: float
    reached: float
    caught: int
    events: int

    @property
    def beats_guessing(self) -> bool:
        """True where the scores are clearly better than random ones."""
        return self.interval is not None and self.interval[0] > self.base_rate


def root_mean_square(errors: Scores) -> Floats:
    """The root mean square of errors (n, targets) over windows, (targets,)."""
    return np.asarray(np.sqrt(np.mean(np.square(errors, dtype=np.float64), axis=0)))


def scaled_errors(errors: Scores, residual: Floats) -> Scores:
    """The score of each forecast, (…, m): root mean square over targets of its error, in units of training residuals.

    Args:
        errors: (…, m, targets) of the windows to score.
        residual: (targets,) root mean square error on training windows.
    """
    scaled = errors / np.maximum(residual, np.finfo(np.float32).tiny)
    return np.asarray(np.sqrt(np.mean(np.square(scaled), axis=-1)))


def average_precision(scores: Scores, labels: Bools) -> float:
    """The area under the precision-recall steps of scores, (m,), by labels, (m,), of which one at least is true."""
    from sklearn.metrics import average_precision_score  # here: slow to import, and many studies have no labels

    return float(average_precision_score(labels, scores))


def f1(flags: Bools, labels: Bools) -> float:
    """The F1 of flagged rows, (m,), by their labels, (m,); 0 where nothing is flagged nor anomalous."""
    either = int(flags.sum()) + int(labels.sum())
    return 2 * int((flags & labels).sum()) / either if either else 0.0


def choose_threshold(scores: Scores, labels: Bools | None, flagging: Flagging = GREATEST_F1) -> float:
    """The score from which on rows are flagged. Needs one true label, but for a share of rows.

    Without a rule it is the one with the greatest F1, the highest on ties. For a precision it is the lowest, hence the
    one with the greatest recall, whose precision is at least so high; where none is, the lowest of those with the
    highest precision.
    """
    if flagging.share is not None or labels is None:
        return float(np.quantile(scores, 1 - (flagging.share or 0.0), method="higher"))
    limits, rank = np.unique(scores, return_inverse=True)
    # of the rows from each limit on: how many, and how many of them are true
    flagged = np.cumsum(np.bincount(rank)[::-1])[::-1]
    found = np.cumsum(np.bincount(rank, labels)[::-1])[::-1]
    if flagging.min_precision is None:
        f1 = 2 * found / (flagged + labels.sum())
        return float(limits[len(f1) - 1 - np.argmax(f1[::-1])])
    precision = found / flagged
    return float(limits[np.argmax(precision >= min(flagging.min_precision, precision.max()))])


def inner_thresholds(
    scores: Sequence[Scores], labels: Sequence[Bools], *, earlier_only: bool, flagging: Flagging = GREATEST_F1
) -> tuple[float | None, ...]:
    """Per fold, the threshold chosen on the out-of-fold scores of the other folds (of the earlier ones, walk-forward).

    None where those folds hold no anomalous row, or where there are none.
    """
    thresholds: list[float | None] = []
    for fold in range(len(scores)):
        others = [other for other in range(len(scores)) if other < fold or (other > fold and not earlier_only)]
        if any(labels[other].any() for other in others):
            pooled, truth = (np.concatenate([part[other] for other in others]) for part in (scores, labels))
            thresholds.append(choose_threshold(pooled, truth, flagging))
        else:
            thresholds.append(None)
    return tuple(thresholds)


def fold_metric(
    metric: str,
    scores: Sequence[Scores],
    labels: Sequence[Bools],
    *,
    earlier_only: bool,
    flagging: Flagging = GREATEST_F1,
) -> tuple[float, ...]:
    """Average precision, or F1 at the inner threshold, of each fold; NaN for a fold without a threshold."""
    if metric == "average_precision":
        return tuple(average_precision(score, truth) for score, truth in zip(scores, labels, strict=True))
    thresholds = inner_thresholds(scores, labels, earlier_only=earlier_only, flagging=flagging)
    return tuple(
        float("nan") if threshold is None else f1(score >= threshold, truth)
        for score, truth, threshold in zip(scores, labels, thresholds, strict=True)
    )


def detect(
    scores: Sequence[Scores],
    labels: Sequence[Bools],
    rows: Sequence[Ints],
    *,
    earlier_only: bool,
    reach: int = 1,
    flagging: Flagging = GREATEST_F1,
) -> Detection | None:
    """The pooled detection of all folds that have an inner threshold; None if no fold has one, or no event.

    Args:
        scores: per fold, (m,) out-of-fold scores, higher where more anomalous.
        labels: per fold, (m,).
        rows: per fold, (m,) where the scored rows lie, ascending; only distances count.
        earlier_only: thresholds come from earlier folds only.
        reach: rows from the first one that a window sees to the one it answers: so far apart, scores share none.
        flagging: the rule for thresholds.
    """
    thresholds = inner_thresholds(scores, labels, earlier_only=earlier_only, flagging=flagging)
    judged = [fold for fold, limit in enumerate(thresholds) if limit is not None]
    if not any(labels[fold].any() for fold in judged):
        return None
    pooled, truth = (np.concatenate([part[fold] for fold in judged]) for part in (scores, labels))
    flags = np.concatenate([scores[fold] >= limit for fold, limit in enumerate(thresholds) if limit is not None])
    # no edge of a fold cuts an event
    found = judge_flags(flags, truth, number_events(np.concatenate([rows[fold] for fold in judged]), truth))
    all_scores, all_labels = np.concatenate(scores), np.concatenate(labels)
    threshold = choose_threshold(all_scores, all_labels, flagging)
    return Detection(
        average_precision=average_precision(pooled, truth),
        interval=precision_interval(pooled, truth, reach),
        base_rate=float(truth.mean()),
        threshold=threshold,
        reached=float(all_labels[all_scores >= threshold].mean()),
        **asdict(found),
    )


def precision_interval(scores: Scores, labels: Bools, reach: int) -> Interval | None:
    """The 95 % interval of average precision, over other rows; None with too few of them.

    Blocks of rows are drawn, each at least as long as the longest event, as the rows of one event are one case.

    Args:
        scores: (n,) in the order of rows.
        labels: (n,) of which one at least is true.
        reach: rows so far apart share none.
    """
    count = len(scores) // max(reach, *(stop - start for start, stop in runs(labels)))
    blocks = np.arange(len(scores)) * count // len(scores)
    draws, cases = draw_blocks(blocks, (), FEW_DRAWS), len(np.unique(blocks[labels]))
    if draws is None or cases < 2:
        return None
    drawn = draws.average_precision(scores, labels)
    half = total_error([Variance(float(np.nanvar(drawn, ddof=1)), cases - 1)])[1]
    value = average_precision(scores, labels)
    return max(value - half, 0.0), min(value + half, 1.0)


def judge_flags(flags: Bools, labels: Bools, events: Ints) -> Flagged:
    """Judges flags, (m,), by the labels, (m,), of events numbered as by `number_events`, (m,)."""
    right, flagged, present = int((flags & labels).sum()), int(flags.sum()), int(labels.sum())
    return Flagged(
        precision=right / flagged if flagged else 0.0,
        recall=right / present if present else 0.0,
        f1=f1(flags, labels),
        caught=len(np.unique(events[flags & labels])),
        events=len(np.unique(events[labels])),
    )


def number_events(rows: Ints, labels: Bools) -> Ints:
    """The number of the event that each scored row belongs to, (m,), from 0 on; -1 for a normal row.

    Args:
        rows: (m,) where the scored rows lie; anomalous ones next to each other are one event.
        labels: (m,).
    """
    goes_on = np.concatenate([[False], labels[:-1] & (np.diff(rows) == 1)])
    return np.where(labels, np.cumsum(labels & ~goes_on) - 1, -1)
