"""The curves by epoch and by strength: their data by hand, and that they are drawn of few trials and of many."""

import math
from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import pytest

from tests.report.making import MIXED, RISING, axis_range, many, searched, trace
from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.report.curve_figures import MOST_EFFECTS, curves_figure, overfitting_figures, regularisation_path_figure
from tuner.results.findings import Findings
from tuner.results.regularisation_path import Point, make_path
from tuner.spec.space import Value, defaults
from tuner.training.outcome import Outcome


def curves(findings: Findings) -> go.Figure:
    return curves_figure(findings, findings.chosen("best"))


def band(figure: go.Figure) -> go.Scatter:
    (found,) = [trace for trace in figure.data if trace.fill == "toself"]
    return found


def panels(figure: go.Figure) -> int:
    return len({trace.yaxis or "y" for trace in figure.data})


# --- by epoch


def test_many_curves_are_one_trace_with_gaps() -> None:
    figure = curves(MIXED)
    pruned = trace(figure, "pruned")
    assert list(pruned.x) == [1, None, 1, None]
    assert list(pruned.y) == [9.0, None, 1.5, None]
    assert list(trace(figure, "best, trial 4").y) == [4.0, 1.0, 5.0]


def test_the_best_trial_has_its_best_epoch_and_a_band_of_its_standard_error() -> None:
    figure = curves(make_findings(make_outcome([3.0, 1.0], spread=0.25), make_outcome([5.0])))
    assert figure.layout.shapes[0].x0 == 2
    # variance 1/8 over folds, times 1/2 + 1/2
    half = math.sqrt(1 / 8)
    assert list(band(figure).x) == [1, 2, 2, 1]
    assert list(band(figure).y) == pytest.approx([3 + half, 1 + half, 1 - half, 3 - half])


def test_an_error_that_cannot_be_told_is_drawn_as_none() -> None:
    outcome = make_outcome([0.5, 0.6], maximise=True)
    folds = (replace(outcome.folds[0], metric=(math.nan, math.nan)), outcome.folds[1])
    figure = curves(make_findings(replace(outcome, folds=folds), spec=RISING))
    assert all(math.isfinite(end) for end in axis_range(figure))
    assert list(band(figure).y) == [0.5, 0.6, 0.6, 0.5]


@pytest.mark.parametrize("spec", [None, RISING])
@pytest.mark.parametrize("count", [1, 2, 500])
def test_they_are_drawn_of_few_trials_and_of_many(count, spec) -> None:
    figure = curves(many(count, spec))
    assert len(figure.data) < 10, "a page with a trace a trial is slow"
    low, high = axis_range(figure)
    assert low < high


def test_no_line_of_a_few_epochs_has_points_that_mean_nothing() -> None:
    assert {trace.mode for trace in curves(searched(20)).data if trace.fill is not None} == {"lines"}


# --- without regularisation and as chosen


def test_both_have_their_mean_losses_and_the_gap_between_on_the_same_axes() -> None:
    findings = make_findings(make_outcome([3.0, 2.5, 2.6]), make_outcome([1.0, 0.9], spread=0.25))
    before, after = overfitting_figures(findings, findings.chosen("best"))
    assert list(trace(before, "validation").y) == [3.0, 2.5, 2.6]
    assert list(trace(after, "training").y) == pytest.approx([0.0, -0.1])
    gap = trace(after, "gap")
    assert list(gap.y) == pytest.approx([1.0, 0.9, -0.1, 0.0]), "there along the validation loss, back along the other"
    assert (before.layout.xaxis.range, before.layout.yaxis.range) == (
        after.layout.xaxis.range,
        after.layout.yaxis.range,
    )
    titles = [figure.layout.annotations[0].text for figure in (before, after)]
    assert titles[0].startswith("<b>without regularisation</b> (trial 0)<br>gap 1 at its best epoch, 2")
    assert titles[1].startswith("<b>as chosen</b> (trial 1)")
    assert [figure.layout.shapes[0].x0 for figure in (before, after)] == [2, 2]


@pytest.mark.parametrize("reference", [make_outcome([], "failed"), make_outcome([0.1])], ids=["failed", "chosen"])
def test_there_is_one_where_the_reference_cannot_be_drawn_or_was_chosen(reference) -> None:
    findings = make_findings(reference, make_outcome([1.0]))
    (figure,) = overfitting_figures(findings, findings.chosen("best"))
    assert "as chosen" in figure.layout.annotations[0].text


# --- by strength


def path_of(name: str, *points: tuple[Value, Outcome], spec=None, **space: Value) -> Any:
    """Of a path through these outcomes, all else at its default."""
    spec = spec or make_spec(space=space)
    path = make_path(spec, FACTS.test_to_train, name, defaults(spec.space), [Point(*point) for point in points])
    return regularisation_path_figure(make_findings(spec=spec), path)


def weighted(value: float, *, zeros: float = 0.0, spread: float = 0.25, maximise: bool = False) -> Outcome:
    return replace(make_outcome([value], spread=spread, maximise=maximise), zeros=zeros)


