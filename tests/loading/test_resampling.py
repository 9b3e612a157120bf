"""Rows are put together by whole multiples of a length: values by their mean, labels by any."""

from pathlib import Path

import numpy as np
import pytest

from tests.data.reading import read, refusal, written
from tuner.loading.chunks import Wanted, read_chunks
from tuner.loading.resampling import find_bins, mean_by_bin, resample_chunks
from tuner.reading.opening import open_file

TIMES = np.datetime64("2024-01-01T00:03", "ns") + np.arange(8) * np.timedelta64(1, "m")


@pytest.mark.parametrize(
    ("time", "every", "first", "begins"),
    [
        (TIMES, "5min", [0, 2, 7], np.datetime64("2024-01-01", "ns") + np.arange(3) * np.timedelta64(5, "m")),
        (np.array([3, 4, 19, 20]), "10", [0, 2, 3], [0, 10, 20]),
        (np.array([0.0, 0.1, 0.3]), "0.25", [0, 2], [0, 0.25]),
        (TIMES, "30s", list(range(8)), TIMES),
    ],
)
def test_bins(time, every, first, begins) -> None:
    found = find_bins(time, every)
    assert found[0].tolist() == first
    np.testing.assert_array_equal(found[1], begins)


def test_means_are_of_what_is_there() -> None:
    values = np.array([[1.0, 2], [3, np.nan], [np.nan, np.nan], [5, 7]])
    np.testing.assert_array_equal(mean_by_bin(values, np.array([0, 2])), [[2, 2], [5, 7]])
    np.testing.assert_array_equal(mean_by_bin(values, np.array([0, 2, 3])), [[2, 2], [np.nan, np.nan], [5, 7]])


def test_a_study_of_rows_put_together(tmp_path: Path) -> None:
    lines = ["time,a,label", *(f"2024-01-01 00:{n:02d}:00,{n},{int(n == 7)}" for n in range(20))]
    path = written(tmp_path, "\n".join(lines))
    (series,) = read(path, every="5min", features="a").series
    np.testing.assert_array_equal(series.features[:, 0], [2, 7, 12, 17])
    np.testing.assert_array_equal(series.labels, [False, True, False, False])
    assert (np.diff(series.time) == np.timedelta64(5, "m")).all()


@pytest.mark.parametrize(("time", "every"), [("2024-01-01", "often"), ("2024-01-01", "0s"), ("1", "5min"), ("1", "-3")])
def test_a_length_that_is_none(tmp_path: Path, time: str, every: str) -> None:
    error = refusal(written(tmp_path, f"time,a\n{time},1"), every=every)
    assert (error.where, error.what) == ("[data] every", f"`{every}` is no length of time")


@pytest.mark.parametrize("rows", [1, 3, 7, 50])
def test_chunks_are_put_together_across_their_edges(tmp_path: Path, rows: int) -> None:
    path = written(tmp_path, "\n".join(["time,a", *(f"2024-01-01 00:{n:02d}:00,{n}" for n in range(20))]))
    wanted = Wanted(("time",), dated=True, features=("a",), targets=(), optional=True)
    parts = list(resample_chunks(read_chunks(open_file(path), wanted, rows), "5min"))
    assert np.concatenate([part.features[:, 0] for part in parts]).tolist() == [2, 7, 12, 17]
    assert [text for part in parts for text in part.text.to_pylist()] == [
        f"2024-01-01 00:{n:02d}:00" for n in (0, 5, 10, 15)
    ]
