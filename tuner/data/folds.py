"""A data set made ready for training: per fold the scaled rows, the answers and which windows take part."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tuner.data.series import Bools, Floats, Ints
from tuner.data.splits import Fold, Split
from tuner.data.windows import Windows
from tuner.errors import UserError

# Beyond this ratio a few anomalous rows would drown all others.
MAX_CLASS_WEIGHT = 10.0
# Scaled inputs end here, in standard deviations: a column that hardly moved in training would else drown all others.
BOUND = 20.0
BLOCK = 65_536  # rows scaled at a time


@dataclass(frozen=True)
class Scaling:
    """Subtracts `mean` and divides by `deviation`, column by column; inputs end at `bound`, if there is one."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    bound: float | None = BOUND

    @classmethod
    def none(cls, columns: int) -> "Scaling":
        """What leaves so many columns as they are."""
        return cls((0.0,) * columns, (1.0,) * columns, None)

    def apply(self, values: Floats) -> Floats:
        return (values - self.mean) / self.deviation

    def inputs(self, values: Floats) -> npt.NDArray[np.float32]:
        """Scaled values as networks see them: none beyond the bound."""
        found = np.empty(values.shape, dtype=np.float32)
        for first in range(0, len(values), BLOCK):  # so that large data stand there once
            rows = slice(first, first + BLOCK)
            scaled = self.apply(values[rows])
            found[rows] = scaled if self.bound is None else np.clip(scaled, -self.bound, self.bound)
        return found


@dataclass(frozen=True)
class FoldData:
    """The data of one fold (or refit); everything fitted was fitted on its training windows.

    Attributes:
        rows: (rows, features) scaled and clipped.
        window: rows that a window sees, the longest one at most.
        first: (windows,) first row of each window.
        answers: (windows, outputs) scaled target of each window, or its label (0 or 1) for `classify`; of one of
            several classes the weight of that class in its column, else 0.
        labels: (windows,) is the row that the window answers anomalous? None without labels.
        train: (n,) windows to train on.
        valid: (m,) windows to validate and score.
        counted: (m,) which validation windows enter the validation loss.
        class_weight: the weight of an anomalous window in the loss; 1 for `forecast`.
        error_scale: (outputs,) what brings errors of scaled answers into one unit for all folds: the deviation of the
            fold's targets over `Problem.unit`; 1 for `classify`.
        features: the scaling of `rows`.
        targets: the scaling of `answers`; None for `classify`.
        lengths: (windows,) rows that each sees; None where all see `window`.
    """

    rows: npt.NDArray[np.float32]
    window: int
    first: Ints
    answers: npt.NDArray[np.float32]
    labels: Bools | None
    train: Ints
    valid: Ints
    counted: Bools
    class_weight: float
    error_scale: npt.NDArray[np.float32]
    features: Scaling
    targets: Scaling | None
    lengths: Ints | None = None

    @property
    def has_classes(self) -> bool:
        """True where a column of `answers` stands for each class."""
        return self.targets is None and self.answers.shape[1] > 1


