"""Counters and clocks: which column only counts, which is the time, and which tells the series of a file apart."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum

import numpy as np
import pandas as pd

from tuner.data.series import Bools
from tuner.errors import UserError
from tuner.loading.clock import raw_time
from tuner.loading.columns import dates, is_date, is_number, letters, missing
from tuner.reading.table import Column, DataTable
from tuner.spec.sections import CvSection

# what the usual holdout keeps back decides nothing about the rows before it
SEEN = 1 - float(CvSection.model_fields["holdout"].default)
ENOUGH_ROWS = 100  # in fewer a column may grow evenly by chance
EVEN = 0.01  # of the usual step: a step that differs by no more is as long,
EVENLY = 0.9  # as so many of the steps of a counter or clock are
EPOCH = 1e8  # from here on a number that is called a time and only grows is one since 1970
ROUND = 0.97  # of the steps of a column that goes round; the rest are gaps
LEAST_SERIES = 16  # rows of each series of a file on average
# names without their case and whatever is no letter
_TIME = {"time", "timestamp", "date", "datetime", "ts"}
_CLOCK = re.compile(
    r"time|date|stamp|epoch|datum|zeit|fecha|hora|heure|utc|时间|日期|(creat|updat|record|measur|observ)edat$|^(t|ts|ds|dt)([mun]?s)?$"
)
_INDEX = {"", "index", "unnamed", "indexlevel"}  # what files call the index of a data frame


class Order(IntEnum):
    """How a column goes from row to row, the most like a time first."""

    STRICT = 0
    TIES = 1
    NONE = 2
    CONSTANT = 3


def order_of(column: Column, breaks: Bools | None = None) -> Order:
    """The order of numbers or dates, (rows,), all of which must grow or all fall; not looked at across breaks.

    Args:
        column: missing values are skipped.
        breaks: (rows - 1,) does another series begin with the next row?
    """
    known = np.isfinite(column)
    steps = np.diff(column[known]).astype(np.float64)
    if breaks is not None:
        steps = steps[~breaks]
    up, down = bool((steps > 0).any()), bool((steps < 0).any())
    if not up and not down:
        return Order.CONSTANT if len(steps) else Order.STRICT
    if up and down:
        return Order.NONE
    return Order.TIES if (steps == 0).any() else Order.STRICT


def seen(column: Column) -> Column:
    """The rows that the usual holdout leaves, (rows,)."""
    return column[: round(SEEN * len(column))]


def is_counter(name: str, column: Column) -> bool:
    """Does a column grow, or fall, strictly and by even steps, or is it another clock? Missing values are skipped."""
    if not is_number(column) or order_of(column := seen(column)) != Order.STRICT:
        return False
    rows = np.flatnonzero(np.isfinite(column))
    if len(rows) < max(SEEN * ENOUGH_ROWS, len(column) / 2):
        return letters(name) in _INDEX
    steps = np.diff(column[rows].astype(np.float64)) / np.diff(rows)
    usual = np.median(steps)
    if np.mean(np.abs(steps - usual) <= EVEN * abs(usual)) >= EVENLY:
        return True
    return is_called_time(name) and bool(np.abs(column[rows]).min() >= EPOCH)


def goes_round(column: Column) -> bool:
    """Does a column go on in even steps, or round and round, as years, hours or their sines do? Its runs count once."""
    values = column[np.flatnonzero(np.diff(column, prepend=np.nan))]
    if len(np.unique(values[:10_000])) < 3:
        return False
    steps, again = np.diff(values), np.flatnonzero((values[2:-1] == values[0]) & (values[3:] == values[1])) + 2
    even = np.isclose(steps, np.median(steps)) | np.isclose(np.abs(steps), np.ptp(values))
    alike = values[again[0] :] == values[: -again[0]] if len(again) else even
    return bool(max(even.mean(), alike.mean()) >= ROUND)


def recognise_time(columns: Mapping[str, Column]) -> str | None:
    """The column that is called a time or tells dates, else one that only counts; of several the steadiest."""
    found = []
    for number, (name, column) in enumerate(columns.items()):
        exact, called = letters(name) in _TIME, is_called_time(name)
        if is_number(column):
            order = order_of(column)
            clock = exact or (called and order <= Order.TIES)
            if clock or is_counter(name, column):
                found.append((not clock, order, not exact, number, name))
        elif is_date(column) or _are_dates(column, exact):
            order = order_of(dates(column))
            if exact or order != Order.CONSTANT:
                found.append((False, order, not exact, number, name))
    return min(found)[-1] if found else None


def recognise_series(table: DataTable, time: Sequence[str], names: Sequence[str]) -> str | None:
    """The column by whose values the rows fall into few series whose time grows in each; None if it does as it is."""
    try:
        stamps = raw_time(table, time)
    except UserError:  # it will be raised where the time is read
        return None
    if order_of(stamps) == Order.STRICT:
        return None
    found = []
    for name in names:
        if table.columns[name].dtype.kind not in "iO" or missing(table.columns[name]).any():
            continue
        codes, values = pd.factorize(table.columns[name])
        if not 2 <= len(values) <= len(codes) / LEAST_SERIES:
            continue
        rows = np.argsort(codes, kind="stable")
        if order_of(stamps[rows], np.diff(codes[rows]) != 0) == Order.STRICT:
            found.append((len(values), name))
    return min(found)[1] if found else None


def split_series(tables: Sequence[DataTable], name: str) -> list[DataTable]:
    """A table for each series of each table, in the order in which they begin, called by the value that tells it.

    Raises:
        UserError: a row does not say of which series it is.
    """
    return [part for table in tables for part in _parts(table, name, alone=len(tables) == 1)]


def _parts(table: DataTable, name: str, *, alone: bool) -> Iterator[DataTable]:
    codes, values = pd.factorize(table.columns[name])
    if (codes < 0).any():
        row = int((codes < 0).argmax())
        raise UserError("the series is missing", where=table.at(row, name), hint="fill it in, or leave out these rows")
    if len(values) == 1:
        yield table
        return
    order = np.argsort(codes, kind="stable")
    for value, rows in zip(values, np.split(order, np.cumsum(np.bincount(codes))[:-1]), strict=True):
        yield replace(table.take(rows), name=str(value) if alone else f"{table.name}/{value}")


def _are_dates(column: Column, exact: bool) -> bool:
    """Is it text that all is dates, or of a column called so at least some? Times of day without a date are none."""
    if np.isnan(dates(column[:100])).all():
        return False
    return exact or not bool(np.isnan(dates(column)).any())


def is_called_time(name: str) -> bool:
    return bool(_CLOCK.search(letters(name)))
