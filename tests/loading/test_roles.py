"""Columns play the part that the study file gives them, else the one that their name and values suggest."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.data.reading import read, refusal, written


def test_everything_recognised(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        Timestamp,machine,load,heat,is_anomaly
        2024-01-01 00:00,m1,1,0.5,0
        2024-01-01 00:05,m1,2,0.7,1
        2024-01-01 00:10,m1,3,0.6,0
        """,
    )
    dataset = read(path)
    (series,) = dataset.series
    assert dataset.feature_names == ("load", "heat")
    assert (dataset.target_names, dataset.time_names) == (("load",), ("Timestamp",))
    np.testing.assert_array_equal(series.features, [[1, 0.5], [2, 0.7], [3, 0.6]])
    np.testing.assert_array_equal(series.targets, [[1], [2], [3]])
    np.testing.assert_array_equal(series.labels, [False, True, False])
    assert series.time[1] == np.datetime64("2024-01-01T00:05")
    assert any("`is_anomaly`" in note for note in dataset.notes)
    assert any("text" in note and "`machine`" in note for note in dataset.notes)


def test_columns_named_in_the_study_file(tmp_path: Path) -> None:
    path = written(tmp_path, "t,a,b,c,mark\n1,1,5,7,0\n2,2,6,9,1\n")
    dataset = read(path, time="t", features=["c", "a"], target="b", label="mark")
    assert (dataset.feature_names, dataset.target_names) == (("c", "a"), ("b",))
    np.testing.assert_array_equal(dataset.series[0].features, [[7, 1], [9, 2]])
    np.testing.assert_array_equal(dataset.series[0].time, [1, 2])
    assert dataset.labelled


@pytest.mark.parametrize("key", ["time", "features", "target", "label"])
def test_a_name_that_is_no_column_suggests_the_nearest(tmp_path: Path, key: str) -> None:
    error = refusal(written(tmp_path, "time,volume\n1,2\n2,3\n"), **{key: "volme"})
    assert error.where == f"[data] {key}"
    assert "did you mean `volume`" in error.hint


@pytest.mark.parametrize("keys", [{"time": "a", "target": "a"}, {"time": "a", "label": "a"}])
def test_a_column_plays_one_part(tmp_path: Path, keys: dict[str, Any]) -> None:
    error = refusal(written(tmp_path, "a,label\n1,0\n2,1\n"), **keys)
    assert "already" in error.what or "twice" in error.what


def test_classify_has_no_targets(tmp_path: Path) -> None:
    dataset = read(written(tmp_path, "a,label\n1,0\n2,1\n"), task={"kind": "classify"})
    assert dataset.target_names == ()
    assert dataset.series[0].targets.shape == (2, 0)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("a,when\n1,1 May 2024\n2,2 May 2024\n", np.array(["2024-05-01", "2024-05-02"], dtype="datetime64[ns]")),
        (",a\n4,5\n7,6\n", [4, 7]),  # the index of a data frame
        ("Year,Month,a\n2023,12,1\n2024,1,2\n", np.array(["2023-12-01", "2024-01-01"], dtype="datetime64[ns]")),
        ("time,a\n09:30:00,1\n09:31:00,2\n", [0, 1]),  # times of day without a date are text
    ],
)
def test_the_time_shows_in_names_and_values_and_is_no_feature(tmp_path: Path, text: str, time: Any) -> None:
    dataset = read(written(tmp_path, text))
    assert dataset.feature_names == ("a",)
    np.testing.assert_array_equal(dataset.series[0].time, time)


def test_label_like_columns_are_never_features(tmp_path: Path) -> None:
    dataset = read(written(tmp_path, "a,label,anomaly\n1,7,0\n2,8,1\n3,9,0\n"))
    assert (dataset.feature_names, dataset.label_name) == (("a",), "anomaly")
    np.testing.assert_array_equal(dataset.series[0].labels, [False, True, False])
    assert any("`label`" in note and "left out" in note.lower() for note in dataset.notes)


