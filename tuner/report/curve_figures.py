"""Figures of curves: validation and training by epoch, and by the strength of one parameter."""

from collections.abc import Iterable, Sequence
from math import log10

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tuner.report.frame import epoch_frame, path_frame
from tuner.report.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    HEIGHT,
    PURPLE,
    VERMILION,
    VERMILION_SHADE,
    log_axis,
    metric_axis,
    styled,
    visible_range,
)
from tuner.results.findings import Findings
from tuner.results.regularisation_path import Path, effect, is_log, path_domain
from tuner.results.selection import Selection, Trial
from tuner.spec.metric import Metric
from tuner.training.outcome import standard_error

UNREGULARISED = 0
PANEL_HEIGHT = 380
# Numbers that the top axis of a path has room for on a narrow screen.
MOST_EFFECTS = 7


def curves_figure(findings: Findings, best: Selection) -> go.Figure:
    """Validation curves of all trials by epoch, and the standard error of the best one."""
    metric, number = findings.spec.metric, best.trial.number
    curve = np.array(best.trial.outcome.curve)
    epochs = np.arange(1, len(curve) + 1)
    folds = epoch_frame(best.trial).groupby("epoch").metric
    half = np.nan_to_num([standard_error(fold.tolist(), findings.facts.test_to_train) for _, fold in folds])
    figure = go.Figure()
    _shade(figure, epochs, curve + half, curve - half, "best ± standard error")
    for state, colour, name in (("complete", BLUE, "complete"), ("pruned", GREY, "pruned (x where it ended)")):
        others = [trial for trial in findings.trials if trial.outcome.state == state and trial.number != number]
        _many_curves(figure, others, name, colour, ends=state == "pruned")
    figure.add_scatter(
        x=epochs,
        y=curve,
        mode="lines",
        line={"color": VERMILION, "width": 3},
        name=f"best, trial {number}",
        hovertemplate="epoch %{x}: %{y:.4f}",
    )
    figure.add_vline(best.trial.outcome.best_epoch, line={"dash": "dot", "color": BLACK, "width": 1})
    levels = [value for trial in findings.trials for value in trial.outcome.curve]
    figure.update_yaxes(title=metric_axis(metric), range=visible_range([*levels, *(curve + half), *(curve - half)]))
    figure.update_xaxes(title="epoch")
    return styled(figure)


def overfitting_figures(findings: Findings, best: Selection) -> tuple[go.Figure, ...]:
    """Training and validation loss by epoch without regularisation and as chosen, the gap shaded, on the same axes.

    Thick lines are means over folds, thin ones the folds. One figure alone where the reference has no curve or is what
    was chosen.
    """
    reference = findings.trials[UNREGULARISED]
    trials = [trial for trial in (reference, best.trial) if trial.outcome.best_epoch]
    figures = {trial.number: _losses_figure(trial, best.trial) for trial in trials}
    ends = [value for trial in trials for fold in trial.outcome.folds for value in (*fold.train_loss, *fold.valid_loss)]
    epochs = max(len(trial.outcome.curve) for trial in trials)
    for figure in figures.values():
        figure.update_xaxes(title="epoch", range=[1 - 0.02 * epochs, 1.02 * epochs])
        figure.update_yaxes(title="loss", range=visible_range(ends))
    return tuple(figures.values())


def _losses_figure(trial: Trial, best: Trial) -> go.Figure:
    outcome, folds = trial.outcome, epoch_frame(trial)
    means = folds.groupby("epoch")[["train_loss", "valid_loss"]].mean()
    figure = go.Figure()
    _shade(figure, means.index, means.valid_loss, means.train_loss, "gap")
    for column, name, colour in (("valid_loss", "validation", VERMILION), ("train_loss", "training", GREEN)):
        curves = [fold[column].tolist() for _, fold in folds.groupby("fold")]
        figure.add_scatter(
            x=_with_gaps(range(1, len(curve) + 1) for curve in curves),
            y=_with_gaps(curves),
            mode="lines",
            line={"color": colour, "width": 0.7},
            opacity=0.5,
            connectgaps=False,
            hoverinfo="skip",
            showlegend=False,
            legendgroup=name,
            name="",
        )
        figure.add_scatter(
            x=means.index,
            y=means[column],
            mode="lines",
            line={"color": colour, "width": 3},
            legendgroup=name,
            name=name,
            hovertemplate=f"{name}, epoch %{{x}}: %{{y:.4f}}<extra></extra>",
        )
    figure.add_vline(outcome.best_epoch, line={"dash": "dot", "color": BLACK, "width": 1})
    what = "as chosen" if trial is best else "without regularisation"
    figure.add_annotation(
        text=f"<b>{what}</b> (trial {trial.number})<br>gap {outcome.gap:.2g} at its best epoch, {outcome.best_epoch}",
        align="left",
        showarrow=False,
        x=0.02,
        xref="x domain",
        xanchor="left",
        y=1.0,
        yref="y domain",
        yanchor="bottom",
    )
    return styled(figure, height=PANEL_HEIGHT).update_layout(margin={"t": 50})


def _panels(metric: Metric) -> tuple[go.Figure, int]:
    """A panel for the metric, below it another one for the losses where the metric is another, and how many."""
    count = 1 if metric.name == "loss" else 2
    return make_subplots(rows=count, cols=1, shared_xaxes=True, vertical_spacing=0.06), count


