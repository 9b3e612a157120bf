"""Judges models on the holdout as they would be shipped, and their differences to the one that is.

Intervals allow for other rows and other seeds: the variance of a block bootstrap of the rows and that of a jackknife
over the members of each ensemble are added. They are made of costs (`Metric.costs`): of a loss the logarithm, so that a
difference is that of a ratio, and a few bad rows do not decide alone. Members are paired, as the i-th ones of two
ensembles begin from the same random stream.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tuner.data.series import Bools, Floats, Ints
from tuner.evaluation.bootstrap import DRAWS, FEW_DRAWS, Draws, Interval, Variance, draw_blocks, jackknife, total_error
from tuner.evaluation.detection import Flagged, average_precision, f1, judge_flags, number_events
from tuner.spec.metric import Metric

# Stands where a trial's number stands in the key of the random streams; no trial has it.
BOOTSTRAP = 2**32 - 4


Judge = Callable[[Ints, npt.NDArray[np.floating]], float]


@dataclass(frozen=True)
class HoldoutWindows:
    """The windows of a holdout.

    Attributes:
        rows: (m,) where they lie, ascending; only distances count.
        blocks: (m,) the block of each.
        counted: (m,) which enter the loss.
        labels: (m,) is the row that the window answers anomalous? None without labels.
        judge: the study's metric of outputs, (n, outputs), for samples, (n,), of the m; None where it is another kind.
    """

    rows: Ints
    blocks: Ints
    counted: Bools
    labels: Bools | None
    judge: Judge | None = None


@dataclass(frozen=True)
class Contender:
    """A model on the holdout: an ensemble, then the same without each of its members; a baseline has none.

    Attributes:
        name: of the model.
        trial: whose configuration it has; None for a baseline.
        losses: (1 + members, m); None if it has none in the units of the network's loss.
        scores: (1 + members, m), higher where more anomalous.
        threshold: from which score on it flags; None if none could be chosen.
        outputs: (1 + members, m, outputs), where samples are judged by them.
    """

    name: str
    trial: int | None
    losses: npt.NDArray[np.floating] | None
    scores: npt.NDArray[np.floating]
    threshold: float | None
    outputs: npt.NDArray[np.floating] | None = None


@dataclass(frozen=True)
class Score:
    """The scores of a model on the holdout, None where it cannot be measured. Intervals are of 95 %.

    Attributes:
        name, trial: of the model.
        value: of the study's metric, in its natural direction.
        se: its standard error, over rows and seeds.
        interval: of `value`; None with too few blocks.
        difference: `value` minus that of the model that is shipped.
        difference_interval: of `difference`, from the same rows for both.
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
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    caught: int | None = None


@dataclass(frozen=True)
class Holdout:
    """The report on a study's holdout.

    Attributes:
        metric: of the study.
        scores: of the models, the shipped one first.
        members: refits of each network, whose mean output counts.
        trained: windows that the refits were trained on.
        windows: in the holdout.
        blocks: of the bootstrap.
        anomalous, events: in the holdout, as far as they are scored.
        baseline: what `StudyInfo.baseline` is in the folds, on the holdout.
        looks: how many trials were scored as chosen ones, in all studies of the store with the same data.
    """

    metric: str
    scores: tuple[Score, ...]
    members: int
    trained: int
    windows: int
    blocks: int
    anomalous: int
    events: int
    baseline: float
    looks: int = 0

    @property
    def base_rate(self) -> float:
        """The share of anomalous rows: the precision of flags at random."""
        return self.anomalous / self.windows

    def score(self, name: str) -> Score | None:
        """The score of the model called `name`."""
        return next((score for score in self.scores if score.name == name), None)


def leave_one_out(outputs: npt.NDArray[np.floating]) -> Floats:
    """The mean of all members' outputs, (members, …), then that without each of them, (1 + members, …)."""
    total = outputs.sum(axis=0, dtype=np.float64)
    return np.concatenate([total[None] / len(outputs), (total - outputs) / (len(outputs) - 1)])


def score_models(metric: Metric, held: HoldoutWindows, contenders: Sequence[Contender], seed: int) -> tuple[Score, ...]:
    """Scores the models, the first of which is shipped, on the same bootstrap draws.

    Args:
        metric: of the study.
        held: the windows of the holdout.
        contenders: the models.
        seed: of the study.
    """
    draws = draw_blocks(held.blocks, (seed, BOOTSTRAP), DRAWS if held.judge is None else FEW_DRAWS)
    costs = [_measure(metric, held, contender, draws) for contender in contenders]
    return tuple(_score(metric, held, one, own, costs[0]) for one, own in zip(contenders, costs, strict=True))


