"""Resampling: the rows of each stretch of time as one, its values by their mean, its label by any."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

import numpy as np
import pandas as pd
import pyarrow as pa

from tuner.data.series import Bools, Floats, Ints, Times
from tuner.errors import UserError
from tuner.loading.chunks import Chunk


def find_bins(time: Times, every: str) -> tuple[Ints, Times]:
    """The first row of each bin, (bins,), and the times at which the bins begin: whole multiples of their length.

    Args:
        time: (rows,) increasing.
        every: the length of a bin: such as "5min" for dates, else a number of the time's own unit, or of rows.

    Raises:
        UserError: it is no such length.
    """
    dated, length = time.dtype.kind == "M", 0.0
    with suppress(ValueError):
        length = pd.Timedelta(every).total_seconds() * 1e9 if dated else float(every)
    if not length > 0:
        like = '"5min", "30s" or "1h"' if dated else 'a number such as "10", as the time holds numbers, if any'
        raise UserError(f"`{every}` is no length of time", where="[data] every", hint=f"write {like}")
    if dated:
        nanoseconds = time.astype("datetime64[ns]").astype(np.int64)
        begins: Times = (nanoseconds // round(length) * round(length)).astype("datetime64[ns]")
    else:
        begins = np.floor(time.astype(np.float64) / length) * length
    first = np.flatnonzero(np.concatenate([[True], begins[1:] != begins[:-1]]))
    return first, begins[first]


def mean_by_bin(values: Floats, first: Ints) -> Floats:
    """The mean of each column in each bin, (bins, columns), of the values that are there; NaN where there are none."""
    known = ~np.isnan(values)
    count = np.add.reduceat(known, first, axis=0, dtype=np.float64)
    total: Floats = np.add.reduceat(np.where(known, values, 0.0), first, axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def any_by_bin(marks: Bools, first: Ints) -> Bools:
    """Whether any row of each bin is marked, (bins,)."""
    return np.logical_or.reduceat(marks, first)


def resample_chunks(chunks: Iterable[Chunk], every: str) -> Iterator[Chunk]:
    """Consecutive chunks with their rows put together, also across the edges of chunks.

    Raises:
        UserError: `every` is no length of time.
    """
    held, number = None, 0
    for chunk in chunks:
        rows = chunk.after(held)
        first, begins = find_bins(rows.time, every)
        if len(first) > 1:
            yield _means(rows.cut(0, first[-1]), first[:-1], begins[:-1], number)
            number += len(first) - 1
        held = rows.cut(first[-1])
    if held is not None:
        yield _means(held, *find_bins(held.time, every), number)


def _means(rows: Chunk, first: Ints, begins: Times, number: int) -> Chunk:
    text = pa.array(begins.astype("datetime64[s]") if begins.dtype.kind == "M" else begins).cast(pa.string())
    row = np.arange(number, number + len(first))
    return Chunk(text, row, begins, mean_by_bin(rows.features, first), mean_by_bin(rows.targets, first))