def test_a_column_named_like_the_label_that_tells_it_is_no_feature(tmp_path: Path) -> None:
    lines = (f"{row % 7},{row % 97 < 4:d},{(row % 97 < 4) + row % 5 / 9}" for row in range(1200))
    dataset = read(written(tmp_path, "\n".join(["a,anomaly,anomaly_score", *lines])))
    assert (dataset.feature_names, dataset.label_name) == (("a",), "anomaly")
    assert any("`anomaly_score`" in warning for warning in dataset.warnings)


def test_a_time_that_cannot_be_read_is_shown(tmp_path: Path) -> None:
    notes = read(written(tmp_path, "a,date\n1,2024-W01\n2,2024-W02\n")).notes
    assert any("`date`" in note and "`2024-W01`" in note for note in notes)


def test_text_for_numbers_is_refused_if_it_is_asked_for_or_numbers_elsewhere(tmp_path: Path) -> None:
    written(tmp_path, "time,a,b\n1,1,5\n2,2,6\n", "1.csv")
    text = written(tmp_path, "time,a,b\n1,x,5\n2,y,6\n", "2.csv")
    assert refusal(text, features=["a", "b"]).where.endswith("2.csv:2 a")
    assert refusal(tmp_path / "*.csv").where.endswith("2.csv:2 a")


def test_an_empty_column_is_left_out_only_if_it_is_so_everywhere(tmp_path: Path) -> None:
    path = written(tmp_path, "time,a,b\n1,1,\n2,2,\n", "1.csv")
    dataset = read(path)
    assert dataset.feature_names == ("a",)
    assert "Left out as empty: `b`." in dataset.notes
    written(tmp_path, "time,a,b\n1,1,5\n2,2,6\n", "2.csv")
    assert refusal(tmp_path / "*.csv").where.endswith("1.csv:2 b")


def test_files_must_share_the_columns_that_are_used(tmp_path: Path) -> None:
    written(tmp_path, "time,a,b\n1,1,1\n2,2,3\n", "1.csv")
    written(tmp_path, "time,a,c\n1,1,1\n2,2,3\n", "2.csv")
    error = refusal(tmp_path / "*.csv")
    assert error.where.endswith("2.csv")
    assert "`b`" in error.what
    dataset = read(tmp_path / "*.csv", features="a")
    assert dataset.feature_names == ("a",)


def test_columns_of_later_files_only_are_left_out_and_said(tmp_path: Path) -> None:
    written(tmp_path, "time,a\n1,1\n2,2\n", "1.csv")
    written(tmp_path, "c,a,time\n1,5,1\n2,6,2\n", "2.csv")
    dataset = read(tmp_path / "*.csv")
    np.testing.assert_array_equal(dataset.series[1].features, [[5], [6]])
    assert any("`c`" in note for note in dataset.notes)


def test_an_empty_name_says_that_there_is_no_time_and_no_label(tmp_path: Path) -> None:
    path = written(tmp_path, "time,x,label\n3,0.5,0\n1,0.1,1\n2,0.9,0\n")
    dataset = read(path, time="", label="")
    (series,) = dataset.series
    assert (dataset.feature_names, dataset.time_names) == (("x",), ())
    assert series.labels is None
    np.testing.assert_array_equal(series.time, [0, 1, 2])


ROW = np.arange(600)
STAMPS = pd.date_range("2024", periods=600, freq="min")
NOISE = np.random.default_rng(0).normal(size=600)


def frame(tmp_path: Path, **columns: Any) -> Path:
    """A file of 600 rows a minute apart: a measurement, and these columns."""
    path = tmp_path / "data.csv"
    pd.DataFrame({"time": STAMPS, "a": NOISE, **columns}).to_csv(path, index=False)
    return path


