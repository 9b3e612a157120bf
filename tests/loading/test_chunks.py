"""Chunks of rows to be scored: the same as the whole file read for training, refused in the same words."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.data.reading import written
from tests.making import refused
from tuner.errors import UserError
from tuner.loading.chunks import Chunk, Wanted, read_chunks
from tuner.loading.clock import read_clock
from tuner.loading.columns import numbers
from tuner.reading.opening import open_file, open_frame

WANTED = Wanted(("time",), dated=True, features=("x", "y"), targets=("x",), optional=True)
PLAIN = """
    time,x,y,text
    2024-05-01 00:00:00,1,2.5,a
    2024-05-01T00:01,2,,b
    2024-05-01 00:02,3.25,nan,"c
    d"
    2024-05-01 00:03:00.5,-1e3,inf,e
"""


def chunks(path: Path, wanted: Wanted = WANTED, rows: int = 2) -> list[Chunk]:
    return list(read_chunks(open_file(path), wanted, rows))


def joined(parts: list[Chunk]) -> dict[str, Any]:
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("time", "features", "targets")}
    return {**arrays, "text": [text for part in parts for text in part.text.to_pylist()]}


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 100])
def test_rows_come_as_they_are_so_many_at_a_time(tmp_path, rows) -> None:
    path = written(tmp_path, PLAIN)
    parts = chunks(path, rows=rows)
    assert [len(part.time) for part in parts[:-1]] == [rows] * (len(parts) - 1)
    found, table = joined(parts), open_file(path).read("whole")
    np.testing.assert_array_equal(found["time"], read_clock(table, ["time"]).time)
    np.testing.assert_array_equal(found["features"], np.column_stack([numbers(table, name) for name in "xy"]))
    np.testing.assert_array_equal(found["targets"][:, 0], [1, 2, 3.25, -1000])
    assert found["text"] == ["2024-05-01 00:00:00", "2024-05-01T00:01", "2024-05-01 00:02", "2024-05-01 00:03:00.5"]


@pytest.mark.parametrize(
    ("time", "first"),
    [
        ("{:02d}/05/2024 10:00", "2024-05-01 10:00"),  # the first twelve could be months
        ("{:02d}.05.2024", "2024-05-01"),
        ("2024-05-{:02d}T10:00:00Z", "2024-05-01 10:00"),
        ("2024-05-{:02d} 10:00+02:00", "2024-05-01 08:00"),
    ],
)
def test_dates_are_read_as_the_whole_file_would_be(tmp_path, time, first) -> None:
    days = "\n".join(f"{time.format(day)},1,2" for day in range(1, 20))
    found = joined(chunks(written(tmp_path, f"time,x,y\n{days}"), rows=5))
    expected = np.datetime64(first) + np.arange(19) * np.timedelta64(1, "D")
    np.testing.assert_array_equal(found["time"], expected.astype("datetime64[ns]"))
    assert found["text"][0] == time.format(1)


def test_times_may_be_numbers_or_not_there(tmp_path) -> None:
    path = written(tmp_path, "time;x;y\n1;1;2\n2;1;2\n2.5;1;2")
    counted = Wanted(("time",), dated=False, features=("y", "x"), targets=(), optional=True)
    found = joined(chunks(path, counted))
    np.testing.assert_array_equal(found["time"], [1, 2, 2.5])
    np.testing.assert_array_equal(found["features"], [[2, 1]] * 3)
    assert found["text"] == ["1", "2", "2.5"]
    assert found["targets"].shape == (3, 0)
    free = joined(chunks(path, Wanted((), dated=False, features=("x",), targets=(), optional=True)))
    assert (free["time"].tolist(), free["text"]) == ([0, 1, 2], ["0", "1", "2"])


def test_truth_values_and_odd_numbers_are_read_as_for_training(tmp_path) -> None:
    path = written(tmp_path, "time,x,y\n2024-05-01,true, 1 \n2024-05-02,false,+2\n2024-05-03,true,\n")
    np.testing.assert_array_equal(joined(chunks(path))["features"], [[1, 1], [0, 2], [1, np.nan]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,x,y\n2024-05-01,1,2\n\n2024-05-02,oops,2", "data.csv:4 x: `oops` is not a number"),
        ("time,x,y\n2024-05-01,1,2\n2024-05-02,2,3\n2024-05-02,1,2", "data.csv:4 time: the time 2024-05-02"),
        ("time,x,y\n2024-05-02,1,2\n2024-05-03,1,2\n2024-05-01,1,2", "data.csv:4 time"),
        ("time,x,y\n2024-05-02,1,2\n,1,2", "data.csv:3 time: the time is missing"),
        ("time,x,y\n2024-05-02,1,2\nnoon,1,2", "`noon` is not a date"),
        ("time,x,y\n17,1,2\n18,1,2", "the column holds numbers, and held dates in training"),
        ("time,x,y\n2024-05-02,1,2\n2024-05-03,1", "2 values where the header names 3"),
        ("time,x\n2024-05-02,1", "there is no column `y`"),
        ("x,text\n1,a", "no column `time`, `y`"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(tmp_path, text, message) -> None:
    assert message in str(refused(chunks, written(tmp_path, text)))


def test_a_target_may_be_left_out_only_where_it_is_optional(tmp_path) -> None:
    path = written(tmp_path, "time,x,y\n2024-05-01,1,2")
    optional = Wanted(("time",), dated=True, features=("x",), targets=("y", "z"), optional=True)
    np.testing.assert_array_equal(joined(chunks(path, optional))["targets"], [[2, np.nan]])
    needed = Wanted(("time",), dated=True, features=("x",), targets=("y", "z"), optional=False)
    assert "no column `z`" in refused(chunks, path, needed).what


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_parquet_and_data_frames_are_read_alike(tmp_path, zone) -> None:
    time = pd.date_range("2024-05-01", periods=5, freq="h", tz=zone)
    frame = pd.DataFrame({"y": [1, 2, None, 4, 5], "time": time, "x": range(5), "z": "text"})
    frame.to_parquet(tmp_path / "data.parquet")
    one = joined(chunks(tmp_path / "data.parquet"))
    other = joined(list(read_chunks(open_frame(frame), WANTED, 2)))
    np.testing.assert_array_equal(one["time"], time.tz_convert(None) if zone else time)
    np.testing.assert_array_equal(one["features"], [[0, 1], [1, 2], [2, np.nan], [3, 4], [4, 5]])
    for name in ("time", "features", "targets"):
        np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize("cells", [[1, "oops"], ["1", "oops"]])
def test_text_in_a_data_frame_is_refused_with_its_row(cells) -> None:
    frame = pd.DataFrame({"time": pd.date_range("2024", periods=2), "x": cells, "y": 1.0})
    with pytest.raises(UserError, match="the data frame:2 x: `oops` is not a number"):
        list(read_chunks(open_frame(frame), WANTED, 2))
    numbers_as_text = frame.assign(x=[1, "2.5"])
    found = joined(list(read_chunks(open_frame(numbers_as_text), WANTED, 2)))
    np.testing.assert_array_equal(found["features"][:, 0], [1, 2.5])
