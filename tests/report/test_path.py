"""The path: what a small one draws, in both layouts."""

import math
from dataclasses import replace

import pytest

from tests.report.making import trace
from tuner.report.path import MOST_EFFECTS, PathInfo, path_figure

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


def test_of_many_points_the_top_axis_names_a_few_both_ends_among_them() -> None:
    values = tuple(float(value) for value in range(1, 31))
    info = replace(INFO, values=values, **dict.fromkeys(("mean", "se", "train_loss", "valid_loss", "effects"), values))
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
