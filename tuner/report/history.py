"""Optimisation history: what each trial reached, and the best so far."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from tuner.report.style import BLACK, BLUE, GREY, METRIC_AXES, VERMILION, plain, styled, visible_range
from tuner.results.findings import Findings

FEW_TRIALS = 10


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
        if value is not None and trial.outcome.state == "complete":
            incumbent.append((trial.number, better(value, incumbent[-1][1]) if incumbent else value))
        elif incumbent:
            incumbent.append((trial.number, incumbent[-1][1]))
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
        hovertemplate="best up to trial %{x}: %{y:.4f}<extra></extra>",
    )
    if info.repeats:
        _points(figure, info.repeats, "the best, trained again", BLUE, "circle-open")
    if info.chosen is not None:
        _points(figure, [info.chosen], f"chosen: trial {info.chosen[0]}, mean of its runs", VERMILION, "star", size=15)
        figure.data[-1].marker.line = {"color": BLACK, "width": 1}
    name, value = info.baseline
    values = [value for _, value in (*info.complete, *info.pruned, *info.repeats)]
    low, high = visible_range(values)
    if low <= value <= high:
        figure.add_hline(value, line={"dash": "dash", "color": BLACK, "width": 1}, annotation_text=plain(name))
    # left to itself the axis of a few trials has halves of them
    figure.update_xaxes(title="trial", dtick=1 if len(info.incumbent) <= FEW_TRIALS else None)
    figure.update_yaxes(title=METRIC_AXES[info.metric], range=[low, high])
    return styled(figure)


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
