"""The figures: their data by hand, and that they are drawn of few trials and of many."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.report.figures import (
    curves_figure,
    curves_info,
    history_figure,
    history_info,
    visible_range,
    write_figures,
)
from tuner.search.select import summarise
from tuner.search.study import Findings
from tuner.training.curves import FoldCurve

RISING = make_spec(study={"metric": "f1"})
MIXED = make_findings(
    make_outcome([9.0], "pruned"),
    make_outcome([3.0, 2.0]),
    make_outcome([8.0, 7.0], "failed"),
    make_outcome([1.5], "pruned"),
    make_outcome([4.0, 1.0, 5.0]),
    make_outcome([2.5]),
)


def many(count: int, spec=None) -> Findings:
    """A study of so many trials, every third one pruned."""
    rng = np.random.default_rng(0)
    outcomes = [
        make_outcome(
            sorted(rng.uniform(0, 1, size=3 if number % 3 == 1 else 6)),
            "pruned" if number % 3 == 1 else "complete",
            maximise=spec is not None,
        )
        for number in range(count)
    ]
    return make_findings(*outcomes, spec=spec)


def trace(figure: go.Figure, name: str) -> go.Scatter:
    (found,) = [trace for trace in figure.data if trace.name and trace.name.startswith(name)]
    return found


def axis_range(figure: go.Figure) -> tuple[float, float]:
    low, high = figure.layout.yaxis.range
    return low, high


# --- history


def test_the_history_has_each_value_under_its_state() -> None:
    info = history_info(MIXED)
    assert info.complete == ((1, 2.0), (4, 1.0), (5, 2.5))
    assert info.pruned == ((0, 9.0), (3, 1.5))
    assert info.baseline == ("persistence", 0.5)


def test_the_incumbent_is_the_best_complete_value_so_far_up_to_the_last_trial() -> None:
    assert history_info(MIXED).incumbent == ((1, 2.0), (2, 2.0), (3, 2.0), (4, 1.0), (5, 1.0))


def test_where_more_is_better_the_incumbent_rises() -> None:
    outcomes = [make_outcome([value], maximise=True) for value in (0.3, 0.1, 0.6)]
    assert history_info(make_findings(*outcomes, spec=RISING)).incumbent == ((0, 0.3), (1, 0.3), (2, 0.6))


def test_the_history_draws_what_its_data_say() -> None:
    info = history_info(MIXED)
    figure = history_figure(info)
    assert list(zip(trace(figure, "complete").x, trace(figure, "complete").y, strict=True)) == list(info.complete)
    assert list(zip(trace(figure, "pruned").x, trace(figure, "pruned").y, strict=True)) == list(info.pruned)
    assert list(trace(figure, "best so far").y) == [value for _, value in info.incumbent]


def test_the_history_shows_what_was_trained_again_and_the_mean_that_was_chosen() -> None:
    spec = make_spec(search={"finalists": 2, "repeats": 1})
    findings = make_findings(make_outcome([1.0]), make_outcome([1.5]), make_outcome([9.0]), spec=spec)
    lucky, steady, poor = findings.trials
    trials = (
        replace(lucky, repeats=(make_outcome([4.0]),)),
        replace(steady, repeats=(make_outcome([1.7]),)),
        poor,
    )
    info = history_info(replace(findings, trials=trials, summary=summarise(spec, FACTS, trials)))
    assert info.repeats == ((0, 4.0), (1, 1.7))
    assert info.chosen is not None
    number, mean = info.chosen
    assert (number, round(mean, 9)) == (1, 1.6)
    figure = history_figure(info)
    assert list(trace(figure, "the best, trained again").y) == [4.0, 1.7]
    assert list(trace(figure, "chosen: trial 1").y) == [pytest.approx(1.6)]


@pytest.mark.parametrize(("value", "drawn"), [(2.0, True), (50.0, False)])
def test_a_baseline_far_from_all_trials_does_not_squash_the_scale(value, drawn) -> None:
    figure = history_figure(replace(history_info(MIXED), baseline=("persistence", value)))
    assert (len(figure.layout.shapes) == 1) == drawn
    assert axis_range(figure)[1] < 50


# --- the scale


def test_the_scale_shows_everything_while_nothing_lies_far_out() -> None:
    low, high = visible_range([1.0, 2.0, 3.0, 4.0])
    assert low < 1.0
    assert high > 4.0


def test_an_outlier_does_not_set_the_scale() -> None:
    low, high = visible_range([1.0, 2.0, 3.0, 4.0] * 5 + [1e6])
    assert low < 1.0
    assert 4.0 < high < 20.0


@pytest.mark.parametrize("values", [[2.0], [2.0, 2.0, 2.0], [0.0]])
def test_equal_values_lie_inside_the_scale(values) -> None:
    low, high = visible_range(values)
    assert low < values[0] < high


# --- curves


def test_the_curves_are_those_of_all_trials_that_finished_an_epoch() -> None:
    findings = make_findings(make_outcome([3.0, 2.0]), make_outcome([4.0], "pruned"), make_outcome([], "failed"))
    assert curves_info(findings).curves == ((0, "complete", (3.0, 2.0)), (1, "pruned", (4.0,)))


def test_the_best_trial_comes_with_its_losses_and_error_by_epoch() -> None:
    outcome = make_outcome([3.0, 1.0], spread=0.25)
    one, two = outcome.folds
    folds = (one, FoldCurve(tuple(2 * value for value in two.train_loss), two.valid_loss, two.metric))
    info = curves_info(make_findings(make_outcome([9.0]), replace(outcome, folds=folds)))
    assert (info.best, info.best_epoch) == (1, 2)
    assert info.train_loss == (3.0, 0.0)  # (2 + 4) / 2, (0 + 0) / 2
    assert info.valid_loss == (3.0, 1.0)
    # variance 1/8 over folds, times 1/2 + 1/2
    assert info.best_se == pytest.approx((math.sqrt(1 / 8),) * 2)


def test_there_must_be_a_best_trial() -> None:
    with pytest.raises(ValueError, match="no trial has completed"):
        curves_info(make_findings(make_outcome([1.0], "pruned")))


def test_many_curves_are_one_trace_with_gaps() -> None:
    figure = curves_figure(curves_info(MIXED))
    pruned = trace(figure, "pruned")
    assert list(pruned.x) == [1, None, 1, None]
    assert list(pruned.y) == [9.0, None, 1.5, None]
    assert list(trace(figure, "best, trial 4: validation").y) == [4.0, 1.0, 5.0]


def test_the_band_is_the_best_curve_with_its_standard_error() -> None:
    info = curves_info(make_findings(make_outcome([3.0, 1.0], spread=0.25), make_outcome([5.0])))
    (band,) = [trace for trace in curves_figure(info).data if trace.fill == "toself"]
    half = math.sqrt(1 / 8)
    assert list(band.x) == [1, 2, 2, 1]
    assert list(band.y) == pytest.approx([3 + half, 1 + half, 1 - half, 3 - half])


@pytest.mark.parametrize(("spec", "panels"), [(None, 1), (RISING, 2)])
def test_another_metric_than_the_loss_has_the_losses_in_a_panel_below(spec, panels) -> None:
    figure = curves_figure(curves_info(many(5, spec)))
    assert len({trace.yaxis or "y" for trace in figure.data}) == panels


def test_an_error_that_cannot_be_told_is_drawn_as_none() -> None:
    outcome = make_outcome([0.5, 0.6], maximise=True)
    folds = (replace(outcome.folds[0], metric=(math.nan, math.nan)), outcome.folds[1])
    figure = curves_figure(curves_info(make_findings(replace(outcome, folds=folds), spec=RISING)))
    assert all(math.isfinite(end) for end in axis_range(figure))
    (band,) = [trace for trace in figure.data if trace.fill == "toself"]
    assert list(band.y) == [0.5, 0.6, 0.6, 0.5]


# --- few and many


@pytest.mark.parametrize("spec", [None, RISING])
@pytest.mark.parametrize("count", [1, 2, 500])
def test_both_figures_are_drawn_of_few_trials_and_of_many(count, spec) -> None:
    findings = many(count, spec)
    history, curves = history_figure(history_info(findings)), curves_figure(curves_info(findings))
    assert len(trace(history, "complete").x) + len(trace(history, "pruned").x) == count
    for figure in (history, curves):
        assert len(figure.data) < 10, "a page with a trace a trial is slow"
        low, high = axis_range(figure)
        assert low < high


def test_pages_are_written_with_what_they_need_beside_them(tmp_path: Path) -> None:
    written = write_figures(many(3), tmp_path / "deep")
    assert [path.name for path in written] == ["history.html", "curves.html"]
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"history.html", "curves.html", "plotly.min.js"}
    assert all('src="plotly.min.js"' in path.read_text() for path in written)
