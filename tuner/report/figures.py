"""The figures of a study, each in two halves: pure data, then a plotly Figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from tuner.files import write_whole
from tuner.search.select import Trial
from tuner.search.study import Findings
from tuner.training.curves import standard_error

# Okabe & Ito's palette, which the colour-blind can tell apart and which survives a grey printer.
BLUE, VERMILION, GREY, GREEN, BLACK = "#0072B2", "#D55E00", "#8C8C8C", "#009E73", "#000000"
HEIGHT = 640
METRIC_AXES = {
    "loss": "validation loss (lower is better)",
    "average_precision": "average precision (higher is better)",
    "f1": "F1 at the inner threshold (higher is better)",
}


@dataclass(frozen=True)
class HistoryInfo:
    """Optimisation history: value by trial number, the best complete value so far, and what was chosen in the end.

    Attributes:
        repeats: the values that the finalists reached when they were trained again.
        chosen: the best trial, and the mean that it was chosen by; None while nothing has completed.
    """

    metric: str
    complete: tuple[tuple[int, float], ...]
    pruned: tuple[tuple[int, float], ...]
    repeats: tuple[tuple[int, float], ...]
    incumbent: tuple[tuple[int, float], ...]
    chosen: tuple[int, float] | None
    baseline: tuple[str, float]


def history_info(findings: Findings) -> HistoryInfo:
    """The values of all told trials that have one."""
    by_state: dict[str, list[tuple[int, float]]] = {"complete": [], "pruned": []}
    incumbent: list[tuple[int, float]] = []
    better = max if findings.spec.maximise else min
    for trial in findings.trials:
        value = trial.outcome.value
        if value is not None:
            by_state[trial.outcome.state].append((trial.number, value))
        complete = [value for _, value in by_state["complete"]]
        if complete:
            incumbent.append((trial.number, better(complete)))
    baseline, best = findings.facts.baseline, findings.summary.best
    again = [(trial.number, outcome.value) for trial in findings.trials for outcome in trial.repeats]
    return HistoryInfo(
        metric=findings.spec.study.metric,
        complete=tuple(by_state["complete"]),
        pruned=tuple(by_state["pruned"]),
        repeats=tuple((number, value) for number, value in again if value is not None),
        incumbent=tuple(incumbent),
        chosen=None if best is None else (best.trial.number, best.mean),
        baseline=(baseline.name, baseline.value),
    )


def history_figure(info: HistoryInfo) -> go.Figure:
    """Optimisation history as a Figure."""
    figure = go.Figure()
    _points(figure, info.pruned, "pruned (best mean until then)", GREY, "x")
    _points(figure, info.complete, "complete", BLUE, "circle")
    figure.add_scatter(
        x=[number for number, _ in info.incumbent],
        y=[value for _, value in info.incumbent],
        mode="lines",
        line={"shape": "hv", "color": VERMILION, "width": 2},
        name="best so far",
    )
    if info.repeats:
        _points(figure, info.repeats, "the best, trained again", BLUE, "circle-open")
    if info.chosen is not None:
        _points(figure, [info.chosen], f"chosen: trial {info.chosen[0]}, mean of its runs", GREEN, "star", size=14)
    name, value = info.baseline
    values = [value for _, value in (*info.complete, *info.pruned, *info.repeats)]
    low, high = visible_range(values)
    if low <= value <= high:
        figure.add_hline(value, line={"dash": "dash", "color": BLACK, "width": 1}, annotation_text=name)
    figure.update_xaxes(title="trial")
    figure.update_yaxes(title=METRIC_AXES[info.metric], range=[low, high])
    return _styled(figure, "Optimisation history")


def visible_range(values: Sequence[float]) -> tuple[float, float]:
    """A range that shows the bulk of the values: outliers beyond three interquartile ranges do not set the scale."""
    low, lower, upper, high = np.percentile(values, [0, 25, 75, 100])
    spread = upper - lower if upper > lower else max(abs(upper), 1e-9) * 0.1
    low, high = max(low, lower - 3 * spread), min(high, upper + 3 * spread)
    margin = 0.06 * (high - low) if high > low else spread
    return float(low - margin), float(high + margin)


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
    figure = make_subplots(rows=1 if by_loss else 2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    best = next(values for number, _, values in info.curves if number == info.best)
    epochs, half = np.arange(1, len(best) + 1), np.nan_to_num(info.best_se)
    _band(figure, epochs, np.array(best), half)
    for state, colour, name in (("pruned", GREY, "pruned (x where it ended)"), ("complete", BLUE, "complete")):
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
    return _styled(figure, "Validation curves: means over folds; shaded: ± standard error")


def write_figures(findings: Findings, folder: Path) -> list[Path]:
    """Writes the figures as pages into `folder`, with plotly.js beside them so that they open without a network."""
    figures = {
        "history.html": history_figure(history_info(findings)),
        "curves.html": curves_figure(curves_info(findings)),
    }
    write_whole(folder / "plotly.min.js", get_plotlyjs())
    for name, figure in figures.items():
        write_whole(folder / name, figure.to_html(include_plotlyjs="directory", default_height=f"{HEIGHT}px"))
    return [folder / name for name in figures]


def _points(
    figure: go.Figure, points: Sequence[tuple[int, float]], name: str, colour: str, symbol: str, *, size: int = 8
) -> None:
    figure.add_scatter(
        x=[number for number, _ in points],
        y=[value for _, value in points],
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": size},
        name=name,
        hovertemplate="trial %{x}: %{y:.4f}",
    )


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
            name="",
            row=1,
            col=1,
        )


def _line(figure: go.Figure, x: np.ndarray, y: Sequence[float], name: str, colour: str, dash: str, *, row: int) -> None:
    figure.add_scatter(
        x=x, y=list(y), mode="lines", line={"color": colour, "width": 3, "dash": dash}, name=name, row=row, col=1
    )


def _band(figure: go.Figure, x: np.ndarray, middle: np.ndarray, half: np.ndarray) -> None:
    figure.add_scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([middle + half, (middle - half)[::-1]]),
        fill="toself",
        fillcolor="rgba(213, 94, 0, 0.15)",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        row=1,
        col=1,
    )


def _styled(figure: go.Figure, title: str) -> go.Figure:
    figure.update_layout(
        template="simple_white",
        title=title,
        legend={"orientation": "h", "y": -0.18, "yanchor": "top"},
        margin={"l": 70, "r": 20, "t": 50, "b": 60},
        hovermode="closest",
    )
    return figure
