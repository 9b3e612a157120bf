"""Rows to be scored, a chunk at a time, so that memory does not grow with the file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from tuner.data.series import Floats, Ints
from tuner.errors import UserError, listed, nearest
from tuner.loading.clock import Clock, read_clock
from tuner.loading.columns import is_date, numbers
from tuner.reading.opening import DataFile
from tuner.reading.table import Column, DataTable


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
        row: the number of each in the file, from 0, (rows,).
        time: (rows,) increasing dates or numbers.
        features: (rows, features), NaN where missing.
        targets: (rows, targets), NaN where missing.
    """

    text: Any
    row: Ints
    time: Column
    features: Floats
    targets: Floats

    def cut(self, start: int, stop: int | None = None) -> "Chunk":
        """Some of the rows, without their texts."""
        rows = slice(start, stop)
        return Chunk(None, self.row[rows], self.time[rows], self.features[rows], self.targets[rows])

    def after(self, other: "Chunk | None") -> "Chunk":
        """The rows of another chunk and then these, with the texts of these."""
        if other is None:
            return self
        names = ("row", "time", "features", "targets")
        return Chunk(self.text, *(np.concatenate([getattr(other, name), getattr(self, name)]) for name in names))


def read_chunks(file: DataFile, wanted: Wanted, rows: int) -> Iterator[Chunk]:
    """The rows of a file in the order of their times, `rows` at a time.

    Raises:
        UserError: the file cannot be read, lacks a column, or has text among numbers, or times out of an order that can
            be mended.
    """
    present = _present(file, wanted)
    clock = _clock(file, wanted) if wanted.time else None
    if clock is None or (np.diff(clock.rows, prepend=-1) == 1).all():
        parts = file.parts(present, rows)
    else:
        parts = _reordered(file, present, clock.rows, rows)
    start = 0
    for table, raw in parts:
        stop = start + len(raw)
        row = np.arange(start, stop) if clock is None else clock.rows[start:stop]
        texts = [raw[name].cast(pa.string()) for name in wanted.time] or [pa.array(row).cast(pa.string())]
        known = {name: numbers(table, name) for name in table.columns if name not in wanted.time}
        absent = np.full(len(raw), np.nan)
        features, targets = (
            np.column_stack([known.get(name, absent) for name in names]) if names else np.empty((len(raw), 0))
            for names in (wanted.features, wanted.targets)
        )
        text = texts[0] if len(texts) == 1 else compute.binary_join_element_wise(*texts, " ")
        yield Chunk(text, row, row if clock is None else clock.time[start:stop], features, targets)
        start = stop


def _clock(file: DataFile, wanted: Wanted) -> Clock:
    table = file.read("", wanted.time)
    clock = read_clock(table, wanted.time)
    if wanted.dated != is_date(clock.time):
        here, then = ("numbers", "dates") if wanted.dated else ("dates", "numbers")
        raise UserError(f"the column holds {here}, and held {then} in training", where=table.at(0, wanted.time[0]))
    return clock


def _reordered(file: DataFile, names: Sequence[str], order: Ints, rows: int) -> Iterator[tuple[DataTable, Any]]:
    """The rows of a file in another order, `rows` at a time: all are read first."""
    whole = pa.concat_tables([raw for _, raw in file.parts(names, rows)])
    table = file.read("", names).take(order)
    raw = whole.take(order)
    for start in range(0, len(order), rows):
        part = np.arange(start, min(start + rows, len(order)))
        yield table.take(part), raw.take(part)


def _present(file: DataFile, wanted: Wanted) -> list[str]:
    """The wanted columns that are there, each once."""
    needed = [*wanted.time, *wanted.features]
    needed += [] if wanted.optional else wanted.targets
    lacking = [name for name in dict.fromkeys(needed) if name not in file.names]
    if lacking:
        hint = nearest(lacking[0], file.names) if len(lacking) == 1 else f"there are {listed(file.names)}"
        raise UserError(f"there is no column {listed(lacking)}", where=file.where, hint=hint)
    return [name for name in dict.fromkeys([*needed, *wanted.targets]) if name in file.names]
