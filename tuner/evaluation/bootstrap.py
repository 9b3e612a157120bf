"""Intervals of what is measured on windows: a block bootstrap of the rows, the same draw for all models compared, and a
jackknife over the members of an ensemble.

Neighbouring windows share rows, so whole blocks are drawn with replacement, from blocks that do not overlap (Carlstein,
Ann. Statist. 14, 1986). A metric of a draw counts each window as often as its block was drawn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tuner.data.series import Bools, Floats, Ints

DRAWS = 1000
# Where each takes long; they tell an error to 5 %.
FEW_DRAWS = 200
# Intervals of fewer blocks are far too narrow.
LEAST_BLOCKS = 10
CONFIDENCE = 0.95
# Windows times draws that average precision holds in memory at once.
CHUNK = 2_000_000

Interval = tuple[float, float]
Values = npt.NDArray[np.floating]


def cut_blocks(first: Ints, series: Ints, length: int) -> Ints:
    """The number of the block that each window belongs to, (m,), from 0 on.

    Windows of one series that share rows, one with the next, are cut into nearly equal blocks of at least `length`
    rows; fewer than that make one block.

    Args:
        first: (m,) first rows of the windows, ascending.
        series: (m,) the series of each.
        length: rows from a window's first one to the one it answers: windows that far apart share none.
    """
    begins = np.flatnonzero((np.diff(first, prepend=-length) >= length) | (np.diff(series, prepend=-1) != 0))
    blocks = np.empty(len(first), dtype=np.int64)
    number = 0
    for begin, end in zip(begins, [*begins[1:], len(first)], strict=True):
        place = first[begin:end] - first[begin]
        count = max(1, int(place[-1] + 1) // length)
        blocks[begin:end] = number + place * count // (place[-1] + 1)
        number += count
    return blocks


@dataclass(frozen=True)
class Draws:
    """Counts of each block in each draw.

    Draws without a window to average are NaN, and so are draws without an anomalous row in a detection metric.

    Attributes:
        blocks: (m,) the block of each window.
        counts: (draws, blocks).
    """

    blocks: Ints
    counts: Floats

    def mean(self, values: Values, counted: Bools) -> Floats:
        """The mean of `values`, (m,), over the counted windows of each draw, (draws,)."""
        return _ratio(self._total(np.where(counted, values, 0.0)), self._total(counted))

    def times(self) -> Iterator[Ints]:
        """How often each window is in each draw, (m,)."""
        return (counts[self.blocks].astype(np.int64) for counts in self.counts)

    def f1(self, flags: Bools, labels: Bools) -> Floats:
        """F1 of the flagged windows, (m,), in each draw, (draws,)."""
        present = self._total(labels)
        f1 = _ratio(2 * self._total(flags & labels), self._total(flags) + present)
        return np.where(present > 0, f1, np.nan)

    def average_precision(self, scores: Values, labels: Bools) -> Floats:
        """Average precision of `scores`, (m,), in each draw, (draws,), as scikit-learn has it with sample weights."""
        order = np.argsort(-scores, kind="stable")
        # rows of one score are flagged together: after the last of them
        last = np.flatnonzero(np.diff(scores[order], append=np.nan) != 0)
        blocks, hits = self.blocks[order], labels[order].astype(np.float64)
        parts = []
        for counts in np.array_split(self.counts, -(-len(self.counts) * len(scores) // CHUNK)):
            weights = counts[:, blocks]
            flagged = np.cumsum(weights, axis=1)[:, last]
            found = np.cumsum(weights * hits, axis=1)[:, last]
            precision = np.divide(found, flagged, out=np.zeros_like(found), where=flagged > 0)
            parts.append(_ratio((np.diff(found, prepend=0.0) * precision).sum(axis=1), found[:, -1]))
        return np.concatenate(parts)

    def _total(self, values: Values | Bools) -> Floats:
        """The sum of `values`, (m,), over each draw, (draws,)."""
        sums = np.bincount(self.blocks, values, minlength=self.counts.shape[1])
        # unlike a matrix product, the same to the last bit with any number of threads
        return np.asarray(np.einsum("db,b->d", self.counts, sums))


def draw_blocks(blocks: Ints, seed: Sequence[int], times: int = DRAWS) -> Draws | None:
    """As many blocks as there are, drawn with replacement so many times; None with fewer than `LEAST_BLOCKS`."""
    count = int(blocks.max(initial=-1)) + 1
    if count < LEAST_BLOCKS:
        return None
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    counts, shares = np.empty((times, count)), np.full(count, 1 / count)
    for drawn in counts:  # of many blocks all at once would stand there twice
        drawn[:] = generator.multinomial(count, shares)
    return Draws(blocks, counts)


class Variance(NamedTuple):
    """A variance that was estimated, with its degrees of freedom."""

    value: float
    freedom: int


def jackknife(values: Floats) -> Variance:
    """The variance of an estimate over its n members, from the estimates without each of them, (n,) (Tukey 1958)."""
    count = len(values)
    return Variance((count - 1) * float(np.var(values)), count - 1)


def total_error(variances: Sequence[Variance]) -> tuple[float, float]:
    """The standard error of independent variances together, and half the width of its 95 % interval.

    That is a quantile of t with degrees of freedom by Welch and Satterthwaite (Biometrics Bulletin 2, 1946).
    """
    from scipy.special import stdtrit  # here: slow to import

    total = sum(variance.value for variance in variances)
    if total == 0:
        return 0.0, 0.0
    freedom = total**2 / sum(variance.value**2 / variance.freedom for variance in variances)
    error = float(np.sqrt(total))
    return error, error * float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
