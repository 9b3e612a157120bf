"""The regularisation path of one parameter, all else as in the best trial; what is best on it, and what is enough.

As `cv.glmnet` does (Friedman, Hastie & Tibshirani, Journal of Statistical Software 33, 2010): the folds are the same at
every point, and so are the random streams, so that points differ by the parameter alone.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuner.results.path_values import ordered
from tuner.results.selection import Floats, paired_error, shrinkage
from tuner.results.study_info import StudyInfo
from tuner.spec.sections import Spec
from tuner.spec.space import PARAMETERS, Value
from tuner.training.outcome import Outcome

# What a penalty does, in words and as an attribute of an outcome; the others act on when to stop.
EFFECTS = {
    "weight_decay": ("weight norm", "weight_norm"),
    "l1": ("share of exact zeros", "zeros"),
    "hidden_size": ("number of weights", "weights"),
    "num_layers": ("number of weights", "weights"),
}
STOPPING = ("best epoch", "best_epoch")


@dataclass(frozen=True)
class Point:
    """One value of the parameter and what training with it gave."""

    value: Value
    outcome: Outcome


@dataclass(frozen=True)
class Path:
    """A path as far as it is trained.

    Attributes:
        parameter: the one that varies.
        params: of the study's best trial.
        points: in the order of their values; some may have failed.
        best: the one with the best mean; None while none is complete.
        one_se: the most regularised one whose mean is within one standard error of that.
        se: of a difference to the best; NaN with fewer than two complete points.
    """

    parameter: str
    params: Mapping[str, Value]
    points: tuple[Point, ...]
    best: Point | None
    one_se: Point | None
    se: float

    @property
    def own(self) -> Value:
        """The parameter's value in the study's best trial."""
        return self.params[self.parameter]

    def shrinkage(self, point: Point) -> float:
        """Total shrinkage by weight decay of a complete point."""
        return shrinkage({**self.params, self.parameter: point.value}, point.outcome)

    @property
    def complete(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.outcome.state == "complete")


def stored_paths(
    spec: Spec, facts: StudyInfo, incumbent: Mapping[str, Value], trained: Iterable[tuple[Mapping[str, Value], Outcome]]
) -> tuple[Path, ...]:
    """The paths through the incumbent, in the order of PARAMETERS.

    Args:
        spec: the study's.
        facts: the study's.
        incumbent: the parameters of its best trial.
        trained: configurations and what they gave; those that differ from the incumbent in more than one parameter
            belong to no path.
    """
    here: list[Outcome] = []
    lines: dict[str, list[Point]] = {}
    for params, outcome in trained:
        different = [name for name in incumbent if params[name] != incumbent[name]]
        if not different:
            here.append(outcome)
        elif len(different) == 1:
            lines.setdefault(different[0], []).append(Point(params[different[0]], outcome))
    return tuple(
        make_path(spec, facts, name, incumbent, [*lines[name], *(Point(incumbent[name], one) for one in here)])
        for name in PARAMETERS
        if name in lines
    )


def make_path(spec: Spec, facts: StudyInfo, name: str, params: Mapping[str, Value], points: Sequence[Point]) -> Path:
    """The path through these points, in any order, with the choice made on it; `params` are the incumbent's.

    Best is the best mean over folds. The standard error is that of a paired difference to it, from the median variance
    over all complete points: neighbours on a path differ too little to tell how sure a difference is.
    """
    places = {value: place for place, value in enumerate(ordered(name, (point.value for point in points)))}
    points = tuple(sorted(points, key=lambda point: places[point.value]))
    complete = [point for point in points if point.outcome.state == "complete"]
    if not complete:
        return Path(name, params, points, None, None, math.nan)
    sign = -1.0 if spec.maximise else 1.0
    best = min(complete, key=lambda point: sign * mean(point))
    others = [_by_fold(point) for point in complete if point is not best]
    se = paired_error(_by_fold(best), others, facts.test_to_train)
    limit = sign * mean(best) + (0.0 if math.isnan(se) else se)
    near = [point for point in complete if sign * mean(point) <= limit]
    return Path(name, params, points, best, max(near, key=lambda point: _strength(name, point)), se)


def mean(point: Point) -> float:
    """The out-of-fold metric of a complete point, mean over folds."""
    value = point.outcome.value
    assert value is not None  # noqa: S101 (it is complete)
    return value


def effect(parameter: str, outcome: Outcome) -> tuple[str, float]:
    """What the strength of a parameter does to the network: in words, and how much of it."""
    words, attribute = EFFECTS.get(parameter, STOPPING)
    return words, float(getattr(outcome, attribute))


def _strength(name: str, point: Point) -> tuple[float, ...]:
    """How strongly a point is regularised: by its value, else by fewer weights, then by more training loss."""
    if PARAMETERS[name].regularises and not isinstance(point.value, str):
        return (float(point.value),)
    return (-point.outcome.weights, point.outcome.train_loss)


def _by_fold(point: Point) -> Floats:
    return np.array(point.outcome.at_best("metric"))
