"""A column that only counts is told by its values; the time by name and values; series by what sets the time back."""

from typing import Any

import numpy as np
import pytest

from tuner.errors import UserError
from tuner.loading.counters import (
    Order,
    goes_round,
    is_counter,
    order_of,
    recognise_series,
    recognise_time,
    split_series,
)
from tuner.reading.table import Column, DataTable

ROWS = 1200
ROW = np.arange(ROWS)
RNG = np.random.default_rng(0)
STAMPS = np.datetime64("2024-01-01", "ns") + ROW * np.timedelta64(10, "m")
UNEVEN = np.cumsum(RNG.integers(1, 500, ROWS))


@pytest.mark.parametrize(
    "column",
    [
        *(ROW, ROW + 1000, ROW[::-1], ROW * 0.01, np.round(ROW / 3, 3), 1688169600000 + 600000 * ROW),
        *(
            ROW + (ROW > 500) * 40,
            np.where(ROW % 40 == 3, np.nan, ROW),
            np.where(ROW < 960, ROW, RNG.permutation(ROWS)),
        ),
    ],
)
def test_what_only_counts(column: Column) -> None:
    assert is_counter("x", column)


@pytest.mark.parametrize("column", [UNEVEN, RNG.normal(size=ROWS), ROW // 2, ROW % 24, np.ones(ROWS), ROW[:60], ROW**2])
def test_what_does_more_than_count(column: Column) -> None:
    assert not is_counter("x", column)


@pytest.mark.parametrize(
    "column",
    [
        *(ROW % 24, ROW // 6 % 24, np.delete(ROW, slice(30, 35)) // 24 % 7, 1980 + ROW // 12, ROW % 1440 / 60),
        np.round(np.sin(ROW % 24 / 24 * 2 * np.pi), 3),
    ],
)
def test_what_goes_round(column: Column) -> None:
    assert goes_round(column)


@pytest.mark.parametrize(
    "column", [RNG.normal(size=ROWS), ROW % 2, np.round(RNG.normal(size=ROWS)), UNEVEN, np.ones(ROWS)]
)
def test_what_does_not_go_round(column: Column) -> None:
    assert not goes_round(column)


def test_names_help_where_values_do_not_suffice() -> None:
    assert is_counter("Unnamed: 0", ROW[:60])
    assert is_counter("close_time", 1688169600000 + UNEVEN)
    assert not is_counter("meter", 1688169600000 + UNEVEN)


@pytest.mark.parametrize(
    ("columns", "time"),
    [
        ({"id": ROW, "when": STAMPS}, "when"),
        ({"seq": ROW, "epoch": 1688169600 + ROW}, "epoch"),
        ({"open_time": ROW * 60, "close_time": ROW * 60 + 59}, "open_time"),
        ({"seq": ROW, "x": RNG.normal(size=ROWS)}, "seq"),
        ({"x": RNG.normal(size=ROWS)}, None),
        ({"runtime": RNG.normal(size=ROWS)}, None),
        ({"date": np.repeat(STAMPS[:100], 12), "ts_ms": ROW * 50}, "ts_ms"),  # days, and what is finer
        ({"_start": np.repeat(STAMPS[:1], ROWS), "_time": STAMPS}, "_time"),
        ({"Time": ROW // 2, "v": RNG.normal(size=ROWS)}, "Time"),
        ({"time": RNG.normal(size=ROWS), "at": STAMPS}, "at"),  # a duration, and the time
        ({"created_at": STAMPS[::-1], "id": ROW}, "created_at"),
    ],
)
def test_the_time(columns: dict[str, Column], time: str | None) -> None:
    assert recognise_time(columns) == time


def long(**more: Any) -> DataTable:
    """Three series of 400 rows, one below the other."""
    columns = {"time": np.tile(STAMPS[:400], 3), "machine": np.repeat(np.array(["c", "a", "b"], dtype=object), 400)}
    return DataTable("kpi", "kpi.csv", {**columns, "v": ROW * 1.5, **more})


@pytest.mark.parametrize("order", [ROW, np.argsort(ROW % 400, kind="stable"), ROW[::-1]])
def test_series_of_one_file_however_its_rows_stand(order: Any) -> None:
    table = long()
    table = DataTable("kpi", "kpi.csv", {name: column[order] for name, column in table.columns.items()})
    assert recognise_series(table, ["time"], ["v", "machine"]) == "machine"
    parts = split_series([table], "machine")
    assert {part.name for part in parts} == {"a", "b", "c"}
    assert all(order_of(part.columns["time"]) == Order.STRICT for part in parts)
    assert sorted(parts[0].line(row) for row in range(400)) == sorted(
        np.flatnonzero(table.columns["machine"] == parts[0].name) + 1
    )


def test_no_series_where_the_time_only_grows_or_no_column_explains_that_it_does_not() -> None:
    steady = DataTable("x", "x", {"time": STAMPS, "half": ROW // 600})
    assert recognise_series(steady, ["time"], ["half"]) is None
    assert recognise_series(long(machine=ROW % 2), ["time"], ["machine", "v"]) is None


def test_a_row_of_no_series_is_refused() -> None:
    machine = np.array(["a", None, "b"], dtype=object)
    with pytest.raises(UserError, match="the series is missing"):
        split_series([DataTable("x", "x.csv", {"machine": machine})], "machine")
