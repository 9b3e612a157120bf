"""The metric of a study: what it is called, and which direction is better."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# A loss below counts as this one (errors of a ten-thousandth of a deviation): its logarithm would decide for all folds.
LEAST_LOSS = 1e-8
# Of any value that is shown: a greater one is no number to anybody.
MOST_COST = 50.0


@dataclass(frozen=True)
class Metric:
    """A metric in its natural direction; all comparisons go through it.

    Configurations are compared by cost: of a loss the mean over folds of its logarithm, so that a difference is the
    mean fold-paired log ratio, and no fold decides alone because its losses are greater by orders; else minus the mean.

    Attributes:
        name: in study files and for programs.
        words: for people.
        maximise: whether higher is better.
        bounded: whether it is known to lie between 0 and 1, or (a loss) above 0; one of the user's own may not.
    """

    name: str
    words: str
    maximise: bool
    bounded: bool = True

    @property
    def direction(self) -> str:
        """The better direction, for people."""
        return "higher is better" if self.maximise else "lower is better"

    def costs(self, values: npt.ArrayLike) -> Floats:
        """Values of folds, of any shape, as quantities to minimise; NaN stays NaN."""
        values = np.asarray(values, np.float64)
        if not self.bounded:
            return -values if self.maximise else values
        return -values if self.maximise else np.log(np.maximum(values, LEAST_LOSS))

    def value(self, cost: float) -> float:
        """The value of a cost."""
        if not self.bounded:
            return -cost if self.maximise else cost
        return min(max(-cost, 0.0), 1.0) if self.maximise else math.exp(min(cost, MOST_COST))

    def cost(self, values: npt.ArrayLike) -> float:
        """The mean cost of a configuration's values by fold, (folds,); a fold without a value (NaN) does not count."""
        return float(np.nanmean(self.costs(values)))

    def in_units(self, difference: float, near: float) -> float:
        """A difference in cost as one in the metric's own units near a value, to first order (the delta method)."""
        return difference if self.maximise or not self.bounded else difference * near

    def change(self, difference: float) -> float:
        """A difference in cost as people read it: relative for a loss (-0.1 is a tenth less), else of the scores."""
        if self.maximise or not self.bounded:
            return -difference if self.maximise else difference
        return math.expm1(difference)

    def change_text(self, change: float) -> str:
        """Such a change in words."""
        return f"{change:+z.4f}" if self.maximise or not self.bounded else f"{100 * change:+.3g} %"

    def better(self, value: float, than: float) -> bool:
        """True where `value` beats `than`; equals do not."""
        return value > than if self.maximise else value < than

    def gain(self, value: float, over: float) -> float:
        """The advantage of `value` over `over`; negative where it is worse."""
        return value - over if self.maximise else over - value


METRICS = {
    metric.name: metric
    for metric in (
        Metric("loss", "loss", maximise=False),
        Metric("average_precision", "average precision", maximise=True),
        Metric("f1", "F1", maximise=True),
    )
}


def find_metric(name: str) -> Metric:
    """The metric of this name: of ours, or on samples any of scikit-learn's, or (`name@hash`) one of the user's own.

    Of the user's own less is better where the name begins with "-".
    """
    words = name.removeprefix("-").partition("@")[0].replace("_", " ")
    return METRICS.get(name) or Metric(name, words, maximise=not name.startswith("-"), bounded=False)