@dataclass(frozen=True)
class Costs:
    """The costs of a model.

    Attributes:
        members: (1 + members,) of the ensemble, then of it without each member; (1,) of a baseline.
        drawn: (draws,) of the ensemble in each draw; None without draws.
        cases: independent blocks.
    """

    members: Floats
    drawn: Floats | None
    cases: int

    def less(self, other: "Costs") -> "Costs":
        """The excess over another model's."""
        drawn = None if self.drawn is None or other.drawn is None else self.drawn - other.drawn
        return Costs(self.members - other.members, drawn, self.cases)

    def error(self) -> tuple[float, float] | None:
        """The standard error of the whole ensemble's, and half the width of its interval; None with too few blocks."""
        if self.drawn is None or self.cases < 2:
            return None
        seeds = [jackknife(self.members[1:])] if len(self.members) > 2 else []
        return total_error([Variance(float(np.nanvar(self.drawn, ddof=1)), self.cases - 1), *seeds])


def _measure(metric: Metric, held: HoldoutWindows, contender: Contender, draws: Draws | None) -> Costs | None:
    """The costs of a model; None where it cannot be measured."""
    values = [_value(metric.name, held, contender, row) for row in range(len(contender.scores))]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    # a detection metric has as many independent cases as there are blocks with an anomalous row
    judged = held.counted if metric.name == "loss" or held.labels is None else held.labels
    drawn = None if draws is None else metric.costs(_resample(metric.name, held, contender, draws))
    return Costs(metric.costs(known), drawn, len(np.unique(held.blocks[judged])))


def _score(
    metric: Metric, held: HoldoutWindows, contender: Contender, own: Costs | None, shipped: Costs | None
) -> Score:
    value, found = _value(metric.name, held, contender), _flagged(held, contender)
    se = interval = difference = difference_interval = None
    if own is not None and value is not None:
        if (error := own.error()) is not None:
            se, interval = metric.in_units(error[0], value), _ends(metric, own.members[0], error[1])
        if shipped is not None:
            zero = metric.value(shipped.members[0])
            difference = value - zero
            if (error := own.less(shipped).error()) is not None:
                low, high = _ends(metric, own.members[0], error[1])
                difference_interval = low - zero, high - zero
    return Score(
        name=contender.name,
        trial=contender.trial,
        value=value,
        se=se,
        interval=interval,
        difference=difference,
        difference_interval=difference_interval,
        loss=_value("loss", held, contender),
        average_precision=None if held.labels is None else _value("average_precision", held, contender),
        **({} if found is None else {name: getattr(found, name) for name in ("precision", "recall", "f1", "caught")}),
    )


def _ends(metric: Metric, cost: float, half: float) -> Interval:
    low, high = sorted(metric.value(cost + end) for end in (-half, half))
    return low, high


def _value(metric: str, held: HoldoutWindows, contender: Contender, row: int = 0) -> float | None:
    """A metric of a model, or (from row 1 on) without one of its members; None where it cannot be measured."""
    scores = contender.scores[row]
    if held.judge is not None and metric != "loss":
        if contender.outputs is None:
            return None
        value = held.judge(np.arange(len(held.rows)), contender.outputs[row])
        return None if np.isnan(value) else value
    if metric == "loss":
        if contender.losses is None or not np.isfinite(contender.losses[row]).all():
            return None
        return float(np.mean(contender.losses[row][held.counted], dtype=np.float64))
    if held.labels is None or not held.labels.any() or not np.isfinite(scores).all():
        return None
    if metric == "average_precision":
        return average_precision(scores, held.labels)
    return None if contender.threshold is None else f1(scores >= contender.threshold, held.labels)


def _flagged(held: HoldoutWindows, contender: Contender) -> Flagged | None:
    """Judges the flags of the ensemble; None where it has none."""
    if held.labels is None or _value("f1", held, contender) is None:
        return None
    return judge_flags(contender.scores[0] >= contender.threshold, held.labels, number_events(held.rows, held.labels))


def _resample(metric: str, held: HoldoutWindows, contender: Contender, draws: Draws) -> Floats:
    """A metric of a model that has it in each draw, (draws,)."""
    if metric == "loss":
        assert contender.losses is not None  # noqa: S101 (it is measured)
        return draws.mean(contender.losses[0], held.counted)
    if held.judge is not None and contender.outputs is not None:
        drawn = (np.repeat(np.arange(len(held.rows)), times) for times in draws.times())
        return np.array([held.judge(windows, contender.outputs[0][windows]) for windows in drawn])
    assert held.labels is not None  # noqa: S101 (it is measured)
    if metric == "f1":
        return draws.f1(contender.scores[0] >= contender.threshold, held.labels)
    return draws.average_precision(contender.scores[0], held.labels)
