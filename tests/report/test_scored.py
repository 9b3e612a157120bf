"""The scored series: nothing that counts is lost however long it is."""

import time as clock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.making import trace
from tuner.report.scored import STRETCHES, ScoredInfo, scored_figure, scored_info


def info_of(score, labels=None, flags=None, threshold=0.5) -> ScoredInfo:
    score = np.asarray(score, dtype=float)
    nothing = np.zeros(len(score), dtype=bool)
    return scored_info(
        np.arange(len(score)),
        {"x": score},
        score,
        threshold,
        None if labels is None else np.asarray(labels, dtype=bool),
        nothing if flags is None else np.asarray(flags, dtype=bool),
    )


def test_a_short_series_is_all_there_but_what_cannot_be_scored() -> None:
    time, values = info_of([np.nan, 1.0, 2.0, 3.0]).score
    assert (list(time), list(values)) == ([1, 2, 3], [1.0, 2.0, 3.0])


def test_events_and_flags_are_runs_of_first_and_last_row() -> None:
    info = info_of(range(6), labels=[1, 1, 0, 0, 0, 1], flags=[0, 1, 0, 1, 1, 1])
    assert info.labelled is not None
    assert info.labelled.tolist() == [[0, 1], [5, 5]]
    assert info.flagged.tolist() == [[1, 1], [3, 5]]


def test_no_line_is_drawn_across_a_gap_in_time() -> None:
    time = np.array([0, 1, 2, 3, 100, 101])
    nothing = np.zeros(6, dtype=bool)
    drawn, values = scored_info(time, {"x": time * 1.0}, time * 1.0, 0.5, None, nothing).series["x"]
    assert drawn.tolist() == [0, 1, 2, 3, 100, 100, 101]
    assert np.isnan(values).tolist() == [False] * 4 + [True] + [False] * 2


@given(st.integers(2 * STRETCHES + 1, 20_000), st.integers(0, 2**32 - 1))
def test_a_long_series_keeps_the_extremes_of_every_stretch(rows, seed) -> None:
    values = np.random.default_rng(seed).normal(size=rows)
    time, kept = info_of(values).score
    assert len(time) <= 2 * STRETCHES
    assert (np.diff(time) > 0).all()
    assert (kept == values[time]).all()
    edges = np.linspace(0, rows, STRETCHES + 1).astype(int)
    for first, past in (edges[:2], edges[STRETCHES // 2 : STRETCHES // 2 + 2], edges[-2:]):
        inside = kept[(time >= first) & (time < past)]
        assert (inside.min(), inside.max()) == (values[first:past].min(), values[first:past].max())


def test_two_hundred_thousand_rows_are_quick_and_no_event_or_flag_is_lost() -> None:
    rng = np.random.default_rng(0)
    labels, flags = rng.random(200_000) < 1e-3, rng.random(200_000) < 2e-3
    started = clock.perf_counter()
    info = info_of(rng.normal(size=200_000), labels, flags)
    figure = scored_figure(info)
    size = len(figure.to_json())
    assert clock.perf_counter() - started < 5
    assert size < 1_500_000
    runs = int((np.diff(np.concatenate([[0], labels.astype(int)])) == 1).sum())
    assert info.labelled is not None
    assert len(info.labelled) == runs
    lane = trace(figure, "labelled")
    assert sum(x is None for x in lane.x) == runs
    assert lane.name == f"labelled ({runs})"


def test_times_stay_times() -> None:
    time = np.datetime64("2024-01-01T09:30", "ns") + np.arange(4) * np.timedelta64(1, "m")
    nothing = np.zeros(4, dtype=bool)
    info = scored_info(time, {}, np.arange(4.0), 2.0, None, np.array([False, True, True, False]))
    figure = scored_figure(info)
    assert str(trace(figure, "flagged").x[0]).startswith("2024-01-01 09:31")
    empty = scored_figure(scored_info(time, {}, np.arange(4.0), 2.0, nothing, nothing))
    assert trace(empty, "labelled").name == "labelled (0)"


def test_a_column_s_name_is_shown_as_it_is() -> None:
    values = np.arange(3.0)
    info = scored_info(np.arange(3), {"<b>x</b>": values}, values, 1.0, None, values > 1)
    assert scored_figure(info).data[0].name == "&lt;b&gt;x&lt;/b&gt;"


@pytest.mark.parametrize(("labels", "lanes"), [(None, 1), ([True, False], 2)])
def test_without_labels_there_is_no_lane_for_them(labels, lanes) -> None:
    figure = scored_figure(info_of([0.0, 1.0], labels))
    assert len(figure.layout.yaxis3.ticktext) == lanes


def test_the_threshold_is_drawn() -> None:
    (line,) = scored_figure(info_of([0.0, 1.0], threshold=0.7)).layout.shapes
    assert (line.y0, line.yref) == (0.7, "y2")
