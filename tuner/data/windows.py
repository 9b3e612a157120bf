"""Windows as an index: which rows each covers and which row it answers; the rows themselves are never copied."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.data.series import Bools, Ints


@dataclass(frozen=True)
class Windows:
    """Every window of a data set, over the rows of all series laid one after the other.

    Window i sees the rows first[i] to last[i] and answers row target[i]; all lie in series[i].

    Attributes:
        first: (windows,) first row seen.
        series: (windows,) index of the series.
        length: rows seen by a window, by the longest one at most.
        horizon: rows from the last one seen to the one answered; 0 when that is the last one itself.
        rows: rows of all series together.
        lengths: (windows,) rows seen by each; None where all see `length`.
    """

    first: Ints
    series: Ints
    length: int
    horizon: int
    rows: int
    lengths: Ints | None = None

    def __len__(self) -> int:
        return len(self.first)

    @property
    def last(self) -> Ints:
        return self.first + (self.length if self.lengths is None else self.lengths) - 1

    @property
    def target(self) -> Ints:
        return self.last + self.horizon

    def touches(self, rows: Bools) -> Bools:
        """Marks windows that have a true row between their first one and the one they answer, (windows,)."""
        count = np.concatenate([[0], np.cumsum(rows)])
        return count[self.target + 1] > count[self.first]

    def seen_rows(self, chosen: Ints) -> Bools:
        """The rows that the chosen windows see, (rows,)."""
        return self._cover(chosen, self.last)

    def touched_rows(self, chosen: Ints) -> Bools:
        """The rows that the chosen windows see, answer or skip between the two, (rows,)."""
        return self._cover(chosen, self.target)

    def _cover(self, chosen: Ints, end: Ints) -> Bools:
        change = np.zeros(self.rows + 1, dtype=np.int64)
        np.add.at(change, self.first[chosen], 1)
        np.add.at(change, end[chosen] + 1, -1)
        return np.asarray(np.cumsum(change[:-1]) > 0)


def make_windows(lengths: Sequence[int], length: int, horizon: int, stride: int = 1) -> Windows:
    """The windows that fit into series of the given lengths, one every `stride` rows, in order of their first row.

    A series shorter than length + horizon gives none; no window crosses from one series to the next.
    """
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    counts = -(-np.maximum(np.asarray(lengths, dtype=np.int64) - (length + horizon) + 1, 0) // stride)
    first = [offset + stride * np.arange(count) for offset, count in zip(offsets[:-1], counts, strict=True)]
    return Windows(
        first=np.concatenate(first).astype(np.int64),
        series=np.repeat(np.arange(len(counts)), counts),
        length=length,
        horizon=horizon,
        rows=int(offsets[-1]),
    )
