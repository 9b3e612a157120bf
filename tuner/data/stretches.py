"""Where series end: at gaps in time and at long runs of missing rows; short runs are interpolated."""

from itertools import pairwise

import numpy as np

from tuner.data.series import Bools, Floats, runs
from tuner.data.table import Column

LONGEST_MENDED = 10  # rows; a longer run of missing rows ends a series


def steady(time: Column, max_gap: float) -> list[tuple[int, int]]:
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


def kept(missing: Bools) -> list[tuple[int, int]]:
    """The stretches of rows without long runs of missing ones, each from a complete row to a complete row.

    Args:
        missing: (rows,) does the row lack a value?
    """
    cut = np.zeros_like(missing)
    for first, past in runs(missing):
        if past - first > LONGEST_MENDED or first == 0 or past == len(missing):
            cut[first:past] = True
    return runs(~cut)


def hint(values: Floats) -> Floats:
    """The values, (rows, columns), with NaN interpolated linearly between the rows before and after, by column.

    The first and the last row must be complete.
    """
    mended = values.copy()
    rows = np.arange(len(values))
    for column in mended.T:
        absent = np.isnan(column)
        if absent.any():
            column[absent] = np.interp(rows[absent], rows[~absent], column[~absent])
    return mended