def _shade(figure: go.Figure, x: npt.ArrayLike, high: npt.ArrayLike, low: npt.ArrayLike, name: str) -> None:
    """Shades what lies between two curves."""
    figure.add_scatter(
        x=np.concatenate([x, np.flip(x)]),
        y=np.concatenate([high, np.flip(low)]),
        mode="lines",  # of few epochs plotly would draw the points too
        fill="toself",
        fillcolor=VERMILION_SHADE,
        line={"width": 0},
        hoverinfo="skip",
        name=name,
    )


def _many_curves(figure: go.Figure, trials: Sequence[Trial], name: str, colour: str, *, ends: bool) -> None:
    """Many curves as one trace with gaps: 500 traces of their own would make a slow page."""
    curves = [trial.outcome.curve for trial in trials]
    figure.add_scatter(
        x=_with_gaps(range(1, len(curve) + 1) for curve in curves),
        y=_with_gaps(curves),
        mode="lines",
        line={"color": colour, "width": 1},
        opacity=0.5,
        name=name,
        legendgroup=name,
        connectgaps=False,
        hoverinfo="skip",
    )
    if ends:
        figure.add_scatter(
            x=[len(curve) for curve in curves],
            y=[curve[-1] for curve in curves],
            mode="markers",
            marker={"symbol": "x", "color": colour, "size": 6},
            text=[f"trial {trial.number}" for trial in trials],
            hovertemplate="%{text}: %{y:.4f} at epoch %{x}",
            showlegend=False,
            legendgroup=name,
            name="",
        )


def _with_gaps(parts: Iterable[Sequence[float]]) -> list[float | None]:
    return [value for part in parts for value in (*part, None)]


def regularisation_path_figure(findings: Findings, path: Path) -> go.Figure | None:
    """Score and losses by the strength of one parameter, as `plot.cv.glmnet` draws it.

    (Friedman, Hastie & Tibshirani, Journal of Statistical Software 33, 2010.) None where no point is complete, or where
    the values are words. On a logarithmic axis a value of 0 has no place: it is drawn left of the least, and said.
    """
    points = path_frame(findings, path)
    if points.empty or path.best is None or path.one_se is None:
        return None
    metric, words = findings.spec.metric, effect(path.parameter, path.best.outcome)[0]
    log = is_log(path_domain(findings.spec, path.parameter)) and points.value.max() > 0
    floor = points.value[points.value > 0].min() / 2 if log else -np.inf
    lost = points.value.min() < floor
    points["value"] = points.value.clip(lower=floor)
    parameter = f"{path.parameter} (0 drawn at {floor:.2g})" if lost else path.parameter
    figure, lowest = _panels(metric)
    figure.add_scatter(
        x=points.value,
        y=points["mean"],
        error_y={"type": "data", "array": points.se.fillna(0.0), "color": VERMILION},
        mode="lines+markers",
        marker={"color": VERMILION, "size": 8},
        line={"color": VERMILION, "width": 1.5},
        customdata=points.effect,
        name="validation ± standard error",
        hovertemplate=f"{parameter} %{{x:.4g}}: %{{y:.4f}}<br>{words} %{{customdata:.3g}}<extra></extra>",
        row=1,
        col=1,
    )
    for name, losses, colour, dash in (
        ("validation loss", points.valid_loss, VERMILION, "dot"),
        ("training loss", points.train_loss, GREEN, "dash"),
    ):
        if name == "training loss" or lowest > 1:
            figure.add_scatter(
                x=points.value,
                y=losses,
                mode="lines+markers",
                marker={"color": colour, "size": 6, "symbol": "diamond"},
                line={"color": colour, "width": 1.5, "dash": dash},
                name=name,
                hovertemplate="%{x:.4g}: %{y:.4f}",
                row=lowest,
                col=1,
            )
    for name, point, colour, dash in (
        ("best", path.best, BLACK, "dash"),
        ("within one standard error", path.one_se, PURPLE, "dashdot"),
    ):
        value = max(float(point.value), floor)
        figure.add_vline(value, line={"dash": dash, "color": colour, "width": 1.5})
        # a shape has no place in the legend: an empty line stands there for it
        legend = f"{name}: {value:.3g}"
        figure.add_scatter(x=[None], y=[None], mode="lines", line={"dash": dash, "color": colour}, name=legend)
    low, high = (log10(end) if log else end for end in (points.value.min(), points.value.max()))
    margin = 0.04 * (high - low) or 0.5
    figure.update_xaxes({**(log_axis(points.value) if log else {}), "range": [low - margin, high + margin]})
    figure.update_xaxes(title=f"{parameter}, log scale" if log else parameter, row=lowest, col=1)
    figure.update_yaxes(title=metric_axis(metric), row=1, col=1)
    if lowest > 1:
        figure.update_yaxes(title="loss", row=lowest, col=1)
    _top_axis(figure, points, words, log=log)
    return styled(figure, height=HEIGHT + 20 if lowest == 1 else HEIGHT + 220)


def _top_axis(figure: go.Figure, points: pd.DataFrame, title: str, *, log: bool) -> None:
    """A second axis over the first panel, with what the strength does at some of its points, both ends among them."""
    count = min(len(points), MOST_EFFECTS)
    shown = points.iloc[[round(step) for step in np.linspace(0, len(points) - 1, count)]]
    figure.update_layout(
        xaxis9={
            "overlaying": "x",
            "matches": "x",
            "side": "top",
            "type": "log" if log else "linear",
            "title": title,
            "tickvals": shown.value,
            "ticktext": [f"{effect:,.0f}" if effect >= 100 else f"{effect:.2g}" for effect in shown.effect],
            "tickangle": 0,
        }
    )
    # an axis without a trace is not drawn
    figure.add_scatter(x=[None], y=[None], xaxis="x9", yaxis="y", showlegend=False, hoverinfo="skip")
