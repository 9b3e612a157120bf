"""Every way in which a file can be broken is one clear message; every way in which it can be whole reads alike."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.data.reading import read, refusal, written

ROWS = "time,a,b\n1,0.5,1\n2,1.5,0\n3,2.5,4\n"


@pytest.mark.parametrize(
    ("content", "what", "place"),
    [
        (b"time,a", "no rows", "data.csv"),
        (b"PAR1\x00\x01\x02", "not a text file", "data.csv"),
        (b"time,a\n\n\n1,2\n\n2\n", "1 value where the header names 2 columns", "data.csv:6"),
        (b'time,a\n1,2\n2,"3\n4,5\n', "quotation mark", "data.csv:3"),
        (b'time,"a\n1,"2"\n4,5\n', "quotation mark", "data.csv:1"),
        (b"1704067200,6.4,0\n1704067500,5.8,0\n", "first line holds values", "data.csv:1"),
    ],
)
def test_broken_file(tmp_path: Path, content: bytes, what: str, place: str) -> None:
    """Others stand in tests/bad/data.py."""
    error = refusal(written(tmp_path, content))
    assert what in error.what
    assert error.where.endswith(place)


@pytest.mark.parametrize("line", [2, 5])
def test_line_of_a_fault_counts_blank_lines_and_line_ends_in_quotes(tmp_path: Path, line: int) -> None:
    between = {2: "", 5: '1,2,"two\nlines"\n\n'}[line]
    path = written(tmp_path, f"time,a,note\n{between}7,x,\n8,1,\n9,2,\n".encode())
    assert refusal(path, features="a").where.endswith(f"data.csv:{line} a")


@pytest.mark.parametrize(
    "content",
    [
        ROWS.replace(",", ";"),
        ROWS.replace(",", "\t"),
        ROWS.replace("\n", "\r\n"),
        ROWS.replace("\n", "\r"),
        "\ufeff" + ROWS,
        ROWS.rstrip(),
        ROWS.replace("\n", "\n\n"),
        ROWS.replace(",", ", "),
    ],
)
def test_dialects_read_alike(tmp_path: Path, content: str) -> None:
    assert read(written(tmp_path, content.encode())).digest == read(written(tmp_path, ROWS, "data.csv")).digest


def test_parquet_and_csv_read_alike(tmp_path: Path) -> None:
    time = pd.date_range("2024-01-01", periods=50, freq="min", tz="Europe/Berlin", name="time")
    values = np.random.default_rng(0).normal(size=50)
    frame = pd.DataFrame({"value": values, "anomaly": values > 1}, index=time)
    frame.to_parquet(tmp_path / "data.parquet")
    frame.to_csv(tmp_path / "data.csv")
    dataset = read(tmp_path / "data.parquet")
    assert dataset.digest == read(tmp_path / "data.csv").digest
    assert dataset.labelled
    assert dataset.series[0].time[0] == np.datetime64("2023-12-31T23:00")
    np.testing.assert_array_equal(dataset.series[0].features[:, 0], values)


def test_types_are_inferred_from_the_whole_column(tmp_path: Path) -> None:
    rows = [f"{number},{number % 7}" for number in range(200_000)]
    path = written(tmp_path, "\n".join(["time,a", *rows, "200000,0.5"]))
    assert read(path).series[0].features[-1, 0] == 0.5
    path = written(tmp_path, "\n".join(["time,a", *rows, "200000,0.5,7"]))
    assert refusal(path).where.endswith("data.csv:200002")


def test_files_are_read_by_name_those_of_one_name_stay_apart_and_hidden_ones_are_left_out(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "._a.csv"):
        written(tmp_path, ROWS, name)
    assert [series.name for series in read(tmp_path / "*.csv").series] == ["a", "b"]
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder, ROWS, "day.csv")
    assert [series.name for series in read(tmp_path / "*" / "day.csv").series] == ["x/day.csv", "y/day.csv"]


def test_a_file_with_brackets_in_its_name_is_no_pattern(tmp_path: Path) -> None:
    assert read(written(tmp_path, ROWS, "[1].csv")).rows == 3
