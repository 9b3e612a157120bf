"""A label shows in its name and values: which value means anomalous, what may be a label, what else is named so."""

from typing import Any

import numpy as np
import pytest

from tests.making import refused
from tuner.loading.labels import find_label, read_labels, told_label
from tuner.reading.table import DataTable

MARKS = np.arange(1200) % 100 < 4


def table(**columns: Any) -> DataTable:
    return DataTable("t", "t.csv", {name: np.asarray(column) for name, column in columns.items()})


def words(normal: Any, anomalous: Any) -> Any:
    found = np.where(MARKS, anomalous, normal)
    return found if found.dtype.kind in "if" else np.array([str(word) or None for word in found], dtype=object)


@pytest.mark.parametrize(
    ("normal", "anomalous"),
    [
        *((0, 1), (1, -1), (-1, 1), (0, 2), (0.0, 1.0), (2, 1), ("", "1"), (3, 7)),
        *(("Normal", "Attack"), ("normal", "abnormal"), ("no", "yes"), ("N", "Y"), ("F", "T"), ("OK", "fault")),
        *(("no anomaly", "anomaly"), ("not anomalous", "anomalous"), ("Normal operation", "Leak"), ("healthy", "x")),
        *(("nein", "ja"), ("正常", "异常"), ("A", "B"), ("ok", "not ok"), ("normal", "non-normal")),
    ],
)
def test_the_normal_value_is_known_by_its_word_or_by_being_common(normal: Any, anomalous: Any) -> None:
    rows = table(label=words(normal, anomalous))
    label, _, _ = find_label([rows], ["label"])
    assert label is not None
    assert label.share == pytest.approx(0.04)
    np.testing.assert_array_equal(read_labels(rows, label), MARKS)


def test_all_but_the_normal_word_are_anomalous_however_many() -> None:
    states = np.array(["NORMAL", "BROKEN", "RECOVERING"], dtype=object)[np.where(MARKS, 1 + np.arange(1200) % 2, 0)]
    label, _, _ = find_label([table(machine_status=states)], ["machine_status"])
    assert label is not None
    assert ({*label.anomalous}, label.normal) == ({"BROKEN", "RECOVERING"}, ("NORMAL",))
    assert "BROKEN" in str(label)


@pytest.mark.parametrize(
    "name", ["Class", "is_fraud", "ground truth", "isAnomaly", "anomaly_flag", "OUTLIER", "fault", "y", "gt", "label_1"]
)
def test_names_of_labels(name: str) -> None:
    assert find_label([table(**{"x": np.arange(1200) / 7, name: MARKS.astype(int)})], ["x", name])[0] is not None


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("y", np.arange(1200) / 7),  # a quantity
        ("default", MARKS.astype(int)),  # no fault
        ("class", np.arange(1200) % 3),
        ("valve", MARKS.astype(int)),  # nothing but its values suggests it
        ("state", MARKS.astype(int)),
        ("label", np.arange(1200) % 2 + 1),
    ],
)
def test_what_is_not_taken_for_a_label(name: str, column: Any) -> None:
    assert find_label([table(**{name: column})], [name])[0] is None


@pytest.mark.parametrize(
    ("name", "column", "said"),
    [
        ("valve", MARKS.astype(int), '`[data] label = "valve"`'),
        ("result", words("pass", "fail"), 'anomalous = ["fail"]'),
        ("result", words("ok", "bad"), '`[data] label = "result"` and `[data] anomalous = ["bad"]`'),
        ("healthy", 1 - MARKS, 'label = "healthy"` and `[data] anomalous = ["0"]`'),
        ("label", np.arange(1200) % 2 + 1, "1 (600 rows), 2 (600 rows)"),
        ("class", np.arange(1200) % 3, "looks like a label"),
        ("pump", (np.arange(1200) % 25 == 0).astype(int), None),  # no runs
        ("switch", np.arange(1200) // 50 % 2, None),  # not rare
    ],
)
def test_what_may_be_a_label_is_pointed_out(name: str, column: Any, said: str | None) -> None:
    _, _, sentences = find_label([table(**{name: column})], [name])
    assert (said in " ".join(sentences)) if said else not sentences


@pytest.mark.parametrize(
    ("column", "told", "message"),
    [
        ([0, 1, 0.5], None, "`0.5` is no label"),
        ([1, 2, 1, 2], None, 'anomalous = ["1"]'),
        (np.array(["0", "yes", "1"], dtype=object), None, "`yes` is no label"),
        ([0, 1, 1], ["2"], "`x` never is `2`"),
        (np.array([None, None]), None, "every label is missing"),
    ],
)
def test_labels_that_cannot_be_read(column: Any, told: list[str] | None, message: str) -> None:
    assert message in str(refused(told_label, [table(x=column)], "x", told))


def test_the_values_that_were_told_are_anomalous_and_all_others_normal() -> None:
    rows = table(x=np.array(["run", "stop", "leak", "burst"], dtype=object))
    label = told_label([rows], "x", ["leak", "burst"])
    np.testing.assert_array_equal(read_labels(rows, label), [False, False, True, True])
    rows = table(x=np.array([1.0, 0.0]))
    np.testing.assert_array_equal(read_labels(rows, told_label([rows], "x", ["0"])), [False, True])


def test_what_stands_beside_a_label_and_is_named_like_it_or_its_marks() -> None:
    row = np.arange(1200)
    other = {"anomaly": MARKS.astype(int), "label": row % 7, "changepoint": (row == 600).astype(int)}
    label, alike, said = find_label([table(**other)], [*other])
    assert (label and label.name, {*alike} - {"anomaly"}, said) == ("anomaly", {"label", "changepoint"}, [])
