"""What loading lets through is finite, in order and without gaps; what it refuses it names by file, row and column."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.reading import SHARED, needs_shared, read, refusal, written
from tuner.data.market import DERIVED, LOOKBACK, RAW
from tuner.data.series import LONGEST_INTERPOLATED, Bools, Dataset, runs, warn_of_idle_targets
from tuner.loading.dataset import load_dataset, make_dataset
from tuner.reading.table import DataTable
from tuner.spec.file import read_spec_dict

ROWS = "time,a,b\n1,0.5,1\n2,1.5,0\n3,2.5,4\n"


@pytest.mark.parametrize(
    ("rows", "place", "what"),
    [
        ("2024-01-01,1\n2024-01-03,2\n2024-01-02,3", "4 time", "2024-01-02 comes after 2024-01-03"),
        ("2024-01-01,1\n2024-01-01,2", "3 time", "2024-01-01 stands here twice"),
        ("2024-01-01,1\n,2\n2024-01-02,2", "3 time", "missing"),
        ("May 1 2024,1\nNA,2", "3 time", "missing"),
        ("2024-01-01,1\n2024-01-01 12:00:00.5,1\nbad,2", "4 time", "`bad`"),
        ("5/1/2024,1\n5/2/2024,1\nbad,2", "4 time", "`bad`"),
        ("2024-01-01,1\nyesterday,2", "3 time", "`yesterday` is not a date"),
        ("01/02/2024 10:00,1\n32/02/2024 10:00,2", "3 time", "`32/02/2024 10:00` is not a date"),
        ("1,1\n2.5,2\n2,3", "4 time", "the time 2.0 comes after 2.5"),
        ("1,1\n,2\n3,3", "3 time", "missing"),
        ("05/01/2024 12:00,1\n05/01/2024 13:00,2", "2 time", "can be read day first and month first"),
        ("2024-01-01,1\n9999-12-31,2", "3 time", "`9999-12-31` is not a date"),
    ],
)
def test_times_that_are_refused(tmp_path: Path, rows: str, place: str, what: str) -> None:
    error = refusal(written(tmp_path, f"time,a\n{rows}"), time="time")
    assert error.where.endswith(f"data.csv:{place}")
    assert what in error.what


@pytest.mark.parametrize(
    "times",
    [
        ("2024-05-01 12:00", "2024-05-01 13:00"),
        ("2024-05-01T12:00:00Z", "2024-05-01T13:00:00Z"),
        ("2024-05-01 14:00+02:00", "2024-05-01 15:00+02:00"),
        ("May 1 2024 12:00", "May 1 2024 13:00"),
        ("1.5.2024 12:00", "1.5.2024 13:00"),
    ],
)
def test_dates_become_utc(tmp_path: Path, times: tuple[str, str]) -> None:
    series = read(written(tmp_path, f"time,a\n{times[0]},1\n{times[1]},2")).series[0]
    np.testing.assert_array_equal(series.time, np.array(["2024-05-01T12", "2024-05-01T13"], dtype="datetime64[ns]"))


@pytest.mark.parametrize("separator", ["/", "-", "."])
def test_the_day_comes_first_where_no_month_can(tmp_path: Path, separator: str) -> None:
    dates = [f"{day:02d}/02/2024".replace("/", separator) for day in range(1, 29)]
    path = written(tmp_path, "\n".join(["time,a", *[f"{date},{number}" for number, date in enumerate(dates)]]))
    assert (np.diff(read(path).series[0].time) == np.timedelta64(1, "D")).all()


@pytest.mark.parametrize(("zero", "one"), [("0", "1"), ("0.0", "1.0"), ("false", "true"), ("FALSE", "True")])
def test_labels(tmp_path: Path, zero: str, one: str) -> None:
    dataset = read(written(tmp_path, f"a,mark\n1,{zero}\n2,{one}\n3,{zero}"), label="mark")
    np.testing.assert_array_equal(dataset.series[0].labels, [False, True, False])


@pytest.mark.parametrize(
    ("cell", "what"), [("2", "`2` is no label"), ("", "missing"), ("yes", "`yes` is no label"), ("0.5", "`0.5`")]
)
def test_labels_that_are_refused(tmp_path: Path, cell: str, what: str) -> None:
    error = refusal(written(tmp_path, f"a,mark\n1,0\n2,{cell}\n3,1"), label="mark")
    assert error.where.endswith("data.csv:3 mark")
    assert what in error.what


@pytest.mark.parametrize("cell", ["", " ", "NaN", "NA", "null", "inf", "-inf"])
def test_missing_and_infinite_values_are_refused(tmp_path: Path, cell: str) -> None:
    error = refusal(written(tmp_path, f"time,a,b\n1,1,1\n2,2,{cell}\n3,3,{cell}\n4,5,6"))
    assert error.where.endswith("data.csv:3 b")
    assert "2 of 4" in error.what
    assert 'missing = "interpolate"' in error.hint


def test_missing_values_in_columns_that_are_not_used_do_not_matter(tmp_path: Path) -> None:
    assert read(written(tmp_path, "time,a,b\n1,1,\n2,2,5"), features="a").rows == 2


def test_interpolation(tmp_path: Path) -> None:
    rows = ["time,a,b,label", "1,,0,0", "2,1,1,0", "3,,2,1", "4,,,1", "5,4,8,0", "6,5,inf,0"]
    dataset = read(written(tmp_path, "\n".join(rows)), missing="interpolate")
    (series,) = dataset.series
    np.testing.assert_array_equal(series.time, [2, 3, 4, 5])
    np.testing.assert_allclose(series.features, [[1, 1], [2, 2], [3, 5], [4, 8]])
    np.testing.assert_array_equal(series.labels, [False, True, True, False])
    assert dataset.interpolated == 2
    assert "Interpolated 2 rows with missing values." in dataset.notes
    assert any("Left out 2 rows" in note for note in dataset.notes)


@pytest.mark.parametrize("length", [LONGEST_INTERPOLATED, LONGEST_INTERPOLATED + 1])
def test_a_long_run_of_missing_values_ends_a_series(tmp_path: Path, length: int) -> None:
    values = [1.0, 2.0, *[""] * length, 3.0, 5.0]
    rows = [f"{number},{value}" for number, value in enumerate(values)]
    dataset = read(written(tmp_path, "\n".join(["time,a", *rows])), missing="interpolate")
    whole = length <= LONGEST_INTERPOLATED
    assert [len(series) for series in dataset.series] == ([length + 4] if whole else [2, 2])
    assert dataset.interpolated == (length if whole else 0)


@pytest.mark.parametrize("seconds", [1, 60, 86400])
def test_a_gap_ends_a_series(tmp_path: Path, seconds: int) -> None:
    steps = [1, 1, 10, 1, 11, 1, 1]
    time = np.datetime64("2024-01-01T00:00") + np.cumsum([0, *steps]) * np.timedelta64(seconds, "s")
    pd.DataFrame({"time": time, "a": range(8)}).to_csv(tmp_path / "day.csv", index=False)
    dataset = read(tmp_path / "day.csv")
    assert [series.name for series in dataset.series] == ["day", "day#2"]
    assert [len(series) for series in dataset.series] == [5, 3]
    assert any("1 time gap " in note for note in dataset.notes)
    assert len(read(tmp_path / "day.csv", max_gap=11.0).series) == 1
    assert len(read(tmp_path / "day.csv", features="a", max_gap=9.9).series) == 3


def test_a_gap_beyond_all_numbers_is_none(tmp_path: Path) -> None:
    file = written(tmp_path, "time,a\n-4611686018427387904,1\n0,2\n4611686018427387904,3")
    assert len(read(file, max_gap=1e300).series) == 1


def test_constant_columns_are_left_out(tmp_path: Path) -> None:
    for name, level in (("1.csv", 5), ("2.csv", 6)):
        written(tmp_path, f"time,fixed,a,steps\n1,3,1,{level}\n2,3,2,{level}", name)
    dataset = read(tmp_path / "*.csv")
    assert dataset.feature_names == ("a", "steps")  # `steps` differs between the files
    assert dataset.target_names == ("a",)
    assert any("constant" in note and "`fixed`" in note for note in dataset.notes)
    assert "constant" in refusal(tmp_path / "*.csv", features="fixed").what
    assert refusal(tmp_path / "*.csv", target="fixed").where == "[data] target"


def test_digest_is_of_names_values_and_labels_not_of_paths(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    digest = read(written(tmp_path, ROWS)).digest
    assert read(written(tmp_path / "elsewhere", ROWS.replace("0.5", "5e-1"))).digest == digest
    others = [ROWS.replace("2.5", "2.6"), ROWS.replace("3,2.5", "4,2.5"), ROWS.replace("b", "c")]
    others += ["a,label\n1,0\n2,0\n3,1", "a,label\n1,0\n2,1\n3,1", "a,mark\n1,0\n2,0\n3,1"]
    digests = {read(written(tmp_path, other)).digest for other in others}
    digests.add(read(written(tmp_path, ROWS, "other.csv")).digest)
    digests.add(read(written(tmp_path, ROWS), target="b").digest)
    assert len(digests | {digest}) == 9


@given(
    steps=st.lists(st.integers(1, 25), max_size=60),
    missing=st.sets(st.tuples(st.integers(0, 60), st.integers(0, 1))),
    long=st.tuples(st.integers(0, 60), st.integers(0, 30)),
)
def test_series_hold_no_gap_and_no_hole_and_every_row_once(
    steps: list[int], missing: set[tuple[int, int]], long: tuple[int, int]
) -> None:
    rows = len(steps) + 1
    time = np.cumsum([0, *steps])
    values = np.random.default_rng(0).normal(size=(rows, 2))
    for row, column in missing:
        values[row % rows, column] = np.nan
    values[long[0] : long[0] + long[1], 0] = np.nan
    absent = np.asarray(np.isnan(values).any(axis=1))
    if (~absent).sum() < 2:
        return
    labels = np.arange(rows) % 3 == 0
    columns = {"time": time, "a": values[:, 0], "b": values[:, 1], "label": labels.astype(np.int64)}
    spec = read_spec_dict({"study": {"name": "x"}, "data": {"path": "x", "missing": "interpolate"}})
    dataset = make_dataset([DataTable("x", "x", columns)], spec)
    usual = np.median(steps) if steps else 1
    seen = np.concatenate([np.searchsorted(time, series.time) for series in dataset.series])
    assert np.all(np.diff(seen) > 0)
    assert set(np.flatnonzero(~absent)) <= set(seen)
    interpolated = 0
    for series in dataset.series:
        at = np.searchsorted(time, series.time)
        assert np.all(np.diff(at) == 1)
        assert np.all(np.diff(series.time) <= 10 * usual)
        assert np.isfinite(series.features).all()
        known = ~np.isnan(values[at])
        np.testing.assert_array_equal(series.features[known], values[at][known])
        assert known[[0, -1]].all()
        np.testing.assert_array_equal(series.labels, labels[at])
        interpolated = max([interpolated, *_lengths(absent[at])])
    assert dataset.interpolated == interpolated <= LONGEST_INTERPOLATED
    for one, two in pairwise(dataset.series):
        first, second = np.searchsorted(time, [one.time[-1], two.time[0]])
        cut = max(_lengths(absent[first : second + 1]), default=0) > LONGEST_INTERPOLATED
        assert cut or np.diff(time[first : second + 1]).max() > 10 * usual


def _lengths(mask: Bools) -> list[int]:
    return [past - first for first, past in runs(mask)]


def test_market() -> None:
    dataset = read_market()
    assert [series.name for series in dataset.series][:2] == ["session-01", "session-02"]
    assert dataset.labelled
    assert set(dataset.feature_names) == {*RAW, *DERIVED}
    assert dataset.lookback == LOOKBACK
    assert read_market(features=list(RAW)).lookback == 0
    assert read_market(features=list(RAW), target=DERIVED[0]).lookback == LOOKBACK


def test_a_market_of_more_sessions_begins_as_the_usual_one() -> None:
    usual, more = read_market(), read_market(source="market:12")
    assert (len(usual.series), len(more.series), more.lookback) == (10, 12, LOOKBACK)
    assert all((one.features == other.features).all() for one, other in zip(usual.series, more.series, strict=False))


def read_market(**data: Any) -> Dataset:
    return load_dataset(read_spec_dict({"study": {"name": "x"}, "data": {"source": "market", **data}}))


def test_what_a_worker_needs_of_the_data_imports_neither_pandas_nor_pyarrow() -> None:
    code = "import sys, tuner.data.folds; sys.exit(any(name in sys.modules for name in ('pandas', 'pyarrow', 'torch')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@needs_shared
def test_real_files() -> None:
    dataset = read(SHARED / "SKAB" / "valve1__*.csv", task={"kind": "classify"}, metric="average_precision")
    assert (len(dataset.series), dataset.rows, len(dataset.feature_names)) == (7, 5610, 8)
    assert sum(int(series.labels.sum()) for series in dataset.series if series.labels is not None) == 1893


@pytest.mark.parametrize(
    ("target", "difference", "warned"),
    [
        ("counts", False, True),
        ("counts", True, True),
        ("walks", False, True),
        ("changes", True, False),
        ("a", False, False),
    ],
)
def test_a_target_without_anything_to_learn_is_warned_of(
    tmp_path: Path, target: str, difference: bool, warned: bool
) -> None:
    walk = np.cumsum(np.random.default_rng(0).normal(size=20_000))
    columns = {"counts": np.arange(20_000), "walks": walk.cumsum(), "changes": walk, "a": np.diff(walk, prepend=0)}
    pd.DataFrame(columns).to_csv(tmp_path / "data.csv", index=False)
    data = read(tmp_path / "data.csv", target=target, time="")
    said = " ".join(warn_of_idle_targets(data, difference=difference))
    assert (f"of `{target}` is an all but perfect forecast" in said) == warned
