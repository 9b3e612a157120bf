"""Configurations as points of the unit cube, where a Gaussian process can measure how far two of them are apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuner.data.series import Floats
from tuner.spec.space import PARAMETERS, Choices, Constant, Domain, Range, Value


@dataclass(frozen=True)
class Numeric:
    """One axis for a range, on its own scale; a grid's ends have as much of it as if the grid went on."""

    low: float
    high: float
    log: bool
    step: float | None
    whole: bool
    width = 1

    def encode(self, values: Sequence[Value]) -> Floats:
        """(values, 1) points."""
        return self._encoded(np.array(values, float))

    def decode(self, points: Floats) -> list[Value]:
        """The values nearest to (n, 1) points."""
        values: list[float] = self._nearest(points).tolist()
        return [round(value) for value in values] if self.whole else [*values]

    def round(self, points: Floats) -> Floats:
        """The points of these values."""
        points = np.clip(points, 0.0, 1.0)
        return points if self.step is None else self._encoded(self._nearest(points))

    def _encoded(self, values: Floats) -> Floats:
        low, high = self._ends()
        return ((self._scaled(values) - low) / (high - low))[:, None]

    def _nearest(self, points: Floats) -> Floats:
        low, high = self._ends()
        scaled = low + points[:, 0] * (high - low)
        values = np.exp(scaled) if self.log else scaled
        if self.step is not None:
            values = self.low + self.step * np.round((values - self.low) / self.step)
        return np.clip(values, self.low, self.high)

    def _ends(self) -> tuple[float, float]:
        margin = 0.5 * (self.step or 0.0)
        low, high = self._scaled(np.array([self.low - margin, self.high + margin]))
        return float(low), float(high)

    def _scaled(self, values: Floats) -> Floats:
        return np.log(values) if self.log else values


@dataclass(frozen=True)
class OneHot:
    """An axis for each choice: 1 on its own, 0 on the others; `encode`, `decode` and `round` as for a `Numeric`."""

    choices: tuple[Value, ...]

    @property
    def width(self) -> int:
        return len(self.choices)

    def encode(self, values: Sequence[Value]) -> Floats:
        return np.eye(self.width)[[self.choices.index(value) for value in values]]

    def decode(self, points: Floats) -> list[Value]:
        return [self.choices[at] for at in points.argmax(1)]

    def round(self, points: Floats) -> Floats:
        return np.asarray(np.eye(self.width)[points.argmax(1)], np.float64)


class Encoding:
    """The searched part of a space as the unit cube.

    Args:
        space: of a study; constants have no axis.
    """

    def __init__(self, space: Mapping[str, Domain]) -> None:
        self._parts = {name: _part(name, domain) for name, domain in space.items() if not isinstance(domain, Constant)}
        ends = np.cumsum([0, *(part.width for part in self._parts.values())])
        self._columns = dict(zip(self._parts, map(slice, ends[:-1].tolist(), ends[1:].tolist()), strict=True))
        self.axes = int(ends[-1])

    def encode(self, configurations: Sequence[Mapping[str, Value]]) -> Floats:
        """(configurations, axes) points.

        Raises:
            ValueError: a choice that the space does not have.
        """
        columns = [part.encode([params[name] for params in configurations]) for name, part in self._parts.items()]
        return np.hstack([np.empty((len(configurations), 0)), *columns])

    def round(self, points: Floats) -> Floats:
        """Moves (n, axes) points to the nearest ones that are configurations."""
        columns = [part.round(points[:, self._columns[name]]) for name, part in self._parts.items()]
        return np.hstack([np.empty((len(points), 0)), *columns])

    def decode(self, point: Floats) -> dict[str, Value]:
        """The searched parameters at a point, (axes,)."""
        return {name: part.decode(point[None, self._columns[name]])[0] for name, part in self._parts.items()}


def _part(name: str, domain: Range | Choices) -> Numeric | OneHot:
    if isinstance(domain, Choices):
        return OneHot(domain.choices)
    whole = PARAMETERS[name].kind is int
    return Numeric(domain.low, domain.high, domain.log, domain.step or (1 if whole else None), whole)
