"""Reading rows to be scored a chunk at a time, so that memory does not grow with the file.

A CSV file is streamed as text and turned into numbers and dates where that is plain. Where it is not (dates of an
unusual form, text among numbers, times out of order), the file is read whole as for training: what cannot be used is
refused in the same words, and what can be read is read the same.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.data.checks import dates, numbers, times
from tuner.data.series import Floats
from tuner.data.table import (
    PARQUET,
    Column,
    Table,
    delimiter_of,
    is_number,
    make_table,
    plain,
    read_table,
    shown,
    unique_names,
)
from tuner.data.wording import listed
from tuner.errors import UserError, nearest

if TYPE_CHECKING:
    import pandas as pd

# Bytes from whose first line the columns are told apart.
HEADER_BYTES = 1 << 20
FRAME = "the data frame"


@dataclass(frozen=True)
class Wanted:
    """The columns to read, by name.

    Attributes:
        time: None where rows are evenly spaced.
        dated: does the time column hold dates? Else numbers.
        features: all of them must be there.
        targets: read as missing where they are not there, if they are `optional`.
    """

    time: str | None
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


def file_chunks(path: Path, wanted: Wanted, rows: int) -> Iterator[Chunk]:
    """The rows of a CSV file, or of a Parquet file if its name ends so, `rows` at a time.

    Raises:
        UserError: the file cannot be read, lacks a column, or has text among numbers or times out of order.
    """
    import pyarrow as pa

    def whole() -> Table:
        return read_table(path, path.stem)

    read = _parquet_batches if path.suffix.lower() in PARQUET else _csv_batches
    empty = True
    try:
        for chunk in _chunks(read(path, wanted), wanted, rows, cache(whole)):
            empty = False
            yield chunk
        if empty:
            whole()  # refuses a file without rows
    except (pa.ArrowException, OSError) as error:
        whole()  # says what is wrong in the usual words
        raise UserError(f"the file cannot be read: {str(error).splitlines()[0]}", where=shown(path)) from None


def frame_columns(frame: "pd.DataFrame", wanted: Wanted) -> "dict[str, pd.Series[Any]]":
    """The wanted columns of a data frame; the time may be its index.

    Raises:
        UserError: it lacks one.
    """
    if wanted.time is not None and wanted.time in frame.index.names and wanted.time not in frame.columns:
        frame = frame.reset_index(level=wanted.time)
    names = unique_names([str(name) for name in frame.columns], FRAME)
    return {name: frame.iloc[:, names.index(name)] for name in _present(names, wanted, FRAME)}


def frame_chunks(columns: "dict[str, pd.Series[Any]]", wanted: Wanted, rows: int) -> Iterator[Chunk]:
    """The rows of a data frame's columns, `rows` at a time.

    Raises:
        UserError: there is text among numbers, or times out of order.
    """
    import pyarrow as pa

    table = pa.table({name: _arrow(column) for name, column in columns.items()})
    return _chunks(iter([table]), wanted, rows, cache(lambda: make_table(FRAME, FRAME, table)))


def _arrow(series: "pd.Series[Any]") -> Any:  # noqa: ANN401 (pyarrow)
    import pyarrow as pa

    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # cells of several types
        return pa.array([None if absent else str(cell) for cell, absent in zip(series, series.isna(), strict=True)])


def _present(names: Sequence[str], wanted: Wanted, where: str) -> list[str]:
    """The wanted columns that are there, each once."""
    needed = [*([] if wanted.time is None else [wanted.time]), *wanted.features]
    needed += [] if wanted.optional else wanted.targets
    lacking = [name for name in dict.fromkeys(needed) if name not in names]
    if lacking:
        hint = nearest(lacking[0], names) if len(lacking) == 1 else f"there are {listed(names)}"
        raise UserError(f"there is no column {listed(lacking)}", where=where, hint=hint)
    return [name for name in dict.fromkeys([*needed, *wanted.targets]) if name in names]


def _csv_batches(path: Path, wanted: Wanted) -> Iterator[Any]:
    """Arrow tables of the wanted columns, all as text."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    try:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
    except OSError as error:
        raise UserError(f"the file cannot be read: {error.strerror}", where=shown(path)) from None
    parsing = arrow.ParseOptions(
        delimiter=delimiter_of(head.decode("utf-8-sig", errors="replace")), newlines_in_values=True
    )
    reading = arrow.ReadOptions(use_threads=False)
    with arrow.open_csv(path, read_options=reading, parse_options=parsing) as reader:
        raw = reader.schema.names
    names = unique_names(raw, shown(path))
    taken = {raw[names.index(name)]: name for name in _present(names, wanted, shown(path))}
    converting = arrow.ConvertOptions(
        include_columns=list(taken), column_types=dict.fromkeys(taken, pa.string()), strings_can_be_null=True
    )
    with arrow.open_csv(path, read_options=reading, parse_options=parsing, convert_options=converting) as reader:
        for batch in reader:
            yield pa.Table.from_batches([batch]).rename_columns(list(taken.values()))


