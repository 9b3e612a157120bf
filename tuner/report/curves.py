"""Validation curves of all trials by epoch, and the gap between training and validation of the best one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tuner.report.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    HEIGHT,
    METRIC_AXES,
    VERMILION,
    VERMILION_SHADE,
    styled,
    visible_range,
)
from tuner.results.findings import Findings
from tuner.results.selection import Trial
from tuner.training.outcome import standard_error


@dataclass(frozen=True)
class CurvesInfo:
    """Validation curves of all trials by epoch, and of the best one its standard error and train curve.

    Attributes:
        metric: of the curves.
        curves: (trial number, state, values from epoch 1 on).
        best: number of the best trial.
        best_epoch: its best epoch.
        best_se: standard error of its mean, by epoch.
        train_loss: of the best trial, mean over folds, by epoch.
        valid_loss: likewise.
    """

    metric: str
    curves: tuple[tuple[int, str, tuple[float, ...]], ...]
    best: int
    best_epoch: int
    best_se: tuple[float, ...]
    train_loss: tuple[float, ...]
    valid_loss: tuple[float, ...]


def curves_info(findings: Findings) -> CurvesInfo:
    """The curves of all told trials; there must be a best one."""
    best = findings.summary.best
    if best is None:
        raise ValueError("no trial has completed")
    outcome = best.trial.outcome
    by_fold = np.array([fold.metric for fold in outcome.folds])
    return CurvesInfo(
        metric=findings.spec.study.metric,
        curves=tuple(_curve(trial) for trial in findings.trials if trial.outcome.curve),
        best=best.trial.number,
        best_epoch=outcome.best_epoch,
        best_se=tuple(standard_error(column, findings.facts.test_to_train) for column in by_fold.T),
        train_loss=tuple(np.mean([fold.train_loss for fold in outcome.folds], axis=0)),
        valid_loss=tuple(np.mean([fold.valid_loss for fold in outcome.folds], axis=0)),
    )


def _curve(trial: Trial) -> tuple[int, str, tuple[float, ...]]:
    return trial.number, trial.outcome.state, trial.outcome.curve


def curves_figure(info: CurvesInfo) -> go.Figure:
    """Validation curves as a Figure; a second panel shows the losses where the metric is another."""
    by_loss = info.metric == "loss"
    figure = make_subplots(rows=1 if by_loss else 2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    best = next(values for number, _, values in info.curves if number == info.best)
    epochs, half = np.arange(1, len(best) + 1), np.nan_to_num(info.best_se)
    _band(figure, epochs, np.array(best), half)
    for state, colour, name in (("complete", BLUE, "complete"), ("pruned", GREY, "pruned (x where it ended)")):
        chosen = [curve for curve in info.curves if curve[1] == state and curve[0] != info.best]
        _many_lines(figure, chosen, name, colour, ends=state == "pruned")
    _line(figure, epochs, best, f"best, trial {info.best}: validation", VERMILION, "solid", row=1)
    row = 1 if by_loss else 2
    if not by_loss:
        _line(figure, epochs, info.valid_loss, "best: validation loss", VERMILION, "dot", row=row)
    _line(figure, epochs, info.train_loss, "best: training loss", GREEN, "dash", row=row)
    figure.add_vline(info.best_epoch, line={"dash": "dot", "color": BLACK, "width": 1})
    levels = [value for _, _, values in info.curves for value in values]
    levels += [*(best + half), *(best - half), *(info.train_loss if by_loss else ())]
    figure.update_yaxes(title=METRIC_AXES[info.metric], range=visible_range(levels), row=1, col=1)
    if not by_loss:
        figure.update_yaxes(title="loss (best trial)", row=2, col=1)
    figure.update_xaxes(title="epoch", row=row, col=1)
    return styled(figure, height=HEIGHT if by_loss else HEIGHT + 240)


def _many_lines(
    figure: go.Figure,
    curves: Sequence[tuple[int, str, tuple[float, ...]]],
    name: str,
    colour: str,
    *,
    ends: bool,
) -> None:
    """Many curves as one trace with gaps: 500 traces of their own would make a slow page."""
    x: list[float | None] = []
    y: list[float | None] = []
    for _, _, values in curves:
        x += [*range(1, len(values) + 1), None]
        y += [*values, None]
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": colour, "width": 1},
        opacity=0.5,
        name=name,
        legendgroup=name,
        connectgaps=False,
        hoverinfo="skip",
        row=1,
        col=1,
    )
    if ends:
        figure.add_scatter(
            x=[len(values) for _, _, values in curves],
            y=[values[-1] for _, _, values in curves],
            mode="markers",
            marker={"symbol": "x", "color": colour, "size": 6},
            text=[f"trial {number}" for number, _, _ in curves],
            hovertemplate="%{text}: %{y:.4f} at epoch %{x}",
            showlegend=False,
            legendgroup=name,
            name="",
            row=1,
            col=1,
        )


def _line(figure: go.Figure, x: np.ndarray, y: Sequence[float], name: str, colour: str, dash: str, *, row: int) -> None:
    figure.add_scatter(
        x=x,
        y=list(y),
        mode="lines",
        line={"color": colour, "width": 3, "dash": dash},
        name=name,
        hovertemplate="epoch %{x}: %{y:.4f}",
        row=row,
        col=1,
    )


def _band(figure: go.Figure, x: np.ndarray, middle: np.ndarray, half: np.ndarray) -> None:
    figure.add_scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([middle + half, (middle - half)[::-1]]),
        mode="lines",  # of few epochs plotly would draw the points too
        fill="toself",
        fillcolor=VERMILION_SHADE,
        line={"width": 0},
        hoverinfo="skip",
        name="best ± standard error",
        row=1,
        col=1,
    )
