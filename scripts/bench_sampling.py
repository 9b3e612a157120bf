"""Which sampler finds good configurations soonest? Run: python scripts/bench_sampling.py FOLDER [SEEDS]

On the studies that `scripts/bench_pruning.py record FOLDER` has kept: extremely randomised trees are fitted to their
random configurations (none of the samplers has such trees inside) and stand in for training. Each sampler then
searches, through the same code and with the same lag as a real study, without pruning. Printed: by how much the
incumbent misses the best of 20,000 random configurations, in per cent of the spread between that and the median
configuration; means over seeds; and the time that a choice takes.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from tuner.search.replica import Finished, Replica
from tuner.search.sampling import choose
from tuner.search.space import searched
from tuner.search.store import Store
from tuner.search.study import Findings, findings
from tuner.spec.sections import Spec
from tuner.spec.space import Range, Value

SAMPLERS = ("random", "tpe", "gp")
TRIALS = 40
LOOKS = (10, 20, 30, 40)


def coordinates(spec: Spec, params: Mapping[str, Value]) -> list[float]:
    """The searched parameters, those on a logarithmic scale as logarithms."""
    place = []
    for name, value in searched(spec.space, params).items():
        domain = spec.space[name]
        log = isinstance(domain, Range) and domain.log
        place.append(float(np.log(float(value))) if log else float(value))
    return place


class Stand:
    """Stands in for training on one recorded study: predicts the loss (negated, where the metric is maximised)."""

    def __init__(self, recorded: Findings) -> None:
        self.spec = recorded.spec
        self._sign = -1.0 if self.spec.maximise else 1.0
        done = [(trial.params, trial.outcome.value) for trial in recorded.trials]
        places = [coordinates(self.spec, params) for params, value in done if value is not None]
        losses = [self._sign * value for _, value in done if value is not None]
        self._trees = ExtraTreesRegressor(300, min_samples_leaf=1, random_state=0).fit(places, losses)
        self._params = [params for params, _ in done]
        chance = np.random.default_rng(0)
        low, high = np.min(places, axis=0), np.max(places, axis=0)
        everywhere = self._trees.predict(chance.uniform(low, high, (20_000, len(low))))
        self.best, self.median = float(everywhere.min()), float(np.median(everywhere))

    def missed(self, loss: float) -> float:
        """Per cent of the spread between the median and the best configuration."""
        return 100 * (loss - self.best) / (self.median - self.best)

    def search(self, sampler: str, seed: int) -> tuple[list[float], float]:
        """What the incumbent misses after each trial, and the mean seconds a choice took."""
        changed = {"search": self.spec.search.model_copy(update={"sampler": sampler})}
        spec = self.spec.model_copy(update=changed | {"study": self.spec.study.model_copy(update={"seed": seed})})
        replica, losses, asking = Replica(spec), [], 0.0
        params: list[dict[str, Value]] = []
        finished: list[Finished] = []
        for number in range(TRIALS):
            known = finished[: max(0, number - spec.search.lag + 1)]
            started = time.perf_counter()
            params.append(choose(replica, number, known, params[len(known) :]))
            asking += time.perf_counter() - started
            losses.append(float(self._trees.predict([coordinates(spec, params[-1])])[0]))
            value = self._sign * losses[-1]
            finished.append(Finished(number, params[-1], "complete", value, (value,)))
        return [self.missed(loss) for loss in np.minimum.accumulate(losses)], asking / TRIALS


def main() -> None:
    folder, seeds = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with Store(f"sqlite:///{folder / 'curves.db'}", create=False) as store:
        recorded = [findings(store.open(name)) for name in store.names()]
    means: dict[str, list[list[float]]] = {sampler: [] for sampler in SAMPLERS}
    for study in recorded:
        stand = Stand(study)
        for sampler in SAMPLERS:
            runs = [stand.search(sampler, seed) for seed in range(seeds)]
            missed = np.mean([curve for curve, _ in runs], axis=0)
            means[sampler].append(missed.tolist())
            shown = "  ".join(f"{look} trials {missed[look - 1]:5.1f} %" for look in LOOKS)
            each = 1e3 * np.mean([seconds for _, seconds in runs])
            print(f"{study.spec.study.name:16} {sampler:7} {shown}   {each:.0f} ms a choice", flush=True)
    for sampler, curves in means.items():
        middle = np.mean(curves, axis=0)
        print(f"{'all':16} {sampler:7} " + "  ".join(f"{look} trials {middle[look - 1]:5.1f} %" for look in LOOKS))


if __name__ == "__main__":
    main()
