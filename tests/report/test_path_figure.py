"""The path: what a small one draws, in both layouts."""

import math
from dataclasses import replace

import pytest

from tests.report.making import trace
from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.report.path_figure import MOST_EFFECTS, PathInfo, path_figure, path_info
from tuner.results.regularisation_path import Point, make_path
from tuner.spec.space import Value, defaults

INFO = PathInfo(
    metric="loss",
    parameter="l1",
    log=True,
    values=(1e-2, 1e-4, 1e-3),
    mean=(0.9, 0.6, 0.5),
    se=(0.1, math.nan, 0.05),
    train_loss=(0.8, 0.2, 0.3),
    valid_loss=(0.9, 0.6, 0.5),
    effect="share of exact zeros",
    effects=(0.95, 0.0, 0.5),
    best=1e-3,
    one_se=1e-2,
)


def test_points_are_joined_in_the_order_of_their_strength_with_their_errors() -> None:
    figure = path_figure(INFO)
    valid, train = trace(figure, "validation"), trace(figure, "training")
    assert list(valid.x) == list(train.x) == [1e-4, 1e-3, 1e-2]
    assert list(valid.y) == [0.6, 0.5, 0.9]
    assert list(valid.error_y.array) == [0.0, 0.05, 0.1], "an unknown error is drawn as none"
    assert list(train.y) == [0.2, 0.3, 0.8]


def test_lines_stand_at_the_best_and_at_the_one_standard_error_value() -> None:
    figure = path_figure(INFO)
    assert [line.x0 for line in figure.layout.shapes] == [1e-3, 1e-2]
    assert trace(figure, "best").name == "best: 0.001"
    assert trace(figure, "within one standard error").name == "within one standard error: 0.01"


def test_the_top_axis_says_what_the_strength_does() -> None:
    axis = path_figure(INFO).layout.xaxis9
    assert (axis.side, axis.title.text, axis.type) == ("top", "share of exact zeros", "log")
    assert list(axis.tickvals) == [1e-4, 1e-3, 1e-2]
    assert list(axis.ticktext) == ["0", "0.5", "0.95"]
    sizes = path_figure(replace(INFO, effects=(13216.0, 12.34, 1000.0))).layout.xaxis9
    assert list(sizes.ticktext) == ["12", "1,000", "13,216"]


def test_of_many_points_the_top_axis_names_a_few_both_ends_among_them() -> None:
    values = tuple(float(value) for value in range(1, 31))
    info = replace(INFO, values=values, mean=values, se=values, train_loss=values, valid_loss=values, effects=values)
    ticks = path_figure(info).layout.xaxis9.tickvals
    assert (len(ticks), ticks[0], ticks[-1]) == (MOST_EFFECTS, 1.0, 30.0)


def test_both_ends_lie_inside_the_axis() -> None:
    low, high = path_figure(INFO).layout.xaxis.range
    assert (low < -4, high > -2) == (True, True)
    low, high = path_figure(replace(INFO, log=False, values=(0.5, 0.0, 0.2))).layout.xaxis.range
    assert (low < 0, high > 0.5) == (True, True)
    one = {name: getattr(INFO, name)[:1] for name in ("values", "mean", "se", "train_loss", "valid_loss", "effects")}
    low, high = path_figure(replace(INFO, **one)).layout.xaxis.range
    assert low < -2 < high


@pytest.mark.parametrize(("metric", "panels"), [("loss", 1), ("f1", 2)])
def test_another_metric_than_the_loss_has_the_losses_in_a_panel_below(metric, panels) -> None:
    figure = path_figure(replace(INFO, metric=metric))
    assert len({drawn.yaxis or "y" for drawn in figure.data}) == panels
    assert [line.name for line in figure.data if line.name and line.name.startswith("validation loss")] == (
        ["validation loss"] if panels == 2 else []
    )


def info(name: str, *points: tuple[Value, float], own: Value = 0.0, **space: Value) -> PathInfo | None:
    """Of a path of outcomes with these values; a point at NaN has failed."""
    spec = make_spec(space=space) if space else make_spec()
    params = defaults(spec.space) | {name: own}
    made = [
        Point(value, make_outcome([9.0, loss]) if loss == loss else make_outcome([], "failed"))
        for value, loss in points
    ]
    return path_info(make_findings(spec=spec), make_path(spec, FACTS.test_to_train, name, params, made))


def test_what_is_drawn_is_what_was_measured_without_the_points_that_failed() -> None:
    drawn = info("weight_decay", (0.1, 1.0), (0.01, 3.0), (1.0, math.nan), (0.5, 1.2))
    assert drawn is not None
    assert (drawn.metric, drawn.parameter, drawn.log) == ("loss", "weight_decay", True)
    assert drawn.values == (0.01, 0.1, 0.5)
    assert drawn.mean == drawn.valid_loss == pytest.approx((3.0, 1.0, 1.2))
    assert drawn.train_loss == pytest.approx((2.0, 0.0, 0.2))
    # two folds, 0.25 below and above the mean: variance 0.125, times 1/2 + 1/2
    assert drawn.se == pytest.approx((math.sqrt(0.125),) * 3)
    assert (drawn.effect, drawn.effects) == ("weight norm", (2.0, 2.0, 2.0))
    assert (drawn.best, drawn.one_se) == (0.1, 0.1)


def test_a_parameter_fixed_at_0_is_drawn_left_of_a_logarithmic_axis_and_said() -> None:
    drawn = info("l1", (0.0, 1.0), (1e-4, 2.0), (1e-2, 3.0), l1=0.0)
    assert drawn is not None
    assert (drawn.log, drawn.values, drawn.best) == (True, (5e-5, 1e-4, 1e-2), 5e-5)
    assert drawn.parameter == "l1 (0 drawn at 5e-05)"
    path_figure(drawn)


def test_a_range_from_0_has_a_linear_axis() -> None:
    drawn = info("dropout", (0.0, 1.0), (0.3, 2.0))
    assert drawn is not None
    assert (drawn.log, drawn.values, drawn.parameter) == (False, (0.0, 0.3), "dropout")


def test_words_and_nothing_complete_are_not_drawn() -> None:
    assert info("normalization", ("none", 1.0), ("layer", 2.0), own="none") is None
    assert info("dropout", (0.1, math.nan)) is None