def test_what_tells_the_label_is_left_out_and_said_unless_it_is_named(tmp_path: Path) -> None:
    mark = (ROW % 60 < 4).astype(int)
    path = frame(tmp_path, later=np.roll(mark, 2), label=mark)
    dataset = read(path)
    assert dataset.feature_names == ("a",)
    assert any("Left out `later`: it alone tells the label `label`" in warning for warning in dataset.warnings)
    dataset = read(path, features=["a", "later"])
    assert dataset.feature_names == ("a", "later")
    assert any("`later` alone all but tells the label" in warning for warning in dataset.warnings)
    dataset = read(path, features="a", target="later")
    assert any("`later` alone all but tells" in warning for warning in dataset.warnings)
    assert read(frame(tmp_path, label=mark)).warnings == ()


def test_where_every_column_tells_the_label_they_stay_and_it_is_said(tmp_path: Path) -> None:
    mark = (ROW % 60 < 4).astype(int)
    pd.DataFrame({"time": STAMPS, "b": mark * 3, "label": mark}).to_csv(tmp_path / "data.csv", index=False)
    dataset = read(tmp_path / "data.csv")
    assert dataset.feature_names == ("b",)
    assert any("`b` alone all but tells the label" in warning for warning in dataset.warnings)


def test_counters_are_no_features_and_nothing_is_learnt_from_them_alone(tmp_path: Path) -> None:
    assert read(frame(tmp_path, seq=ROW)).feature_names == ("a",)
    assert read(frame(tmp_path, seq=ROW), features=["a", "seq"]).feature_names == ("a", "seq")
    pd.DataFrame({"time": STAMPS, "seq": ROW}).to_csv(tmp_path / "data.csv", index=False)
    assert "but `seq`, which only counts" in refusal(tmp_path / "data.csv").what


@pytest.mark.parametrize(
    ("order", "series", "warned"),
    [
        (slice(None), None, ""),
        (slice(None, None, -1), None, 'the newest row comes first, so time runs backwards: `[data] time = "time"`'),
        (np.argsort(ROW % 300, kind="stable"), None, "in no order of time"),
        (np.argsort(ROW % 2, kind="stable"), ROW % 2, 'told apart by `m`: `[data] series = "m"`'),
    ],
)
def test_rows_taken_as_they_stand_whose_time_says_otherwise(
    tmp_path: Path, order: Any, series: Any, warned: str
) -> None:
    columns = {"time": STAMPS, "a": NOISE, **({} if series is None else {"m": series})}
    pd.DataFrame(columns).iloc[order].to_csv(tmp_path / "data.csv", index=False)
    dataset = read(tmp_path / "data.csv", time="")
    assert len(dataset.series) == 1
    assert [warned in warning for warning in dataset.warnings] == ([True] if warned else [])


def test_series_of_one_file(tmp_path: Path) -> None:
    columns = {"time": np.repeat(STAMPS[:300], 2), "a": NOISE, "m": ROW % 2, "seq": ROW // 2}
    pd.DataFrame(columns).to_csv(tmp_path / "data.csv", index=False)
    dataset = read(tmp_path / "data.csv")
    assert (dataset.feature_names, dataset.series_name) == (("a",), "m")
    assert [(series.name, len(series)) for series in dataset.series] == [("0", 300), ("1", 300)]
    np.testing.assert_allclose(dataset.series[1].features[:, 0], NOISE[1::2])
    assert read(tmp_path / "data.csv", series="m", time="time").digest == dataset.digest


def test_values_that_were_told_to_mean_anomalous(tmp_path: Path) -> None:
    path = frame(tmp_path, label=np.where(ROW % 60 < 4, 7, 3))
    assert read(path).anomalous == ("7",)
    labels = read(path, anomalous="3").series[0].labels
    np.testing.assert_array_equal(labels, ROW % 60 >= 4)
    assert refusal(frame(tmp_path), anomalous="3").where == "[data] anomalous"
