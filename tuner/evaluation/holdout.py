"""Judges models on the holdout: each metric with a bootstrap interval, and paired differences to the best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tuner.data.series import Bools, Floats, Ints
from tuner.evaluation.bootstrap import Draws, Interval, draw_blocks, interval
from tuner.evaluation.detection import Flagged, average_precision, judge_flags, number_events

# Stands where a trial's number stands in the key of the random streams; no trial has it.
BOOTSTRAP = 2**32 - 4


@dataclass(frozen=True)
class HoldoutWindows:
    """The windows of a holdout.

    Attributes:
        rows: (m,) where they lie, ascending; only distances count.
        blocks: (m,) the block of each.
        counted: (m,) which enter the loss.
        labels: (m,) is the row that the window answers anomalous? None without labels.
    """

    rows: Ints
    blocks: Ints
    counted: Bools
    labels: Bools | None


@dataclass(frozen=True)
class Contender:
    """A model on the holdout, once a seed that it was trained from.

    Attributes:
        name: of the model.
        trial: whose configuration it has; None for a baseline.
        losses: (seeds, m); None if it has none in the units of the network's loss.
        scores: (seeds, m), higher where more anomalous.
        threshold: from which score on it flags; None if none could be chosen.
    """

    name: str
    trial: int | None
    losses: npt.NDArray[np.floating] | None
    scores: npt.NDArray[np.floating]
    threshold: float | None


@dataclass(frozen=True)
class Score:
    """The scores of a model on the holdout: means over its seeds, None where it cannot be measured.

    Intervals are of 95 % and tell how much other rows would change the figure, not how much other seeds would.

    Attributes:
        name, trial: of the model.
        value: of the study's metric, in its natural direction.
        se: the bootstrap's standard error of it.
        interval: of `value`; None with too few blocks.
        difference: `value` minus that of the best.
        difference_interval: of `difference`, paired: the same rows for both.
        loss: mean over the windows that are counted.
        average_precision: None without an anomalous row in the holdout, as what follows.
        precision, recall, f1: at the model's threshold; None without one.
        caught: events with a flagged row.
    """

    name: str
    trial: int | None
    value: float | None
    se: float | None
    interval: Interval | None
    difference: float | None
    difference_interval: Interval | None
    loss: float | None
    average_precision: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    caught: float | None


@dataclass(frozen=True)
class Holdout:
    """The report on a study's holdout.

    Attributes:
        metric: of the study.
        scores: of the models, the best first.
        seeds: how many refits of each network there are.
        trained: windows that the refits were trained on.
        windows: in the holdout.
        blocks: of the bootstrap.
        anomalous, events: in the holdout, as far as they are scored.
        baseline: what `StudyInfo.baseline` is in the folds, on the holdout.
        looks: how many trials were scored as chosen ones, in all studies of the store with the same data.
    """

    metric: str
    scores: tuple[Score, ...]
    seeds: int
    trained: int
    windows: int
    blocks: int
    anomalous: int
    events: int
    baseline: float
    looks: int = 0

    def score(self, name: str) -> Score | None:
        """The score of the model called `name`."""
        return next((score for score in self.scores if score.name == name), None)


def score_models(metric: str, held: HoldoutWindows, contenders: Sequence[Contender], seed: int) -> tuple[Score, ...]:
    """Scores the models, the first of which is the best, on the same bootstrap draws.

    Args:
        metric: of the study: "loss", "average_precision" or "f1".
        held: the windows of the holdout.
        contenders: the models.
        seed: of the study.
    """
    draws = draw_blocks(held.blocks, (seed, BOOTSTRAP))
    best = contenders[0]
    best_value, best_draws = measure(metric, held, best), _resample(metric, held, best, draws)
    return tuple(_score(metric, held, contender, draws, best_value, best_draws) for contender in contenders)


def cross_entropy(logits: Floats, labels: Bools, class_weight: float) -> Floats:
    """The network's loss of each window, (m,), where it learns labels: anomalous windows are weighted."""
    return np.where(labels, class_weight * np.logaddexp(0.0, -logits), np.logaddexp(0.0, logits))


def measure(metric: str, held: HoldoutWindows, contender: Contender) -> float | None:
    """A metric of a model, mean over its seeds; None where it cannot be measured."""
    if not _measurable(metric, held, contender):
        return None
    if metric == "loss":
        assert contender.losses is not None  # noqa: S101 (measurable)
        return float(np.mean(contender.losses[:, held.counted], dtype=np.float64))
    if metric == "f1":
        return float(np.mean([found.f1 for found in _flagged(held, contender)]))
    assert held.labels is not None  # noqa: S101 (measurable)
    return float(np.mean([average_precision(scores, held.labels) for scores in contender.scores]))


def _score(
    metric: str,
    held: HoldoutWindows,
    contender: Contender,
    draws: Draws | None,
    best: float | None,
    best_draws: Floats | None,
) -> Score:
    value, own_draws = measure(metric, held, contender), _resample(metric, held, contender, draws)
    difference = None if value is None or best is None else value - best
    paired = None if own_draws is None or best_draws is None else own_draws - best_draws
    flagged = _flagged(held, contender) if _measurable("f1", held, contender) else []
    return Score(
        name=contender.name,
        trial=contender.trial,
        value=value,
        se=None if own_draws is None else float(np.nanstd(own_draws, ddof=1)),
        interval=None if own_draws is None else interval(own_draws),
        difference=difference,
        difference_interval=None if paired is None else interval(paired),
        loss=measure("loss", held, contender),
        average_precision=measure("average_precision", held, contender),
        precision=float(np.mean([found.precision for found in flagged])) if flagged else None,
        recall=float(np.mean([found.recall for found in flagged])) if flagged else None,
        f1=float(np.mean([found.f1 for found in flagged])) if flagged else None,
        caught=float(np.mean([found.caught for found in flagged])) if flagged else None,
    )


def _measurable(metric: str, held: HoldoutWindows, contender: Contender) -> bool:
    """True where the model has the metric on this holdout: a diverged one has none."""
    if metric == "loss":
        return contender.losses is not None and bool(np.isfinite(contender.losses).all())
    if held.labels is None or not held.labels.any() or not np.isfinite(contender.scores).all():
        return False
    return metric == "average_precision" or contender.threshold is not None


def _resample(metric: str, held: HoldoutWindows, contender: Contender, draws: Draws | None) -> Floats | None:
    """A metric of a model in each draw, (draws,), mean over its seeds; None where it cannot be measured."""
    if draws is None or not _measurable(metric, held, contender):
        return None
    if metric == "loss":
        assert contender.losses is not None  # noqa: S101 (measurable)
        return draws.mean(contender.losses.mean(axis=0, dtype=np.float64), held.counted)
    assert held.labels is not None  # noqa: S101 (measurable)
    if metric == "f1":
        resampled = [draws.f1(scores >= contender.threshold, held.labels) for scores in contender.scores]
    else:
        resampled = [draws.average_precision(scores, held.labels) for scores in contender.scores]
    mean: Floats = np.mean(resampled, axis=0)
    return mean


def _flagged(held: HoldoutWindows, contender: Contender) -> list[Flagged]:
    """Judges the flags of each seed."""
    assert held.labels is not None  # noqa: S101 (measurable)
    events = number_events(held.rows, held.labels)
    return [judge_flags(scores >= contender.threshold, held.labels, events) for scores in contender.scores]
