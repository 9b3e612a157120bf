"""Numbers in any dress are read as what they were; what only looks like one is left alone."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.making import known
from tuner.reading.numerals import choose_decimal, parse_numbers, sentinels, undress

DRESSES = {
    "comma": lambda x: f"{x:.2f}".replace(".", ","),
    "thousands": lambda x: f"{x:,.2f}",
    "points": lambda x: f"{x:,.2f}".translate(str.maketrans(",.", ".,")),
    "apostrophe": lambda x: f"{x:,.2f}".replace(",", "'"),
    "blank": lambda x: f"{x:,.2f}".replace(",", "\u202f").replace(".", ","),
    "minus": lambda x: f"{x:.2f}".replace("-", "\u2212"),
    "currency": lambda x: f"-${-x:,.2f}" if x < 0 else f"${x:,.2f}",
    "euro": lambda x: f"{x:.2f} €".replace(".", ","),
    "percent": lambda x: f"{x:.2f} %",
    "unit": lambda x: f"{x:.2f} kWh",
    "accounting": lambda x: f"({-x:,.2f})" if x < 0 else f"{x:,.2f}",
    "fortran": lambda x: f"{x:.10e}".replace("e", "D"),
    "plus": lambda x: f"{x:+.2f}",
}


def undressed(cells: Sequence[str | None], delimiter: str = ";") -> np.ndarray | None:
    found = undress(pa.array(cells, pa.string()))
    return (
        None
        if found is None
        else parse_numbers(found, choose_decimal([found], delimiter, None)).to_numpy(zero_copy_only=False)
    )


@given(
    st.lists(st.integers(-(10**9), 10**9).map(lambda n: n / 100), min_size=1, max_size=20),
    st.sampled_from(sorted(DRESSES)),
)
def test_what_was_dressed_is_read(values: list[float], dress: str) -> None:
    found = known(undressed([*map(DRESSES[dress], values), None]))
    np.testing.assert_allclose(found, [*values, np.nan])


@pytest.mark.parametrize(
    ("cells", "delimiter", "expected"),
    [
        (["1,234", "5,678"], ",", [1234, 5678]),
        (["1,234", "5,678"], ";", [1.234, 5.678]),
        (["1,234", "5,67"], ",", [1.234, 5.67]),
        (["1,234,567", "8"], ";", [1234567, 8]),
        (["1.5K", "2M", "3"], ",", [1500, 2e6, 3]),
        (["1.234", "?", "5.678"], ";", [1.234, np.nan, 5.678]),
        (["1", "bad", "2", "bad", "3", "bad", "4"], ";", [1, np.nan, 2, np.nan, 3, np.nan, 4]),
        (["12,34,567.5"], ";", [1234567.5]),
    ],
)
def test_a_column(cells: list[str], delimiter: str, expected: list[float]) -> None:
    found = known(undressed(cells, delimiter))
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "oops", "3"],
        ["a", "b"],
        ["18.00.00"],
        ["1 m", "2 km"],
        ["1,5", "1.5,5,5"],
        ["00:10"],
        ["12-3"],
        ["net5", "net6"],
    ],
)
def test_no_numbers(cells: list[str]) -> None:
    assert undressed(cells) is None


def test_a_column_that_tells_decides_for_those_that_do_not() -> None:
    telling, other = (undress(pa.array(cells)) for cells in (["1,5"], ["1,234"]))
    assert telling is not None
    assert other is not None
    assert choose_decimal([telling, other], ",", None) == ","
    assert choose_decimal([other], ",", None) == "."
    assert choose_decimal([other], ",", ",") == ","


@given(st.sampled_from([-999.0, -9999.0, 9999.0, -200.0, -99.99, 65535.0, 1e20]), st.integers(3, 9))
def test_usual_marks_far_outside_are_found(mark: float, times: int) -> None:
    values = np.concatenate([20 + np.sin(np.arange(100)), np.full(times, mark)])
    assert sentinels(values) == [(mark, True)]
    assert sentinels(values[: 100 + 2]) == []


def test_other_numbers_far_outside_are_only_pointed_out() -> None:
    values = 20 + np.sin(np.arange(100))
    assert sentinels(np.append(values, [-500.0] * 5)) == [(-500.0, False)]
    assert sentinels(np.append(values, [15.0] * 5)) == []
    assert sentinels(np.append(np.arange(3.0).repeat(9), [-999.0] * 5)) == []
