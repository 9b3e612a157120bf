"""Dates of any year, written in any way that people do, are read as what they were."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.making import known
from tuner.reading.dates import Order, Parsed, read_dates

WAYS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d %H.%M.%S", "%Y%m%d %H%M%S",
    "%Y%m%dT%H%M%S", "%Y%m%d%H%M%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S Uhr", "%d-%b-%Y %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p", "%a, %d %b %Y %H:%M:%S GMT", "[%d/%b/%Y:%H:%M:%S +0000]", "%a %b %d %H:%M:%S %Y",
    "%d%b%Y:%H:%M:%S", "%Y-%m-%d_%H:%M:%S", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S.000000",
    "%B %d %Y %H:%M:%S", "%Y年%m月%d日 %H:%M:%S",
)  # fmt: skip
moments = st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31)).map(lambda time: time.replace(microsecond=0))


def parsed(*cells: str | None, told: Order | None = None) -> Parsed | None:
    return read_dates(pa.array(cells, pa.string()), told)


@given(st.lists(moments, min_size=1, max_size=8), st.sampled_from(WAYS))
def test_what_was_written_is_read(times: list[datetime], way: str) -> None:
    found = known(parsed(*(time.strftime(way) for time in times), None))
    np.testing.assert_array_equal(found.dates, np.array([*times, "NaT"], dtype="datetime64[ns]"))


@given(
    moments, st.integers(1, 86_400), st.booleans(), st.sampled_from(["/%Y %H:%M:%S", "/%y %I:%M:%S %p", "-%Y %H:%M:%S"])
)
def test_day_and_month_are_read_in_the_way_that_gives_steady_steps(start, step, day_first, rest) -> None:
    """Over enough days one of the two readings has steps of all kinds."""
    start = start.replace(
        year=min(start.year, 2067), day=min(start.day, 28)
    )  # none past 2068, which two digits end with
    times = [start + number * timedelta(days=3, seconds=step) for number in range(40)]
    way = ("%d/%m" if day_first else "%m/%d") + rest
    found = known(
        parsed(*(time.strftime(way.replace("%d/%m-", "%d-%m-").replace("%m/%d-", "%m-%d-")) for time in times))
    )
    assert (found.order, found.unsure) == ("day-first" if day_first else "month-first", False)
    np.testing.assert_array_equal(found.dates, np.array(times, dtype="datetime64[ns]"))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2024-01-01T00:00:00+11:00", "2023-12-31T13"),
        ("2024-01-01 00:00 CET", "2023-12-31T23"),
        ("01.07.2024 00:00 MESZ", "2024-06-30T22"),
        ("2024-01-01 24:00", "2024-01-02"),
        ("2024-01-01 12:00 a.m.", "2024-01-01"),
        ("2024-01-01 00:00:00,125", "2024-01-01T00:00:00.125"),
        ("01.05.2024 00:15 - 01.05.2024 00:30", "2024-05-01T00:15"),
        ("5. Mai 2024", "2024-05-05"),
        ("2024-01-01 00h10", "2024-01-01T00:10"),
        ("29/02/24 10:00", "2024-02-29T10"),
        ("2024/1/2 3:04", "2024-01-02T03:04"),
        *(("2024-05", "2024-05-01"), ("May 2024", "2024-05-01"), ("mai-24", "2024-05-01")),
        *(("1 février 2024", "2024-02-01"), ("3 juin 2024", "2024-06-03"), ("3 juillet 2024", "2024-07-03")),
        ("May 5, 2024 at 13:00", "2024-05-05T13"),
    ],
)
def test_a_way_of_writing(cell: str, expected: str) -> None:
    found = known(parsed(cell))
    assert found.dates[0] == np.datetime64(expected)


@pytest.mark.parametrize(
    "cell",
    ["20.5", "12:30", "noon", "2024-13-01", "31/02/2024", "29.02.2023", "2024-01-01 25:00", "sensor 1", "1,2,3", ""],
)
def test_no_date(cell: str) -> None:
    assert parsed(cell) is None
    assert parsed("2024-01-01", cell) is None


ORDERS: dict[Order, str] = {"day-first": "2024-01-05", "month-first": "2024-05-01"}


def test_a_day_that_could_be_a_month_is_in_doubt_until_told() -> None:
    cells = [f"05/01/2024 {hour:02d}:00" for hour in range(24)]
    doubtful = known(parsed(*cells))
    assert doubtful.unsure
    for told, expected in ORDERS.items():
        found = known(parsed(*cells, told=told))
        assert (found.dates[0], found.order, found.unsure) == (np.datetime64(expected), told, False)


@pytest.mark.parametrize(("cell", "told"), [("13/01/2024", "month-first"), ("2024-01-13", "day-first")])
def test_what_is_told_does_not_hold_against_the_dates(cell: str, told: Order) -> None:
    found = known(parsed(cell, told=told))
    assert found.dates[0] == np.datetime64("2024-01-13")
