"""Columns as they stand in a file, and what they must hold to be times, labels or numbers."""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyarrow import compute

from tuner.data.series import Bools, Floats
from tuner.errors import UserError, quoted
from tuner.spec.sections import NOTHING_TOLD, Reading

Column = npt.NDArray[Any]

# Text is taken for the first of these that all cells of its column can be read as.
KINDS = (
    *(pa.int64(), pa.bool_(), pa.float64(), pa.date32(), pa.timestamp("s"), pa.timestamp("ns")),
    *(pa.timestamp("s", "UTC"), pa.timestamp("ns", "UTC")),
)
_TRUTH = {"1": True, "true": True, "0": False, "false": False}
# pandas takes a time of day for one of today, and a month's name for one of the year 1
_DATE = re.compile(r"(?!\s*\d{1,2}:)(.*\d{4}|\s*\d+[-/.]\d+[-/.]\d+)", re.DOTALL)
_EPOCHS = np.array(["1678-01-01", "2262-01-01"], dtype="datetime64[s]")  # what nanoseconds in 64 bits can hold


def number_of(row: int) -> int:
    """The number of a row from 1, where rows are not lines of a file."""
    return row + 1


@dataclass(frozen=True)
class DataTable:
    """Rows of a data file as they were read, nothing chosen or checked yet.

    Attributes:
        name: what its series are called.
        where: what it is called in messages.
        columns: by name, (rows,) each: whole numbers (truth values too) or numbers, with NaN where missing; dates,
            with NaT where missing; or text as objects, with None where missing.
        line: the line of a row in the file, or its number.
        reading: how the file was read, what was told and what was found; to read others of its kind alike.
        notes: what was decided in reading it, a sentence each.
    """

    name: str
    where: str
    columns: Mapping[str, Column]
    line: Callable[[int], int] = number_of
    reading: Reading = NOTHING_TOLD
    notes: tuple[str, ...] = ()

    def at(self, row: int, column: str) -> str:
        """A cell's place in the words of a message."""
        return f"{self.where}:{self.line(row)} {column}"


def make_table(name: str, where: str, table: Any, line: Callable[[int], int] = number_of) -> DataTable:  # noqa: ANN401
    """The rows of an Arrow table, whose text becomes numbers or dates where all of a column is."""
    return DataTable(name, where, dict(zip(table.column_names, map(_values, table.columns), strict=True)), line)


def _values(column: Any) -> Column:  # noqa: ANN401 (pyarrow has no types)
    if pa.types.is_string(column.type):
        column = _interpreted(column)
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return np.asarray(column.to_numpy())  # with a time zone: in UTC
    if (pa.types.is_integer(kind) or pa.types.is_boolean(kind)) and kind != pa.uint64() and column.null_count == 0:
        return np.asarray(column.to_numpy()).astype(np.int64)
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    if any(matches(kind) for matches in numeric):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy())
    texts = ("" if value is None else str(value).strip() for value in column.to_pylist())
    return np.array([text or None for text in texts], dtype=object)


def _interpreted(column: Any) -> Any:  # noqa: ANN401
    stripped = compute.utf8_trim_whitespace(column)
    cells = compute.if_else(compute.equal(stripped, ""), None, stripped)
    for kind in KINDS:
        with suppress(pa.ArrowInvalid):
            return cells.cast(kind)
    return cells


def is_number(column: Column) -> bool:
    return column.dtype.kind in "if"


def is_date(column: Column) -> bool:
    return column.dtype.kind == "M"


def missing(column: Column) -> Bools:
    """Marks missing values, (rows,)."""
    if column.dtype.kind == "O":
        return np.array([value is None for value in column], dtype=bool)
    return np.asarray(np.isnan(column))


def times(table: DataTable, names: Sequence[str]) -> Column:
    """The time column, (rows,), increasing: dates in UTC to the nanosecond, or numbers.

    Raises:
        UserError: a time is missing, no date, not after the one before it.
    """
    name = names[0]
    column = table.columns[name]
    stamps = column if is_number(column) else dates(column)
    unread = np.isnan(stamps)
    if unread.any():
        row = int(unread.argmax())
        raise UserError(
            "the time is missing" if missing(column)[row] else f"{quoted(column[row])} is not a date that can be read",
            where=table.at(row, name),
            hint="write dates like 2024-05-01 14:30:00, or name another column as `[data] time`",
        )
    late = np.flatnonzero(stamps[1:] <= stamps[:-1])
    if len(late):
        row = int(late[0]) + 1
        same = stamps[row] == stamps[row - 1]
        before, this = (str(time).replace("T", " ") for time in column[row - 1 : row + 1])
        raise UserError(
            f"the time {this} stands here twice" if same else f"the time {this} comes after {before}",
            where=table.at(row, name),
            hint='sort the rows by time, one row a time; or set `[data] time` to "" if the rows are evenly spaced',
        )
    return stamps