L1 = ((1e-2, weighted(0.9, zeros=0.95)), (1e-4, weighted(0.6)), (1e-3, weighted(0.5, zeros=0.5)))


def test_points_are_joined_in_the_order_of_their_strength_with_their_errors() -> None:
    figure = path_of("l1", *L1)
    valid, train = trace(figure, "validation"), trace(figure, "training")
    assert list(valid.x) == list(train.x) == [1e-4, 1e-3, 1e-2]
    assert list(valid.y) == [0.6, 0.5, 0.9]
    assert list(valid.error_y.array) == pytest.approx([math.sqrt(1 / 8)] * 3)
    assert list(train.y) == pytest.approx([-0.4, -0.5, -0.1])


def test_an_unknown_error_is_drawn_as_none() -> None:
    outcome = weighted(0.5, maximise=True)
    folds = (replace(outcome.folds[0], metric=(math.nan,)), outcome.folds[1])
    figure = path_of("l1", (1e-3, replace(outcome, folds=folds)), spec=RISING)
    assert list(trace(figure, "validation ±").error_y.array) == [0.0]


def test_lines_stand_at_the_best_and_at_the_one_standard_error_value() -> None:
    # the others differ from the best by as much on each fold, but for the last two
    points = [(1e-4, 0.8, 0.25), (1e-3, 0.9, 0.25), (1e-2, 0.5, 0.75), (2e-3, 0.85, 1.0)]
    outcomes = [(value, weighted(mean, spread=spread, maximise=True)) for value, mean, spread in points]
    figure = path_of("l1", *outcomes, spec=RISING)
    best, one_se = dict.fromkeys(line.x0 for line in figure.layout.shapes if line.x0 == line.x1)
    assert (best, one_se) == (1e-3, 1e-2)
    assert trace(figure, "best").name == "best: 0.001"
    assert trace(figure, "within one standard error").name == "within one standard error: 0.01"


def test_the_top_axis_says_what_the_strength_does() -> None:
    figure = path_of("l1", *L1)
    axis = figure.layout.xaxis9
    assert (axis.side, axis.title.text, axis.type) == ("top", "share of exact zeros", "log")
    assert list(axis.tickvals) == [1e-4, 1e-3, 1e-2]
    assert list(axis.ticktext) == ["0", "0.5", "0.95"]
    sized = [
        (size, replace(make_outcome([1.0]), weights=weights)) for size, weights in ((4, 84), (8, 1000), (16, 13216))
    ]
    sizes = path_of("hidden_size", *sized)
    assert list(sizes.layout.xaxis9.ticktext) == ["84", "1,000", "13,216"]


def test_of_many_points_the_top_axis_names_a_few_both_ends_among_them() -> None:
    figure = path_of("weight_decay", *((float(value), weighted(float(value))) for value in range(1, 31)))
    ticks = figure.layout.xaxis9.tickvals
    assert (len(ticks), ticks[0], ticks[-1]) == (MOST_EFFECTS, 1.0, 30.0)


@pytest.mark.parametrize(
    ("name", "values", "ends"),
    [("l1", (1e-4, 1e-2), (-4, -2)), ("dropout", (0.0, 0.2, 0.5), (0.0, 0.5)), ("l1", (1e-3,), (-3, -3))],
)
def test_both_ends_lie_inside_the_axis_which_is_as_the_range_is(name, values, ends) -> None:
    figure = path_of(name, *((value, weighted(1.0)) for value in values))
    low, high = figure.layout.xaxis.range
    assert (low < ends[0], high > ends[1]) == (True, True)
    assert figure.layout.xaxis.title.text == ("l1, log scale" if name == "l1" else "dropout")


def test_a_path_of_another_metric_has_the_losses_in_a_panel_below() -> None:
    by_loss, by_f1 = (
        path_of("l1", (1e-3, weighted(0.5, maximise=spec is RISING)), spec=spec) for spec in (None, RISING)
    )
    assert (panels(by_loss), panels(by_f1)) == (1, 2)
    names = [[line.name for line in figure.data if line.name == "validation loss"] for figure in (by_loss, by_f1)]
    assert names == [[], ["validation loss"]]


def test_a_parameter_fixed_at_0_is_drawn_left_of_a_logarithmic_axis_and_said() -> None:
    figure = path_of("l1", (0.0, weighted(1.0)), (1e-4, weighted(2.0)), (1e-2, weighted(3.0)), l1=0.0)
    assert list(trace(figure, "validation").x) == [5e-5, 1e-4, 1e-2]
    assert figure.layout.xaxis.title.text == "l1 (0 drawn at 5e-05), log scale"
    assert figure.layout.shapes[0].x0 == 5e-5, "the best"


def test_words_and_nothing_complete_are_not_drawn() -> None:
    assert path_of("normalization", ("none", weighted(1.0)), ("layer", weighted(2.0))) is None
    assert path_of("dropout", (0.1, make_outcome([], "failed"))) is None
