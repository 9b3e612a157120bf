"""Would a pruner do better that has learnt what curves become? Run: python scripts/bench_prediction.py FOLDER

Reads what `bench_pruning.py record FOLDER` trained. For each data set a classifier learns on all the others, without a
pruner, how likely a trial is to end among the best tenth, from what can be known after an epoch: its rank among the
known trials, its distances to the best tenth of their final values and to the incumbent's, the t statistic of its
fold-paired differences to the incumbent, its slope and where that would lead, the epochs since its best one and so far,
and how many trials are known. Data sets of the same files are left out together. A trial is ended when it is less
likely than a threshold; from the least threshold to the greatest more is saved and more of the best are ended.
Replayed and judged as in `bench_pruning.py`; a logistic regression and gradient boosting.
"""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from bench_pruning import ORDERS, Verdict, describe, judge
from recorded import Recorded, order_of, read
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Floats = npt.NDArray[np.float64]
Rule = Callable[[Floats], float]

# Orders in which the other data sets are shown to learn from; the replays have others.
LESSONS = range(100, 105)
THRESHOLDS = (0.003, 0.01, 0.03, 0.1)
FIRST_SHARE = 0.1
LEAST_KNOWN = 7


@dataclass(frozen=True)
class Curves:
    """One data set as losses: (trials, epochs) best so far and as they came, (trials, folds, epochs) of each fold."""

    recorded: Recorded
    best: Floats
    raw: Floats
    folds: Floats

    @staticmethod
    def of(recorded: Recorded) -> "Curves":
        epochs, sign = recorded.spec.train.epochs, -1 if recorded.spec.metric.maximise else 1

        def padded(values: Sequence[float]) -> Floats:
            return sign * np.pad(np.array(values, np.float64), (0, epochs - len(values)), mode="edge")

        outcomes = [trial.outcome for trial in recorded.trials]
        return Curves(
            recorded,
            np.array([padded(curve) for curve in recorded.curves]),
            np.array([padded(outcome.curve) for outcome in outcomes]),
            np.array([[padded(fold.metric) for fold in outcome.folds] for outcome in outcomes]),
        )

    @property
    def first(self) -> int:
        """The first epoch after which a trial may be ended."""
        return max(1, round(FIRST_SHARE * self.recorded.spec.train.epochs))

    def features(self, trial: int, epoch: int, known: Sequence[int], ended: Mapping[int, int]) -> Floats:
        """What can be known of a trial after an epoch; `ended` has the known ones' epochs, pruned ones negative."""
        epochs, mine = self.best.shape[1], self.best[trial, epoch - 1]
        lasts = np.array([-ended[one] if ended[one] < 0 else epochs for one in known])
        finals = self.best[known, lasts - 1]
        better = (lasts >= epoch) & (self.best[known, epoch - 1] < mine)
        spread = float(np.subtract(*np.quantile(finals, [0.75, 0.25]))) + 1e-12
        incumbent = known[int(np.argmin(np.where(lasts == epochs, finals, np.inf)))]
        paired = self.folds[trial, :, epoch - 1] - self.folds[incumbent, :, epoch - 1]
        back = max(1, epoch // 3)
        slope = (mine - self.best[trial, epoch - 1 - back]) / spread / back if epoch > back else 0.0
        return np.array(
            [
                better.sum() / (len(known) + 1),
                (mine - np.quantile(finals, 0.1)) / spread,
                (mine - self.best[incumbent, -1]) / spread,
                np.clip(np.nanmean(paired) / (np.nanstd(paired, ddof=1) / np.sqrt(len(paired)) + 1e-12), -20, 20),
                slope,
                slope * (epochs - epoch),
                (epoch - 1 - np.argmin(self.raw[trial, :epoch])) / epochs,
                epoch / epochs,
                np.log(len(known)),
            ]
        )

    def known(self, order: Sequence[int], position: int) -> list[int]:
        return list(order[: max(0, position - self.recorded.spec.search.lag + 1)])

    def lessons(self) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Features and whether the trial ended among the best tenth, a row for each trial, epoch and order."""
        rows, answers, curves = [], [], self.recorded.curves
        ended = {trial: len(curve) for trial, curve in enumerate(curves)}
        for order in (order_of(self.recorded, seed) for seed in LESSONS):
            for position, trial in enumerate(order):
                known = self.known(order, position)
                if trial < 2 or len(known) < LEAST_KNOWN:
                    continue
                for epoch in range(self.first, len(curves[trial]) + 1):
                    rows.append(self.features(trial, epoch, known, ended))
                    answers.append(trial in self.recorded.top)
        return np.array(rows), np.array(answers)

    def replay(self, seed: int, likely: Rule, threshold: float) -> Verdict:
        """Shows the trials in one order, and ends those that are less likely to be good than the threshold."""
        order, ended = order_of(self.recorded, seed), dict[int, int]()
        for position, trial in enumerate(order):
            known, last = self.known(order, position), len(self.recorded.curves[trial])
            looks = range(self.first, last + 1) if trial >= 2 and len(known) >= LEAST_KNOWN else ()
            cut = (epoch for epoch in looks if likely(self.features(trial, epoch, known, ended)) < threshold)
            ended[trial] = -next(cut, -last)
        return judge(self.recorded, ended)


def logistic(rows: Floats, answers: npt.NDArray[np.bool_]) -> Rule:
    scaler, model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)).fit(rows, answers)
    weights = model.coef_[0] / scaler.scale_
    bias = float(model.intercept_[0] - weights @ scaler.mean_)
    return lambda row: float(1 / (1 + np.exp(-(row @ weights + bias))))


def boosted(rows: Floats, answers: npt.NDArray[np.bool_]) -> Rule:
    model = HistGradientBoostingClassifier(max_depth=3, max_iter=100, learning_rate=0.05, random_state=0)
    model.fit(rows, answers)
    return lambda row: float(model.predict_proba(row[None])[0, 1])


def replays(curves: Curves, rows: Floats, answers: npt.NDArray[np.bool_]) -> dict[str, list[Verdict]]:
    """All rules on one data set, learnt from the others' rows."""
    warnings.simplefilter("ignore")
    rules = {"logistic regression": logistic(rows, answers), "gradient boosting": boosted(rows, answers)}
    return {
        f"{name}, below {threshold:g}": [curves.replay(seed, rule, threshold) for seed in range(ORDERS)]
        for name, rule in rules.items()
        for threshold in THRESHOLDS
    }


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sets = [Curves.of(recorded) for recorded in read(Path(sys.argv[1]))]
    files = [one.recorded.spec.data.path or one.recorded.spec.data.source for one in sets]
    with ProcessPoolExecutor(2) as pool:
        lessons = list(pool.map(Curves.lessons, sets))
        others = [[lesson for lesson, file in zip(lessons, files, strict=True) if file != own] for own in files]
        rows, answers = ([np.concatenate([lesson[at] for lesson in one]) for one in others] for at in (0, 1))
        describe(list(pool.map(replays, sets, rows, answers)))


if __name__ == "__main__":
    main()
