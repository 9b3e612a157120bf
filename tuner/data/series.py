"""Series without gaps or missing values: where files are cut into them, and the data set that they make."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tuner.errors import listed
from tuner.spec.sections import NOTHING_TOLD, Reading

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Times = npt.NDArray[np.datetime64] | Floats | Ints

LONGEST_INTERPOLATED = 10  # rows; a longer run of missing rows ends a series

IDLE = 1e-4  # of a target's variance: an error of repeating it that leaves nothing to learn


@dataclass(frozen=True)
class Series:
    """Consecutive rows at a steady step.

    Attributes:
        name: the file or session it came from; a file cut at its gaps gives `name`, `name#2`, `name#3`, …
        time: what the time column says, (rows,); the row number where there is no time column.
        features: (rows, features), finite.
        targets: (rows, targets), finite; (rows, 0) for `classify`.
        labels: (rows,), true where a row is anomalous; None without a label column.
        file: the file that it is a piece of; None if it is whole.
    """

    name: str
    time: Times
    features: Floats
    targets: Floats
    labels: Bools | None
    file: str | None = None

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Samples:
    """Sequences that have an answer each, as runs of rows of a data set's series.

    Attributes:
        first: (n,) first row of each, ascending, over all series one after the other.
        lengths: (n,) rows of each.
        answers: (n, outputs) values; or a column a class, which is 1 for the sample's own and 0 else.
        classes: their names; empty for values.
        group: (n,) samples of one group are never parted; None where so many share rows that they are parted as
            windows of a series are.
        time: (n,) their rank in time; None where it does not matter.
        parts: (folds, n) TRAIN, VALID, HELD_OUT, or 0 for neither; None where folds are left to the tuner.
    """

    first: Ints
    lengths: Ints
    answers: Floats
    classes: tuple[str, ...]
    group: Ints | None
    time: Ints | None
    parts: Ints | None


TRAIN, VALID, HELD_OUT = 1, 2, 3


@dataclass(frozen=True)
class Dataset:
    """All series of a study.

    Attributes:
        series: in the order of their files, then of time.
        feature_names: the columns of `Series.features`.
        target_names: the columns of `Series.targets`.
        interpolated: the longest run of rows that were interpolated: values that far apart depend on each other.
        lookback: how many rows back a row's features reach, where the source derives them from earlier rows.
        digest: SHA-256 over names and values: two data sets with one digest are equal.
        notes: what a user should know about how the data were read, as sentences.
        time_names: the column of `Series.time`, or the parts of it; empty where rows are evenly spaced.
        label_name: the column of `Series.labels`; None without one.
        anomalous: its values that mean so; None where 1 does.
        series_name: the column that tells the series of a file apart; None where each file is one.
        warnings: what can make a result worthless, as sentences.
        reading: how the files were read, to read others of their kind alike.
        samples: the sequences that have answers; None where windows are cut from the series.
    """

    series: tuple[Series, ...]
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    interpolated: int
    digest: str
    notes: tuple[str, ...] = ()
    lookback: int = 0
    time_names: tuple[str, ...] = ()
    label_name: str | None = None
    anomalous: tuple[str, ...] | None = None
    series_name: str | None = None
    warnings: tuple[str, ...] = ()
    reading: Reading = NOTHING_TOLD
    samples: Samples | None = None

    @property
    def labelled(self) -> bool:
        return self.series[0].labels is not None

    @property
    def rows(self) -> int:
        return sum(len(series) for series in self.series)


def runs(mask: Bools) -> list[tuple[int, int]]:
    """The runs of true values as half-open intervals, in order: [0 1 1 0 1] gives [(1, 3), (4, 5)]."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(past)) for first, past in edges.reshape(-1, 2)]


def join_labels(series: Sequence[Series]) -> Bools | None:
    """The labels of all series, one after the other; None if they have none."""
    parts = [one.labels for one in series if one.labels is not None]
    return np.concatenate(parts) if parts else None


def split_at_gaps(time: Times, max_gap: float) -> list[tuple[int, int]]:
    """The stretches of rows without a gap, as half-open intervals.

    Args:
        time: (rows,) increasing, rows > 0.
        max_gap: a longer step than this many usual (median) ones is a gap.
    """
    steps = np.diff(time).astype(np.float64)
    steps[steps < 0] = np.inf  # time increases: too long for 64 bits
    usual = float(np.median(steps)) if len(steps) else 0.0  # a product of Python's may be infinite without a word
    ends = np.flatnonzero(steps > max_gap * usual) + 1
    return list(pairwise([0, *ends.tolist(), len(time)]))


def split_at_missing(missing: Bools) -> list[tuple[int, int]]:
    """The stretches of rows without long runs of missing ones, each from a complete row to a complete row.

    Args:
        missing: (rows,) does the row lack a value?
    """
    cut = np.zeros_like(missing)
    for first, past in runs(missing):
        if past - first > LONGEST_INTERPOLATED or first == 0 or past == len(missing):
            cut[first:past] = True
    return runs(~cut)


def interpolate(values: Floats) -> Floats:
    """The values, (rows, columns), with NaN interpolated linearly between the rows before and after, by column.

    The first and the last row must be complete.
    """
    if not np.isnan(values).any():
        return values
    filled = values.copy()
    rows = np.arange(len(values))
    for column in filled.T:
        absent = np.isnan(column)
        if absent.any():
            column[absent] = np.interp(rows[absent], rows[~absent], column[~absent])
    return filled


def warn_of_idle_targets(data: Dataset, *, difference: bool) -> list[str]:
    """A warning of targets that a forecast of no change, or of a steady one, hits all but perfectly."""
    if data.samples is not None:
        return []
    changes = [np.diff(one.targets, axis=0) for one in data.series]
    spread = np.concatenate([one.targets for one in data.series]).var(axis=0)
    if difference:
        spread = np.square(np.concatenate(changes)).mean(axis=0)
        changes = [np.diff(change, axis=0) for change in changes]
    error = np.square(np.concatenate(changes)).sum(axis=0) / max(sum(map(len, changes)), 1)
    idle = [name for name, alone in zip(data.target_names, error < IDLE * spread, strict=True) if alone]
    if not idle:
        return []
    return [
        f"Repeating the last {'change' if difference else 'value'} of {listed(idle)} is an all but perfect forecast: "
        f"nothing is left to learn. Name another `[data] target`{'' if difference else ' or set `[task] difference`'}."
    ]
