"""Windows: which rows each sees and answers, and that none crosses from one series to the next."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.data.windows import make_windows

shapes = st.tuples(
    st.lists(st.integers(0, 20), min_size=1, max_size=4),  # rows of each series
    st.integers(1, 8),  # window
    st.integers(0, 5),  # horizon
)


def test_two_series_by_hand():
    windows = make_windows([5, 2, 4], length=3, horizon=1)
    assert windows.first.tolist() == [0, 1, 7]
    assert windows.last.tolist() == [2, 3, 9]
    assert windows.target.tolist() == [3, 4, 10]
    assert windows.series.tolist() == [0, 0, 2]


def test_without_a_horizon_a_window_answers_its_last_row():
    windows = make_windows([4], length=3, horizon=0)
    assert windows.target.tolist() == windows.last.tolist() == [2, 3]


@settings(max_examples=50)
@given(shapes)
def test_every_series_gives_all_windows_that_fit_and_none_crosses_series(shape):
    lengths, length, horizon = shape
    windows = make_windows(lengths, length, horizon)
    owner = np.repeat(np.arange(len(lengths)), lengths)  # the series of each row
    fitting = [
        row
        for row in range(len(owner))
        if (owner[row : row + length + horizon] == owner[row]).sum() == length + horizon
    ]
    assert windows.first.tolist() == fitting
    assert windows.series.tolist() == owner[windows.first].tolist() == owner[windows.target].tolist()


@pytest.mark.parametrize(("row", "windows"), [(0, [0]), (3, [0, 1, 2, 3]), (4, [1, 2, 3, 4]), (7, [4])])
def test_a_window_touches_the_rows_from_its_first_to_the_one_it_answers(row, windows):
    made = make_windows([8], length=2, horizon=2)  # touching rows 0-3, 1-4, 2-5, 3-6, 4-7
    assert np.flatnonzero(made.touches(np.arange(8) == row)).tolist() == windows


@settings(max_examples=50)
@given(shapes, st.randoms(use_true_random=False))
def test_covered_rows_are_the_union_of_the_chosen_windows(shape, random):
    windows = make_windows(*shape)
    chosen = np.array([number for number in range(len(windows)) if random.random() < 0.3], dtype=np.int64)
    seen, touched = set(), set()
    for number in chosen:
        seen |= set(range(windows.first[number], windows.last[number] + 1))
        touched |= set(range(windows.first[number], windows.target[number] + 1))
    assert len(windows.seen_rows(chosen)) == len(windows.touched_rows(chosen)) == windows.rows
    assert set(np.flatnonzero(windows.seen_rows(chosen))) == seen
    assert set(np.flatnonzero(windows.touched_rows(chosen))) == touched


@settings(max_examples=50)
@given(shapes, st.randoms(use_true_random=False))
def test_touches_agrees_with_a_search_row_by_row(shape, random):
    windows = make_windows(*shape)
    mask = np.array([random.random() < 0.1 for _ in range(windows.rows)], dtype=bool)
    expected = [mask[first : target + 1].any() for first, target in zip(windows.first, windows.target, strict=True)]
    assert windows.touches(mask).tolist() == expected


def test_windows_begin_every_stride_rows_anew_in_each_series() -> None:
    windows = make_windows([9, 4, 10], length=3, horizon=1, stride=3)
    assert windows.first.tolist() == [0, 3, 9, 13, 16, 19]
    assert windows.series.tolist() == [0, 0, 1, 2, 2, 2]
