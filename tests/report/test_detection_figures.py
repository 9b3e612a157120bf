"""Scored rows: precision and recall by hand, and nothing is lost however long the series is."""

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
    describe_rows,
    precision_recall_figure,
    precision_recall_frame,
    rows_figure,
    thinned,
    time_bounds,
    true_runs,
)
from tuner.results.findings import ScoredRows

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


def scored(scores, labels=None, time=None, *, held=0, names=("<b>x</b>",), forecast=None) -> ScoredRows:
    """Rows of one fold, the last `held` of them held out; the values are their scores."""
    scores = np.asarray(scores, dtype=float)
    values = np.repeat(scores[:, None], len(names), axis=1)
    part = np.repeat([0, -1], [len(scores) - held, held])
    time = np.arange(len(scores)) if time is None else time
    forecast = np.full_like(values, np.nan) if forecast is None else forecast
    return ScoredRows(time, part, names, values, forecast, None if labels is None else np.array(labels, bool), scores)


def test_a_short_series_is_all_there() -> None:
    time, values = thinned(np.arange(4), np.array([[np.nan], [1.0], [2.0], [3.0]]))
    assert time.tolist() == [0, 1, 2, 3]
    assert values[1:, 0].tolist() == [1.0, 2.0, 3.0] and np.isnan(values[0, 0])


def test_no_line_is_drawn_across_a_gap_in_time() -> None:
    time = np.array([0, 1, 2, 3, 100, 101])
    drawn, values = thinned(time, time[:, None] * 1.0)
    assert drawn.tolist() == [0, 1, 2, 3, 100, 100, 101]
    assert np.isnan(values[:, 0]).tolist() == [False] * 4 + [True] + [False] * 2


@given(st.integers(2 * STRETCHES + 1, 20_000), st.integers(0, 2**32 - 1))
def test_a_long_series_keeps_the_extremes_of_every_stretch_of_every_column(rows, seed) -> None:
    values = np.random.default_rng(seed).normal(size=(rows, 2)).astype(np.float32)
    gap = rows // 3
    time = np.arange(rows) + 1000 * (np.arange(rows) >= gap)
    drawn, kept = thinned(time, values)
    assert len(drawn) <= 2 * STRETCHES + 3
    assert (np.diff(drawn) >= 0).all()
    breaks = np.flatnonzero(np.isnan(kept[:, 0]))
    assert drawn[breaks].tolist() == [time[gap]], "no stretch reaches across the gap"
    kept, drawn = np.delete(kept, breaks, axis=0), np.delete(drawn, breaks)
    for at in (0, len(drawn) // 4 * 2, len(drawn) - 2):
        inside = values[(time >= drawn[at]) & (time <= drawn[at + 1])]
        assert kept[at].tolist() == inside.min(axis=0).tolist()
        assert kept[at + 1].tolist() == inside.max(axis=0).tolist()


def test_runs_have_their_first_and_last_time_and_end_at_a_gap() -> None:
    time, mask = np.array([0, 1, 2, 3, 100, 101]), np.array([1, 1, 0, 1, 1, 0], bool)
    assert true_runs(time, mask).tolist() == [[0, 2], [3, 4], [4, 5]]
    assert time_bounds(time, true_runs(time, mask)).tolist() == [[0, 1], [3, 3], [100, 100]]


EVENTS = [0, 0, 1, 1, 0, 0, 0, 1, 0]


def test_events_are_shaded_through_both_panels_and_told_by_whether_they_are_caught() -> None:
    rows = scored([0, 1, 3, 2, 1, 3, 0, 1, 0], EVENTS)
    figure = rows_figure(rows, 3.0)
    shades = [drawn for drawn in figure.data if drawn.name == "event"]
    for shade in shades:
        assert list(shade.x)[:5] + list(shade.x)[6:11] == [2, 2, 3, 3, 2, 7, 7, 7, 7, 7]
    lanes = {name: list(trace(figure, name).x)[:5:2] for name in ("caught", "missed", "false alarms")}
    assert lanes == {"caught": [2, 3, 2], "missed": [7, 7, 7], "false alarms": [5, 5, 5]}
    assert list(figure.layout.yaxis5.ticktext) == ["false alarms", "missed", "caught"], "one fold has no lane"
    (line,) = figure.layout.shapes
    assert (line.y0, line.yref) == (3.0, "y3")
    assert figure.layout.yaxis.title.text == "&lt;b&gt;x&lt;/b&gt;", "a column's name is shown as it is"
    assert len(shades) == 2 and not figure.layout.updatemenus, "with one column there is nothing to choose"


def test_the_caption_counts_what_the_lanes_show_apart_for_held_out_rows() -> None:
    rows = scored([0, 1, 3, 2, 1, 3, 0, 1, 0], EVENTS, held=3)
    assert describe_rows(rows, 3.0) == (
        "In cross-validation 1 of 1 event caught, 1 false alarm; on held-out data 0 of 1 event caught, 0 false alarms."
    )
    assert "folds" in rows_figure(rows, 3.0).layout.yaxis5.ticktext
    assert describe_rows(scored([1.0, 2.0]), None) == ""


def test_a_chooser_shows_each_column_with_its_forecast_and_the_caption_says_how_far_off_it_is() -> None:
    forecast = np.full((4, 2), np.nan)
    forecast[2:] = [[3.0, 0.0], [4.0, 0.0]]
    rows = scored([0.0, 1.0, 2.0, 4.0], held=2, names=("a", "b"), forecast=forecast)
    figure = rows_figure(rows, None)
    (menu,) = figure.layout.updatemenus
    assert [button.label for button in menu.buttons] == ["a", "b"]
    values, axis, traces = menu.buttons[1].args
    assert [figure.data[number].name for number in traces] == ["value", "forecast"]
    assert [line[-1] for line in values["y"]] == [4.0, 0.0]
    assert axis == {"yaxis.title.text": "b"}
    assert describe_rows(rows, None) == (
        "The forecast of a is off by 0.71 (root mean square), where its values vary by 1.0 (standard deviation)."
    )


def test_the_lowest_panel_bears_the_time_where_nothing_lies_below_the_scores() -> None:
    layout = rows_figure(scored([0.0, 1.0, 2.0, 4.0]), None).layout
    titles = {name: layout[name].title.text for name in layout if name.startswith("xaxis")}
    assert titles == {"xaxis": None, "xaxis2": "time"}


def test_times_stay_times() -> None:
    time = np.datetime64("2024-01-01T09:30", "ns") + np.arange(4) * np.timedelta64(1, "m")
    figure = rows_figure(scored([0.0, 1.0, 2.0, 0.0], time=time), 1.0)
    flagged = np.array(trace(figure, "flagged").x[:1]).astype("datetime64[ms]")
    assert str(flagged[0]).startswith("2024-01-01T09:31")
    assert figure.layout.xaxis3.type == "date"


def test_two_hundred_thousand_rows_are_quick_and_no_event_is_lost() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(200_000) < 1e-3
    started = clock.perf_counter()
    figure = rows_figure(scored(rng.normal(size=200_000), labels, names=tuple("abcdef")), 3.0)
    size = len(figure.to_json())
    assert clock.perf_counter() - started < 5
    assert size < 500_000
    runs = int((np.diff(np.concatenate([[0], labels.astype(int)])) == 1).sum())
    lanes = [trace(figure, name) for name in ("caught", "missed")]
    assert sum(len(lane.x) for lane in lanes) == 6 * runs == len(figure.data[0].x)