def dates(column: Column) -> Column:
    """Dates or text as dates in UTC to the nanosecond, (rows,); NaT where missing or unreadable."""
    stamps = column if is_date(column) else _read_dates(column)
    outside = (stamps < _EPOCHS[0]) | (stamps >= _EPOCHS[1])
    return np.where(outside, np.datetime64("NaT"), stamps).astype("datetime64[ns]")


def _read_dates(column: Column) -> Column:
    """Reads text as dates in the way that suits most rows: year, month or day first (the day in 1.5.2024)."""
    texts = pd.Series([text if text is not None and _DATE.match(text) else None for text in column], dtype=object)
    dotted = bool(texts.str.match(r"\d{1,2}\.").any())
    readings = []
    for how in ({"format": "ISO8601"}, {"dayfirst": dotted}, {"dayfirst": not dotted}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # pandas says how it guessed; unreadable dates are NaT
            readings.append(pd.to_datetime(texts, errors="coerce", utc=True, **how).dt.tz_localize(None))
        if readings[-1].count() == texts.count():
            break
    return np.asarray(max(readings, key=pd.Series.count))


def truths(column: Column) -> tuple[Bools, Bools]:
    """Marks the true rows, and those that are neither 0, 1, true nor false, (rows,) each."""
    if is_number(column):
        return column == 1, ~np.isin(column, (0, 1))
    known = [_TRUTH.get(str(cell).strip().lower()) for cell in column]
    return np.array([cell is True for cell in known]), np.array([cell is None for cell in known])


def labels(table: DataTable, name: str) -> Bools:
    """The label column, (rows,).

    Raises:
        UserError: a label is missing, or neither 0, 1, true nor false.
    """
    column = table.columns[name]
    anomalous, neither = truths(column)
    if neither.any():
        row = int(neither.argmax())
        raise UserError(
            "the label is missing" if missing(column)[row] else f"{quoted(column[row])} is no label",
            where=table.at(row, name),
            hint="labels are 0 or 1, or true or false, in every row",
        )
    return anomalous


def parsed(column: Column) -> tuple[Floats, Bools]:
    """Text as numbers, NaN where missing, and which rows hold something else, (rows,) each."""
    values = np.full(len(column), np.nan)
    other = np.zeros(len(column), dtype=bool)
    for row, text in enumerate(column):
        try:
            values[row] = np.nan if text is None else float(text)
        except ValueError:
            other[row] = True
    return values, other


def numbers(table: DataTable, name: str) -> Floats:
    """A column of numbers, (rows,), with NaN where one is missing, infinite or beyond 32 bits.

    Raises:
        UserError: the column holds dates or text.
    """
    column = table.columns[name]
    if is_date(column):
        hint = "name columns of numbers as `[data] features` and `target`"
        raise UserError("the column holds dates, not numbers", where=table.at(0, name), hint=hint)
    if is_number(column):
        values = column.astype(np.float64)
    else:
        values, other = parsed(column)
        if other.any():
            row = int(other.argmax())
            raise UserError(
                f"{quoted(column[row])} is not a number ({other.sum()} of {len(other)} rows hold text)",
                where=table.at(row, name),
                hint="correct it, leave the cell empty if the value is missing, "
                "or name only the columns to use as `[data] features`",
            )
    # networks compute in 32 bits
    return np.where(np.abs(values) > np.finfo(np.float32).max, np.nan, values)


def refuse_missing(table: DataTable, name: str, values: Floats) -> None:
    """Refuses a column with missing values.

    Raises:
        UserError: names the first of them and their count.
    """
    absent = np.isnan(values)
    if absent.any():
        raise UserError(
            f"{absent.sum()} of {len(values)} values are missing or infinite, the first one here",
            where=table.at(int(absent.argmax()), name),
            hint='fill them in, or set `[data] missing = "interpolate"`',
        )
