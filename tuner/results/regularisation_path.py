"""The regularisation path of one parameter, all else as in the best trial; what is best on it, and what is enough.

As `cv.glmnet` does (Friedman, Hastie & Tibshirani, Journal of Statistical Software 33, 2010): the folds are the same at
every point, and so are the random streams, so that points differ by the parameter alone.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isclose

import numpy as np

from tuner.errors import UserError, nearest
from tuner.results.selection import paired_error, shrinkage
from tuner.spec.sections import Spec
from tuner.spec.space import PARAMETERS, Choices, Constant, Range, Value
from tuner.training.outcome import Outcome

# What a penalty does, in words and as an attribute of an outcome; the others act on when to stop.
EFFECTS = {
    "weight_decay": ("weight norm", "weight_norm"),
    "l1": ("share of exact zeros", "zeros"),
    "hidden_size": ("number of weights", "weights"),
    "num_layers": ("number of weights", "weights"),
}
STOPPING = ("best epoch", "best_epoch")
# Digits of a value between the ends of its range: the same on every machine, and readable.
DIGITS = 4


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
        se: of a difference to the best, in the metric's units; NaN with fewer than two complete points.
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


def path_domain(spec: Spec, name: str) -> Range | Choices:
    """The domain of a path: the parameter's in the study, or its usual one where the study fixes it.

    Raises:
        UserError: there is no such parameter, or it has one possible value.
    """
    if name not in PARAMETERS:
        raise UserError(f"unknown parameter `{name}`", where="--param", hint=nearest(name, PARAMETERS))
    parameter, domain = PARAMETERS[name], spec.space[name]
    if isinstance(domain, Constant):
        domain = Choices(parameter.words, parameter.words[0]) if parameter.words else parameter.domain
    if isinstance(domain, Constant) or (isinstance(domain, Choices) and len(domain.choices) < 2):
        raise UserError(
            f"`{name}` has one possible value, {spec.space[name].default}: there is no path",
            where="--param",
            hint=f"give it a range in the [space] of another study: {name} = {{low = …, high = …}}",
        )
    return domain


def is_log(domain: Range | Choices) -> bool:
    """True where values are spaced evenly by their logarithm: where the range is, or could be."""
    if isinstance(domain, Choices):
        return all(not isinstance(choice, str) and choice > 0 for choice in domain.choices)
    return domain.log or (domain.low > 0 and domain.step is None)


def path_values(name: str, domain: Range | Choices, count: int, own: Value) -> tuple[Value, ...]:
    """At most `count` values spread over the domain, both ends among them, and the study's `own`, in order.

    Whole numbers are each taken once, choices all.
    """
    values = domain.choices if isinstance(domain, Choices) else _spread(domain, count, PARAMETERS[name].kind is int)
    # a value that rounding alone tells from the study's own would be trained twice
    others = [value for value in values if isinstance(value, str) or isinstance(own, str) or not isclose(value, own)]
    return tuple(ordered(name, [*others, own]))


def ordered(name: str, values: Iterable[Value]) -> list[Value]:
    """Numbers by size, words as the parameter lists them."""
    words = PARAMETERS[name].words
    return sorted(set(values), key=lambda value: words.index(value) if isinstance(value, str) else value)


def _spread(domain: Range, count: int, whole: bool) -> list[float | int]:
    low, high = domain.low, domain.high
    if domain.step is not None:
        steps = round((high - low) / domain.step)
        places = np.linspace(0, steps, min(count, steps + 1)).round()
        spaced = [low + domain.step * float(place) for place in places]
    else:
        spaced = (np.geomspace if is_log(domain) else np.linspace)(low, high, count).tolist()
    if whole:
        return sorted({round(value) for value in spaced})
    inner = {float(f"{value:.{DIGITS}g}") for value in spaced[1:-1]}
    return [low, *sorted(value for value in inner if low < value < high), high]


def stored_paths(
    spec: Spec,
    test_to_train: float,
    incumbent: Mapping[str, Value],
    trained: Iterable[tuple[Mapping[str, Value], Outcome]],
) -> tuple[Path, ...]:
    """The paths through the incumbent, in the order of PARAMETERS.

    Args:
        spec: the study's.
        test_to_train: validation windows over training windows, mean over folds.
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
        make_path(spec, test_to_train, name, incumbent, [*lines[name], *(Point(incumbent[name], one) for one in here)])
        for name in PARAMETERS
        if name in lines
    )


def make_path(
    spec: Spec, test_to_train: float, name: str, params: Mapping[str, Value], points: Sequence[Point]
) -> Path:
    """The path through these points, in any order, with the choice made on it; `params` are the incumbent's.

    Best is the least cost (`Metric.cost`). The standard error is that of a paired difference to it, from the median
    variance over all complete points: neighbours on a path differ too little to tell how sure a difference is.
    """
    places = {value: place for place, value in enumerate(ordered(name, (point.value for point in points)))}
    points = tuple(sorted(points, key=lambda point: places[point.value]))
    complete = [point for point in points if point.outcome.state == "complete"]
    if not complete:
        return Path(name, params, points, None, None, math.nan)
    costs = [spec.metric.costs(point.outcome.at_best("metric")) for point in complete]
    means = [point.outcome.cost(spec.metric) for point in complete]
    least = int(np.argmin(means))
    best, se = complete[least], paired_error(costs[least], [*costs[:least], *costs[least + 1 :]], test_to_train)
    limit = means[least] + (0.0 if math.isnan(se) else se)
    near = [point for point, cost in zip(complete, means, strict=True) if cost <= limit]
    one_se = max(near, key=lambda point: _strength(name, point))
    return Path(name, params, points, best, one_se, spec.metric.in_units(se, mean(best)))


def mean(point: Point) -> float:
    """The out-of-fold metric of a complete point, mean over folds."""
    value = point.outcome.value
    assert value is not None  # noqa: S101 (it is complete)
    return value


def effect(parameter: str, outcome: Outcome) -> tuple[str, float]:
    """The effect of a parameter's strength on the network: in words, and its amount."""
    words, attribute = EFFECTS.get(parameter, STOPPING)
    return words, float(getattr(outcome, attribute))


def _strength(name: str, point: Point) -> tuple[float, ...]:
    """The strength of a point's regularisation: its value, else fewer weights, then by more training loss."""
    if PARAMETERS[name].regularises and not isinstance(point.value, str):
        return (float(point.value),)
    return (-point.outcome.weights, point.outcome.train_loss)
