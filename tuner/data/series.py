"""The values that loading hands on: series without gaps, and the data set that they make."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


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
    time: npt.NDArray[np.datetime64] | Floats | Ints
    features: Floats
    targets: Floats
    labels: Bools | None
    file: str | None = None

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Dataset:
    """All series of a study.

    Attributes:
        series: in the order of their files, then of time.
        feature_names: the columns of `Series.features`.
        target_names: the columns of `Series.targets`.
        mended: the longest run of missing rows that was interpolated: values that far apart depend on each other.
        lookback: how many rows back a row's features reach, where the source derives them from earlier rows.
        digest: SHA-256 over names and values: two data sets with one digest are equal.
        notes: what a user should know about how the data were read, as sentences.
        time_name: the column of `Series.time`; None where rows are evenly spaced.
    """

    series: tuple[Series, ...]
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    mended: int
    digest: str
    notes: tuple[str, ...] = ()
    lookback: int = 0
    time_name: str | None = None

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
