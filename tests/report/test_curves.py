"""The curves: their data by hand, and that they are drawn of few trials and of many."""

import math
from dataclasses import replace

import pytest

from tests.report.making import MIXED, RISING, axis_range, many, searched, trace
from tests.search.making import make_findings, make_outcome
from tuner.report.curves import curves_figure, curves_info
from tuner.training.outcome import FoldCurve


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


@pytest.mark.parametrize("spec", [None, RISING])
@pytest.mark.parametrize("count", [1, 2, 500])
def test_they_are_drawn_of_few_trials_and_of_many(count, spec) -> None:
    figure = curves_figure(curves_info(many(count, spec)))
    assert len(figure.data) < 10, "a page with a trace a trial is slow"
    low, high = axis_range(figure)
    assert low < high


def test_no_line_of_a_few_epochs_has_points_that_mean_nothing() -> None:
    figure = curves_figure(curves_info(searched(20)))
    assert {trace.mode for trace in figure.data if trace.fill is not None} == {"lines"}
