"""The out-of-fold scores: precision and recall by hand, and nothing that counts is lost however long the series is."""

import time as clock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from tests.report.making import trace
from tuner.report.detection_figures import (
    MOST_POINTS,
    STRETCHES,
    extremes,
    precision_recall_figure,
    precision_recall_frame,
    scored_figure,
    time_bounds,
    true_runs,
)
from tuner.results.findings import OutOfFoldScores

SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
LABELS = np.array([True, False, True, False, False])


# --- precision and recall


def test_precision_and_recall_by_hand() -> None:
    frame = precision_recall_frame(SCORES, LABELS)
    assert frame.threshold.tolist() == [0.9, 0.8, 0.7, 0.6, 0.5]
    assert frame.recall.tolist() == [0.5, 0.5, 1.0, 1.0, 1.0]
    assert frame.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 2 / 4, 2 / 5])
    names = [drawn.name for drawn in precision_recall_figure(SCORES, LABELS, 0.75).data]
    assert names == [
        f"out-of-fold scores (average precision {0.5 * 1 + 0.5 * 2 / 3:.3f})",
        "threshold: precision 0.500, recall 0.500",
        "flagging at random (base rate 0.400)",
    ]


def test_many_scores_are_thinned_out_and_their_ends_kept() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(200_000) < 0.05
    scores = rng.normal(size=200_000) + labels
    frame = precision_recall_frame(scores, labels)
    assert len(frame) <= MOST_POINTS
    assert max(np.diff(frame.recall, prepend=0.0)) < 0.002, "evenly by recall"
    assert [*frame.threshold.iloc[[0, -1]], frame.recall.iloc[-1]] == [scores.max(), scores.min(), 1.0]
    curve = trace(precision_recall_figure(scores, labels, 2.0), "out-of-fold")
    assert curve.name.endswith(f"(average precision {average_precision_score(labels, scores):.3f})"), "of all"


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.booleans()), min_size=1, max_size=40).filter(
        lambda rows: any(label for _, label in rows)
    )
)
def test_the_threshold_is_marked_on_the_curve_where_it_flags_anything(rows) -> None:
    scores, labels = np.array([score for score, _ in rows]), np.array([label for _, label in rows])
    figure = precision_recall_figure(scores, labels, 0.25)
    marks = [drawn for drawn in figure.data if drawn.name.startswith("threshold")]
    assert len(marks) == (scores.max() >= 0.25)
    curve = trace(figure, "out-of-fold")
    assert (curve.x[0], curve.y[0], curve.line.shape) == (0.0, curve.y[1], "vh")
    for mark in marks:
        points = [pytest.approx(point) for point in zip(curve.x, curve.y, strict=True)]
        assert (mark.x[0], mark.y[0]) in points


# --- scores by time


def scored(scores, labels=None, time=None) -> OutOfFoldScores:
    scores = np.asarray(scores, dtype=float)
    labels = np.zeros(len(scores), dtype=bool) if labels is None else np.asarray(labels, dtype=bool)
    return OutOfFoldScores(np.arange(len(scores)) if time is None else time, "<b>x</b>", scores, labels, scores)


def test_a_short_series_is_all_there_but_what_cannot_be_scored() -> None:
    time, values = extremes(np.arange(4), np.array([np.nan, 1.0, 2.0, 3.0]))
    assert (list(time), list(values)) == ([1, 2, 3], [1.0, 2.0, 3.0])


def test_no_line_is_drawn_across_a_gap_in_time() -> None:
    time = np.array([0, 1, 2, 3, 100, 101])
    drawn, values = extremes(time, time * 1.0)
    assert drawn.tolist() == [0, 1, 2, 3, 100, 100, 101]
    assert np.isnan(values).tolist() == [False] * 4 + [True] + [False] * 2


@given(st.integers(2 * STRETCHES + 1, 20_000), st.integers(0, 2**32 - 1))
def test_a_long_series_keeps_the_extremes_of_every_stretch(rows, seed) -> None:
    values = np.random.default_rng(seed).normal(size=rows)
    time, kept = extremes(np.arange(rows), values)
    assert len(time) <= 2 * STRETCHES
    assert (np.diff(time) > 0).all()
    assert (kept == values[time]).all()
    edges = np.linspace(0, rows, STRETCHES + 1).astype(int)
    for first, past in (edges[:2], edges[STRETCHES // 2 : STRETCHES // 2 + 2], edges[-2:]):
        inside = kept[(time >= first) & (time < past)]
        assert (inside.min(), inside.max()) == (values[first:past].min(), values[first:past].max())


def test_runs_have_their_first_and_last_time_and_end_at_a_gap() -> None:
    time, mask = np.array([0, 1, 2, 3, 100, 101]), np.array([1, 1, 0, 1, 1, 0], bool)
    assert true_runs(time, mask).tolist() == [[0, 2], [3, 4], [4, 5]]
    assert time_bounds(time, true_runs(time, mask)).tolist() == [[0, 1], [3, 3], [100, 100]]


def test_events_are_shaded_through_both_panels_and_told_by_whether_they_are_caught() -> None:
    labels = [0, 0, 1, 1, 0, 0, 0, 1, 0]
    figure = scored_figure(scored([0, 1, 3, 2, 1, 3, 0, 1, 0], labels), 3.0)
    shades = [drawn for drawn in figure.data if drawn.name == "event"]
    assert [list(shade.x) for shade in shades] == [[2, 2, 3, 3, 2, None, 7, 7, 7, 7, 7, None]] * 2
    lanes = {name: list(trace(figure, name).x)[::2] for name in ("caught (1)", "missed (1)", "false alarms (1)")}
    assert lanes == {"caught (1)": [2, 3, 2], "missed (1)": [7, 7, 7], "false alarms (1)": [5, 5, 5]}
    assert figure.layout.annotations[0].text == "<b>1 of 2 events caught, 1 false alarm</b>"
    (line,) = figure.layout.shapes
    assert (line.y0, line.yref) == (3.0, "y2")
    assert figure.data[1].name == "&lt;b&gt;x&lt;/b&gt;", "a column's name is shown as it is"


def test_times_stay_times_and_nothing_labelled_is_said() -> None:
    time = np.datetime64("2024-01-01T09:30", "ns") + np.arange(4) * np.timedelta64(1, "m")
    figure = scored_figure(scored([0.0, 1.0, 2.0, 0.0], time=time), 1.0)
    assert str(trace(figure, "false alarms").x[0]).startswith("2024-01-01 09:31")
    assert figure.layout.annotations[0].text == "<b>0 of 0 events caught, 1 false alarm</b>"


def test_two_hundred_thousand_rows_are_quick_and_no_event_is_lost() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(200_000) < 1e-3
    started = clock.perf_counter()
    figure = scored_figure(scored(rng.normal(size=200_000), labels), 3.0)
    size = len(figure.to_json())
    assert clock.perf_counter() - started < 5
    assert size < 1_500_000
    runs = int((np.diff(np.concatenate([[0], labels.astype(int)])) == 1).sum())
    lanes = [trace(figure, name) for name in ("caught", "missed")]
    assert sum(x is None for lane in lanes for x in lane.x) == runs == sum(x is None for x in figure.data[0].x)
