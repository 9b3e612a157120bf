"""Rows to be scored, a chunk at a time, so that memory does not grow with the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from tuner.data.columns import Column, DataTable, is_date, is_number, numbers, times
from tuner.data.reading import DataFile
from tuner.data.series import Floats
from tuner.errors import UserError, listed, nearest


@dataclass(frozen=True)
class Wanted:
    """The columns to read, by name.

    Attributes:
        time: the column, or the parts of it; empty where rows are evenly spaced.
        dated: does the time column hold dates? Else numbers.
        features: all of them must be there.
        targets: read as missing where they are not there, if they are `optional`.
    """

    time: tuple[str, ...]
    dated: bool
    features: tuple[str, ...]
    targets: tuple[str, ...]
    optional: bool


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows.

    Attributes:
        text: the time as the file says it, an Arrow array of text, (rows,); the row number where there is no time.
        time: (rows,) increasing dates or numbers.
        features: (rows, features), NaN where missing.
        targets: (rows, targets), NaN where missing.
    """

    text: Any
    time: Column
    features: Floats
    targets: Floats


def read_chunks(file: DataFile, wanted: Wanted, rows: int) -> Iterator[Chunk]:
    """The rows of a file, `rows` at a time.

    Raises:
        UserError: the file cannot be read, lacks a column, or has text among numbers or times out of order.
    """

    @cache
    def all_times() -> Column:
        return _times(file.read("", wanted.time), wanted)

    start, last = 0, None
    for table, raw in file.parts(_present(file, wanted), rows):
        stop = start + len(raw)
        if not wanted.time:
            time: Column = np.arange(start, stop)
            text = pa.array(time).cast(pa.string())
        else:
            column, text = table.columns[wanted.time[0]], raw[wanted.time[0]].cast(pa.string())
            # how dates are written may show in other rows only
            time = _times(table, wanted) if is_number(column) or is_date(column) else all_times()[start:stop]
            if last is not None and not time[0] > last:
                all_times()  # refuses it
        features, targets = (
            np.column_stack([_numbers(table, name, len(raw)) for name in names]) if names else np.empty((len(raw), 0))
            for names in (wanted.features, wanted.targets)
        )
        yield Chunk(text, time, features, targets)
        start, last = stop, time[-1]


def _present(file: DataFile, wanted: Wanted) -> list[str]:
    """The wanted columns that are there, each once."""
    needed = [*wanted.time, *wanted.features]
    needed += [] if wanted.optional else wanted.targets
    lacking = [name for name in dict.fromkeys(needed) if name not in file.names]
    if lacking:
        hint = nearest(lacking[0], file.names) if len(lacking) == 1 else f"there are {listed(file.names)}"
        raise UserError(f"there is no column {listed(lacking)}", where=file.where, hint=hint)
    return [name for name in dict.fromkeys([*needed, *wanted.targets]) if name in file.names]


def _times(table: DataTable, wanted: Wanted) -> Column:
    stamps = times(table, wanted.time)
    if wanted.dated != is_date(stamps):
        here, then = ("numbers", "dates") if wanted.dated else ("dates", "numbers")
        raise UserError(f"the column holds {here}, and held {then} in training", where=table.at(0, wanted.time[0]))
    return stamps


def _numbers(table: DataTable, name: str, rows: int) -> Floats:
    return numbers(table, name) if name in table.columns else np.full(rows, np.nan)