@dataclass(frozen=True)
class Problem:
    """A data set with its windows and split.

    Attributes:
        features: (rows, features) as loaded, all series one after the other.
        answers: (windows, outputs) unscaled target of each window, or its label for `classify`; a column a class where
            there are several.
        persistence: (windows, outputs) the answer if nothing changed since the window's last row; None where that is
            no answer.
        labels: (rows,) or None.
        windows: all windows.
        split: folds, development and holdout.
        classify: whether answers are classes.
        group: (windows,) windows of one group are one case; None where they share rows with their neighbours.
        scale: False where features and answers stay in the units they come in.
    """

    features: Floats
    answers: Floats
    persistence: Floats | None
    labels: Bools | None
    windows: Windows
    split: Split
    classify: bool
    group: Ints | None = None
    scale: bool = True

    @cached_property
    def unit(self) -> Floats:
        """(outputs,) the unit of errors in all losses: the deviation of the answers before the holdout.

        No network sees it: a fold whose own targets hardly move must not have losses in another unit than the others.
        """
        if self.classify:
            return np.ones(self.answers.shape[1])
        return np.array(fit_scaling(self.answers[self._normal(self.split.development)]).deviation)

    def _normal(self, windows: Ints) -> Ints:
        """Those of the windows that neither see nor answer an anomalous row."""
        return windows if self.labels is None else windows[~self.windows.touches(self.labels)[windows]]

    def folds(self) -> tuple[FoldData, ...]:
        """The data of every fold, in order."""
        return tuple(self.prepare(fold) for fold in self.split.folds)

    def refit(self) -> FoldData:
        """All windows before the holdout to train on, the holdout's to validate on (refit A)."""
        return self.prepare(self.split.last)

    def whole(self) -> FoldData:
        """All windows to train on, none of them to validate on (refit B)."""
        every = np.arange(len(self.windows))
        data = self.prepare(Fold(every, every))
        return replace(data, valid=every[:0], counted=data.counted[:0])

    def learnt(self, fold: Fold) -> tuple[Ints, Bools, float]:
        """The windows to train on, (n,), which validation windows count, (m,), and the weight of an anomalous window.

        Raises:
            UserError: no window is left to train on, or none of one class.
        """
        labels = None if self.labels is None else self.labels[self.windows.target]
        train, counted = fold.train, np.ones(len(fold.valid), dtype=bool)
        if self.labels is not None and labels is not None and not self.classify:
            train = self._normal(train)
            counted = ~labels[fold.valid]
        if len(train) < 2 or not counted.any():
            raise UserError(
                f"a fold has {len(train)} training and {counted.sum()} validation windows without anomalous rows",
                where="[cv]",
                hint='lower `folds`, make `[task] window` shorter, or learn the labels with `[task] kind = "classify"`',
            )
        alone = self.classify and self.answers.shape[1] == 1
        return train, counted, _class_weight(self.answers[train]) if alone else 1.0

    def prepare(self, fold: Fold) -> FoldData:
        """Scales rows and answers by the training windows of `fold`, and leaves out what must not be learnt.

        Raises:
            UserError: as `learnt`.
        """
        train, counted, weight = self.learnt(fold)
        labels = None if self.labels is None else self.labels[self.windows.target]
        features = Scaling.none(self.features.shape[1])
        if self.scale:
            features = fit_scaling(self.features, self.windows.seen_rows(train))
        targets, answers, scale = None, self.answers, self.unit
        if self.classify:
            answers = answers if answers.shape[1] == 1 else answers * _class_weights(answers[train])
        else:
            targets = fit_scaling(self.answers[train]) if self.scale else Scaling.none(self.answers.shape[1])
            answers, scale = targets.apply(self.answers), targets.deviation / self.unit
        return FoldData(
            rows=features.inputs(self.features),
            window=self.windows.length,
            first=self.windows.first,
            answers=answers.astype(np.float32),
            labels=labels,
            train=train,
            valid=fold.valid,
            counted=counted,
            class_weight=weight,
            error_scale=scale.astype(np.float32),
            features=features,
            targets=targets,
            lengths=self.windows.lengths,
        )


def fit_scaling(values: Floats, rows: Bools | None = None) -> Scaling:
    """Mean and standard deviation of each column of `values`, (rows, columns), over the rows that are marked, or all.

    A column that is constant but for rounding has its magnitude instead (or 1): what it does elsewhere, nobody has
    learnt, and must not be blown up.
    """
    columns = (column if rows is None else column[rows] for column in values.T)  # one after the other: they may be long
    found = [(column.mean(), column.std(), np.abs(column).max(initial=0)) for column in columns]
    mean, deviation, magnitude = np.reshape(found, (-1, 3)).T
    deviation = np.where(deviation > 1e-12 * magnitude, deviation, np.where(magnitude > 0, magnitude, 1.0))
    return Scaling(tuple(mean.tolist()), tuple(deviation.tolist()))


def _class_weight(answers: Floats) -> float:
    anomalous = answers.sum()
    if anomalous == 0:
        raise UserError(
            "a fold has no anomalous window to learn from",
            where="[cv] folds",
            hint='lower `folds`, or use `[task] kind = "forecast"`',
        )
    return float(min(max((len(answers) - anomalous) / anomalous, 1.0), MAX_CLASS_WEIGHT))


def _class_weights(answers: Floats) -> Floats:
    """The weight of each class, (classes,), from samples in one column a class: rarer ones weigh more.

    The mean over samples is 1, as far as `MAX_CLASS_WEIGHT` allows; a class without samples has nothing to weigh.
    """
    counts = answers.sum(axis=0)
    weights: Floats = counts.sum() / np.maximum(counts, 1) / np.count_nonzero(counts)
    return weights.clip(max=MAX_CLASS_WEIGHT)