def _parquet_batches(path: Path, wanted: Wanted) -> Iterator[Any]:
    """Arrow tables of the wanted columns."""
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        raw = file.schema_arrow.names
        names = unique_names(raw, shown(path))
        taken = {raw[names.index(name)]: name for name in _present(names, wanted, shown(path))}
        for batch in file.iter_batches(columns=list(taken), use_threads=False):
            yield pa.Table.from_batches([batch]).select(list(taken)).rename_columns(list(taken.values()))


def _chunks(batches: Iterator[Any], wanted: Wanted, rows: int, whole: Callable[[], Table]) -> Iterator[Chunk]:
    """The rows of the batches, `rows` at a time; `whole` reads all of them, where a column takes a closer look."""
    import pyarrow as pa

    @cache
    def closer(name: str) -> Column:
        return _times(whole(), name, dated=wanted.dated) if name == wanted.time else numbers(whole(), name)

    start, last = 0, None
    for table in _regrouped(batches, rows):
        part = slice(start, start + len(table))

        def values(name: str, table: Any = table, part: slice = part) -> Floats:  # noqa: ANN401 (pyarrow)
            if name not in table.column_names:
                return np.full(len(table), np.nan)
            column = _plain_numbers(table[name])
            return closer(name)[part] if column is None else column

        if wanted.time is None:
            time: Column = np.arange(part.start, part.stop)
            text = pa.array(time).cast(pa.string())
        else:
            stamps = _plain_times(table[wanted.time], last, dated=wanted.dated)
            time = closer(wanted.time)[part] if stamps is None else stamps
            text = table[wanted.time].cast(pa.string())
        features, targets = (
            np.column_stack([values(name) for name in names]) if names else np.empty((len(table), 0))
            for names in (wanted.features, wanted.targets)
        )
        yield Chunk(text, time, features, targets)
        start, last = part.stop, time[-1]


def _times(table: Table, name: str, *, dated: bool) -> Column:
    stamps = times(table, name)
    if dated != (stamps.dtype.kind == "M"):
        here, then = ("numbers", "dates") if dated else ("dates", "numbers")
        raise UserError(f"the column holds {here}, and held {then} in training", where=table.at(0, name))
    return stamps


def _regrouped(tables: Iterable[Any], rows: int) -> Iterator[Any]:
    """The same rows in tables of `rows` rows, the last one of what is left."""
    import pyarrow as pa

    held: list[Any] = []
    for table in tables:
        held.append(table)
        while sum(map(len, held)) >= rows:
            joined = pa.concat_tables(held)
            yield joined.slice(0, rows)
            held = [joined.slice(rows)]
    if sum(map(len, held)):
        yield pa.concat_tables(held)


def _plain_numbers(column: Any) -> Floats | None:  # noqa: ANN401 (pyarrow)
    """The column as numbers, NaN where one is missing, infinite or beyond 32 bits; None if it takes a closer look."""
    import pyarrow as pa

    if pa.types.is_string(column.type):
        try:
            column = column.cast(pa.float64())
        except pa.ArrowInvalid:
            return None
    values = plain(column)
    return numbers(Table("", "", {"": values}, ()), "") if is_number(values) else None


def _plain_times(column: Any, last: Any, *, dated: bool) -> Column | None:  # noqa: ANN401 (pyarrow)
    """The column as increasing times after `last`; None if it takes a closer look."""
    import pyarrow as pa

    if pa.types.is_string(column.type):
        for kind in (pa.timestamp("ns"), pa.timestamp("ns", "UTC")) if dated else (pa.int64(), pa.float64()):
            with suppress(pa.ArrowInvalid):
                column = column.cast(kind)
                break
    stamps = plain(column)
    if dated != (stamps.dtype.kind == "M") or not (dated or is_number(stamps)):
        return None
    if dated:
        stamps = dates(stamps)
    steps = np.diff(stamps if last is None else np.concatenate([[last], stamps]))
    increasing = (steps > np.timedelta64(0)) if dated else (steps > 0)
    return stamps if increasing.all() and not np.isnan(stamps).any() else None
