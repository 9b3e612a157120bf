"""The time of rows: read from one column or several, and the order that rows come in, mended where no row is lost."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from tuner.data.series import Bools, Ints
from tuner.errors import UserError, counted, quoted
from tuner.loading.columns import dates, is_date, is_number, missing
from tuner.reading.dates import FIRST, LAST, read_dates
from tuner.reading.table import Column, DataTable

EPOCHS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # units in a second
EARLIEST, LATEST = 315_532_800, 4_102_444_800  # seconds since 1970 that dates of data lie between: 1980 to 2100
HOUR = np.timedelta64(1, "h")
LEAST_MENDED = 10  # rows; in a shorter table what is out of order is more likely a slip
COARSE = 0.01  # share of rows at the same time as the one before, from which a clock is taken for a coarse one
LATE = 0.05  # share of rows out of order that may simply have come late
STEADY = 0.9  # share of steps that are the usual one
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_UNITS = {"year": 0, "yr": 0, "month": 1, "mo": 1, "day": 2, "hour": 3, "hr": 3, "minute": 4, "min": 4, "second": 5}


@dataclass(frozen=True)
class Clock:
    """When rows were, in order.

    Attributes:
        time: (rows,) increasing: dates in UTC to the nanosecond, or numbers.
        rows: (rows,) the rows of the table in that order.
        notes: what was mended, as sentences.
    """

    time: Column
    rows: Ints
    notes: tuple[str, ...] = ()


def read_clock(table: DataTable, names: Sequence[str]) -> Clock:
    """The time of a table's rows.

    Rows may come newest first, late, or twice; an hour may stand twice where summer time ends; and a clock may be so
    coarse that several rows share a time.

    Raises:
        UserError: a time is missing, none, can be read in two ways, or out of an order that can be mended.
    """
    time = raw_time(table, names)
    rows, notes = np.arange(len(time)), list[str]()
    if len(names) == 1 and is_date(time) and is_number(table.columns[names[0]]):
        notes.append(f"The numbers in `{names[0]}` are read as dates, the first one as {str(time[0])[:19]}.")
    steps = _steps(time)
    if (steps > 0).all():
        return Clock(time, rows, tuple(notes))
    if len(time) > 2 and (steps < 0).mean() > STEADY:
        rows, time = rows[::-1], time[::-1]
        notes.append(f"The newest row comes first; all {len(rows):,} rows were turned round.")
    again = _repeated(table, time, rows)
    if again.any() and len(time) >= LEAST_MENDED:
        rows, time = rows[~again], time[~again]
        notes.append(f"Left out {counted(int(again.sum()), 'row')} that repeat another in every column.")
    if back := _clock_changes(time):
        time = time.copy()
        for row in back:
            time[row:] += HOUR
        days = ", ".join(str(time[row])[:10] for row in back[:3])
        notes.append(f"The clock goes back an hour ({days}): of the hour that stands twice, the second one is later.")
    late = np.maximum.accumulate(time) != time
    ordered = np.argsort(time, kind="stable")
    steps = _steps(time[ordered])
    steady = len(steps) > 0 and (steps == np.median(steps)).mean() >= STEADY
    if late.any() and len(time) >= LEAST_MENDED and (late.mean() <= LATE or steady):
        rows, time = rows[ordered], time[ordered]
        notes.append(f"{counted(int(late.sum()), 'row')} came late; the rows were sorted by time.")
    steps = _steps(time)
    ties = steps == 0
    daily = is_date(time) and bool((time.astype("datetime64[D]") == time).all())  # the time of day may be elsewhere
    if not daily and ties.sum() >= LEAST_MENDED and ties.mean() >= COARSE and (steps >= 0).all() and not _regular(time):
        time = _spread(time)
        notes.append(f"{counted(int(ties.sum()), 'row')} share the time of the row before; they keep their order.")
    _refuse_disorder(table, names, time, rows)
    return Clock(time, rows, tuple(notes))


def raw_time(table: DataTable, names: Sequence[str]) -> Column:
    """The time column, (rows,), in the order of the rows: dates, or numbers.

    Raises:
        UserError: a time is missing, none, or can be read in two ways.
    """
    if len(names) > 1:
        return _joined(table, names)
    (name,) = names
    column = table.columns[name]
    absent = missing(column)
    if absent.any():
        hint = "fill it in, leave the row out, or name another column as `[data] time`"
        raise UserError("the time is missing", where=table.at(int(absent.argmax()), name), hint=hint)
    if name in table.unsure:
        hint = 'set `[data] dates` to "day-first" or "month-first"'
        raise UserError("the dates can be read day first and month first", where=table.at(0, name), hint=hint)
    if is_date(column):
        return _within(table, name, column)
    if is_number(column):
        stamps = as_dates(column)
        return column if stamps is None else stamps
    # the columns of a data frame are not read from text before
    if not np.isnat(known := dates(column)).any():
        return _within(table, name, known)
    row = next(row for row, cell in enumerate(column) if read_dates(pa.array([cell]), None) is None)
    hint = "write dates like 2024-05-01 14:30:00, or name another column as `[data] time`"
    raise UserError(f"{quoted(column[row])} is not a date that can be read", where=table.at(row, name), hint=hint)


def _within(table: DataTable, name: str, column: Column) -> Column:
    outside = (column < FIRST) | (column >= LAST)
    if outside.any():
        row = int(outside.argmax())
        what = f"{quoted(column[row])} is not a date that can be read"
        hint = "dates lie between 1678 and 2261; correct it, or name another column as `[data] time`"
        raise UserError(what, where=table.at(row, name), hint=hint)
    return column.astype("datetime64[ns]")


def as_dates(column: Column) -> Column | None:
    """Numbers as dates, (rows,), where they are: seconds to nanoseconds since 1970, or digits such as 20240131."""
    if len(column) == 0 or not np.isfinite(column).all():
        return None
    least, most = float(column.min()), float(column.max())
    for unit, factor in EPOCHS.items():
        if factor * EARLIEST <= least and most < factor * LATEST:
            whole = np.floor(column).astype(np.int64)
            rest = np.round((column - whole) * (10**9 // factor)).astype("timedelta64[ns]")
            return np.asarray(whole.astype(f"datetime64[{unit}]").astype("datetime64[ns]") + rest)
    if least > 1e7 and most < 1e14 and column.dtype.kind == "i":
        found = read_dates(pa.array(column).cast(pa.string()), None)
        return None if found is None else found.dates
    return None


def time_parts(columns: Mapping[str, Column], clock: str | None) -> tuple[str, ...]:
    """The column of dates and the one of times of day that belong to it, or year, month, day…; else the clock alone."""
    if clock is None:
        units = {unit: name for name in columns if (unit := _unit(name)) is not None and is_number(columns[name])}
        parts = tuple(units[unit] for unit in sorted(units))
        if {0, 1} <= set(units) and 2 not in units:  # months
            months = columns[units[0]] * 12 + columns[units[1]]
            return (units[0], units[1]) if (np.diff(months) > 0).all() else ()
        return parts if {0, 1, 2} <= set(units) else ()
    column = columns[clock]
    stamps = as_dates(column) if is_number(column) else column
    if stamps is None or not is_date(stamps) or (stamps.astype("datetime64[D]") != stamps).any():
        return (clock,)
    for name, other in columns.items():
        called = (
            not is_number(other) or _unit(name) == 3 or re.search("time|hour|hhmm|zeit|uhr|hora|heure", name.lower())
        )
        if name != clock and called and not is_date(other) and _of_day(other[:100]) is not None:
            return clock, name
    return (clock,)


def _unit(name: str) -> int | None:
    return _UNITS.get(name.strip().lower().removesuffix("s"))


def _joined(table: DataTable, names: Sequence[str]) -> Column:
    """The time that is spread over several columns: a date and a time of day, or year, month, day…"""
    columns = {name: table.columns[name] for name in names}
    for name, column in columns.items():
        if (absent := missing(column)).any():
            raise UserError("the time is missing", where=table.at(int(absent.argmax()), name), hint="fill it in")
    units = {name: unit for name in names if (unit := _unit(name)) is not None and is_number(columns[name])}
    if {0, 1} <= set(units.values()):
        parts = {_PARTS[unit]: columns[name].astype(np.int64) for name, unit in units.items()}
        return np.asarray(pd.to_datetime(pd.DataFrame({"day": 1} | parts), errors="coerce"), dtype="datetime64[ns]")
    total: Column | None = None
    for name, column in columns.items():
        stamps = as_dates(column) if is_number(column) and total is None else column
        part = stamps.astype("datetime64[ns]") if stamps is not None and is_date(stamps) else _of_day(column)
        if part is None or (total is None and part.dtype.kind == "m"):
            what = f"{quoted(column[0])} is neither a date nor a time of day that can be read"
            raise UserError(what, where=table.at(0, name), hint="name the date first, and then the time of day")
        total = part if total is None else total + (part if part.dtype.kind == "m" else np.timedelta64(0))
    return np.asarray(total)


def _of_day(column: Column) -> Column | None:
    """Times of day, (rows,): text such as 18:30, or whole numbers: hours, hhmm or hhmmss; None if they are none."""
    day = np.datetime64("2000-01-01", "ns")
    if is_number(column):
        whole = column.astype(np.int64)
        if (whole != column).any() or whole.min(initial=0) < 0:
            return None
        most = int(whole.max(initial=0))
        hours, rest = (whole, whole * 0) if most <= 24 else np.divmod(whole, 100 if most <= 2400 else 10_000)
        minutes, seconds = (rest, rest * 0) if most <= 2400 else np.divmod(rest, 100)
        if max(hours.max(initial=0), 24) > 24 or minutes.max(initial=0) > 59 or seconds.max(initial=0) > 59:
            return None
        return (hours * 3600 + minutes * 60 + seconds).astype("timedelta64[s]").astype("timedelta64[ns]")
    texts = pa.array([None if cell is None else f"2000-01-01 {cell}" for cell in column], pa.string())
    found = read_dates(texts, None) if texts.null_count < len(texts) else None
    return None if found is None else found.dates - day


def _steps(time: Column) -> Column:
    """From row to row, as numbers."""
    return np.diff(time).astype(np.float64)


def _repeated(table: DataTable, time: Column, rows: Ints) -> Bools:
    """Marks the rows that are the same as the next one in every column, (rows,)."""
    same = np.append(_steps(time) == 0, False)
    for column in table.columns.values() if same.any() else ():
        ordered = column[rows]
        equal = ordered[1:] == ordered[:-1]
        equal |= missing(ordered[1:]) & missing(ordered[:-1])
        same[:-1] &= equal
    return same


def _clock_changes(time: Column) -> list[int]:
    """The first rows after a clock was put back an hour: steps that are an hour too short, at night, rarely."""
    if not is_date(time) or len(time) < LEAST_MENDED:
        return []
    steps = np.diff(time)
    usual = np.median(steps[steps > np.timedelta64(0)]) if (steps > np.timedelta64(0)).any() else HOUR
    back = np.flatnonzero((steps <= np.timedelta64(0)) & (steps == usual - HOUR)) + 1
    night = all(time[row] - time[row].astype("datetime64[D]") <= 3 * HOUR for row in back)
    years = (time[-1] - time[0]) / np.timedelta64(365, "D")
    return back.tolist() if night and len(back) <= 1 + years and (steps <= np.timedelta64(0)).sum() == len(back) else []


def _regular(time: Column) -> bool:
    """Does every time stand there equally often? Then several series stand in one table."""
    return len(set(np.unique(time, return_counts=True)[1].tolist())) == 1


def _spread(time: Column) -> Column:
    """Times of a coarse clock, (rows,): those alike evenly divided over the step to the next."""
    values, first, counts = np.unique(time, return_index=True, return_counts=True)
    steps = np.diff(values).astype(np.float64)
    lengths = np.append(steps, np.median(steps))
    places = np.arange(len(time)) - np.repeat(first, counts)
    shift = np.repeat(lengths / counts, counts) * places
    return time + shift.astype("timedelta64[ns]") if is_date(time) else time + shift


def _refuse_disorder(table: DataTable, names: Sequence[str], time: Column, rows: Ints) -> None:
    late = np.flatnonzero(_steps(time) <= 0)
    if not len(late):
        return
    row = int(late[0]) + 1
    before, this = (
        " ".join(str(table.columns[name][one]).replace("T", " ") for name in names) for one in rows[row - 1 : row + 1]
    )
    several = "if the file holds several series, name the column that tells them apart as `[data] series`; "
    if time[row] == time[row - 1]:
        part = "if the time of day stands in another column, name both as `[data] time`; "
        what, hint = f"the time {this} stands here twice", part + several + "else keep one row a time"
    else:
        what, hint = f"the time {this} comes after {before}", several + "else sort the rows by time"
    hint += ', or set `[data] time` to "" if the rows are evenly spaced as they stand'
    raise UserError(what, where=table.at(int(rows[row]), names[0]), hint=hint)
