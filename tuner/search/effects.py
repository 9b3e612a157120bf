"""The effect of each searched parameter on the score, by the Gaussian process that the search chooses with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tuner.evaluation.bootstrap import Interval
from tuner.results.selection import Trial
from tuner.search.encoding import Encoding
from tuner.search.gaussian import Process, fit
from tuner.spec.sections import Spec
from tuner.spec.space import Choices, Constant, Domain, Range, Value

# Complete trials below which nothing is said.
LEAST_TRIALS = 10
# Values of a range that are compared, both ends among them; and configurations that each is averaged over.
GRID, MOST_CONFIGURATIONS = 15, 60
# So many interquartile ranges above the third quartile a cost is cut off.
OUTLYING = 1.5
# Half the width of a 95 % interval, in standard deviations.
QUANTILE = 1.96


@dataclass(frozen=True)
class Gain:
    """A gain in the study's metric over a parameter's lowest value, positive where better, and its 95 % interval."""

    value: Value
    gain: float
    interval: Interval


@dataclass(frozen=True)
class Effect:
    """The effect of a parameter on the score, all others as in the complete trials, on average over these.

    Attributes:
        name: of the parameter.
        lowest: its lowest value, or its first choice, which the others are compared with.
        best, highest: at the best of its values, and at its highest one (or last choice).
        is_clear: whether the best value is better than the lowest or the highest one beyond the 95 % interval.
    """

    name: str
    lowest: Value
    best: Gain
    highest: Gain
    is_clear: bool

    @property
    def worth(self) -> float:
        """The gain of the best value over the worse end."""
        return max(self.best.gain, self.best.gain - self.highest.gain)

    @property
    def direction(self) -> str:
        """The direction in which the score improves, in words."""
        value = self.best.value
        if not self.is_clear:
            return "no clear effect"
        if isinstance(value, str):
            return f"{value} is best"
        ends = {self.lowest: "less is better", self.highest.value: "more is better"}
        return ends.get(value) or f"best near {value if isinstance(value, int) else f'{value:.2g}'}"


def find_effects(spec: Spec, trials: Sequence[Trial]) -> tuple[Effect, ...]:
    """The effects of the parameters that varied, the largest first; none where fewer than LEAST_TRIALS are complete.

    A pruned trial counts with its best value until then; far outliers count as less far. Where trials are few the gains
    are too small rather than too great: the process expects little of what it does not know.
    """
    complete = [trial.params for trial in trials if trial.outcome.state == "complete"]
    known = [(trial.params, value) for trial in trials if (value := trial.outcome.value) is not None]
    costs = np.array([spec.metric.gain(0.0, over=value) for _, value in known])
    if len(complete) < LEAST_TRIALS or np.ptp(costs) == 0:
        return ()
    quarter, three = np.percentile(costs, [25, 75])
    costs = np.minimum(costs, three + OUTLYING * (three - quarter))
    spaced = np.linspace(0, len(complete) - 1, min(len(complete), MOST_CONFIGURATIONS)).astype(int)
    configurations, encoding = [complete[at] for at in spaced], Encoding(spec.space)
    with threadpool_limits(1):  # with more, the order of sums depends on how many there are
        process = fit(encoding.encode([params for params, _ in known]), (costs - costs.mean()) / costs.std())
        effects = [
            _effect(name, domain, float(costs.std()), process, encoding, configurations)
            for name, domain in spec.space.items()
            if not isinstance(domain, Constant) and len({params[name] for params, _ in known}) > 1
        ]
    return tuple(sorted(effects, key=lambda effect: effect.highest.gain - 2 * effect.best.gain))


def _effect(
    name: str,
    domain: Domain,
    unit: float,
    process: Process,
    encoding: Encoding,
    configurations: Sequence[Mapping[str, Value]],
) -> Effect:
    """The partial dependence on a parameter (Friedman, Annals of Statistics 29, 2001), with joint intervals.

    These are widened by the leave-one-out residuals (Bachoc, Computational Statistics & Data Analysis 66, 2013).
    """
    values, count = _levels(domain), len(configurations)
    points = encoding.encode([{**params, name: value} for value in values for params in configurations])
    mean = unit * process.predict(points)[0].reshape(len(values), count).mean(axis=1)
    covariance = unit**2 * process.covariance(points).reshape(len(values), count, len(values), count).mean(axis=(1, 3))
    variance = covariance.diagonal()
    # [i, j]: half the width of the interval of the difference of two values
    half = (
        QUANTILE * max(1.0, process.surprise) * np.sqrt(np.maximum(variance[:, None] + variance - 2 * covariance, 0.0))
    )

    def gain(at: int) -> Gain:
        over = float(mean[0] - mean[at])
        return Gain(values[at], over, (over - float(half[at, 0]), over + float(half[at, 0])))

    best, highest = int(np.argmin(mean)), len(values) - 1
    clear = any(mean[end] - mean[best] > half[best, end] for end in (0, highest))
    return Effect(name, values[0], gain(best), gain(highest), clear)


def _levels(domain: Domain) -> tuple[Value, ...]:
    """Some values of a domain, the lowest first."""
    if isinstance(domain, Choices):
        return tuple(sorted(domain.choices, key=lambda value: (value != domain.low, isinstance(value, str) or value)))
    assert isinstance(domain, Range)  # noqa: S101 (a constant does not vary)
    scale = np.geomspace if domain.log else np.linspace
    grid = scale(domain.low, domain.high, GRID)
    if isinstance(domain.low, int):
        return tuple(dict.fromkeys(round(value) for value in grid))
    return tuple(grid.tolist())
