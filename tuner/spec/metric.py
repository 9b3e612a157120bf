"""The metric of a study: what it is called, and which direction is better."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Metric:
    """A metric in its natural direction; all comparisons of scores go through it.

    Attributes:
        name: in study files and for programs.
        words: for people.
        maximise: whether higher is better.
    """

    name: str
    words: str
    maximise: bool

    @property
    def direction(self) -> str:
        """The better direction, for people."""
        return "higher is better" if self.maximise else "lower is better"

    def cost(self, value: float) -> float:
        """The value as a quantity to minimise: a key to sort by, the best first."""
        return -value if self.maximise else value

    def better(self, value: float, than: float) -> bool:
        """True where `value` beats `than`; equals do not."""
        return self.cost(value) < self.cost(than)

    def gain(self, value: float, over: float) -> float:
        """The advantage of `value` over `over`; negative where it is worse."""
        return value - over if self.maximise else over - value

    def best(self, values: Iterable[float]) -> float:
        """The best of some values."""
        return max(values) if self.maximise else min(values)

    def best_epoch(self, curve: Sequence[float]) -> int:
        """The first epoch at which a curve is best, counted from 1; 0 for an empty curve."""
        if not curve:
            return 0
        return int(np.argmax(curve) if self.maximise else np.argmin(curve)) + 1


METRICS = {
    metric.name: metric
    for metric in (
        Metric("loss", "loss", maximise=False),
        Metric("average_precision", "average precision", maximise=True),
        Metric("f1", "F1", maximise=True),
    )
}
