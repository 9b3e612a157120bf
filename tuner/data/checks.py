"""What a column must hold to be the time, the labels or numbers; refusals name the file, row and column."""

import re
import warnings

import numpy as np

from tuner.data.series import Bools, Floats
from tuner.data.table import Column, Table, is_date, is_number, missing
from tuner.data.wording import quoted
from tuner.errors import UserError

_TRUTH = {"1": True, "true": True, "0": False, "false": False}
# pandas takes a time of day for one of today, and a month's name for one of the year 1
_DATE = re.compile(r"(?!\s*\d{1,2}:)(.*\d{4}|\s*\d+[-/.]\d+[-/.]\d+)", re.DOTALL)
_EPOCHS = np.array(["1678-01-01", "2262-01-01"], dtype="datetime64[s]")  # what nanoseconds in 64 bits can hold


def times(table: Table, name: str) -> Column:
    """The time column, (rows,), increasing: dates in UTC to the nanosecond, or numbers.

    Raises:
        UserError: a time is missing, no date, not after the one before it.
    """
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
    import pandas as pd

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
    """Which rows are true, and which are neither 0, 1, true nor false, (rows,) each."""
    if is_number(column):
        return column == 1, ~np.isin(column, (0, 1))
    known = [_TRUTH.get(str(cell).strip().lower()) for cell in column]
    return np.array([cell is True for cell in known]), np.array([cell is None for cell in known])


def labels(table: Table, name: str) -> Bools:
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


def numbers(table: Table, name: str) -> Floats:
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


def refuse_missing(table: Table, name: str, values: Floats) -> None:
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
