"""Each searched parameter against the score, and with it the strength that took effect: small multiples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import plotly.graph_objects as go

from tuner.report.style import BLACK, BLUE, GREY, METRIC_AXES, ORANGE, VERMILION, log_axis, plain, styled, visible_range
from tuner.results.findings import Findings
from tuner.results.selection import Trial, shrinkage
from tuner.spec.space import Choices, Constant, Domain, Range, Value

HEIGHT = 330
# A range of whole numbers of this many values is drawn as choices are, side by side.
MOST_COLUMNS = 6
UNITS = {
    "dropout": "probability",
    "input_dropout": "probability",
    "recurrent_dropout": "probability",
    "hidden_size": "units",
    "num_layers": "layers",
    "batch_size": "windows",
    "jitter": "standard deviations",
    "time_shift": "rows",
    "synthetic": "share of windows",
}


@dataclass(frozen=True)
class Point:
    """One trial: its number, where it lies, its value, what hover adds, and whether it completed."""

    number: int
    x: Value
    value: float
    note: str
    state: Literal["complete", "pruned"]


@dataclass(frozen=True)
class StrengthInfo:
    """One panel: a quantity of every trial that has a value, against that value.

    Attributes:
        metric: the study's.
        name: of the quantity; unique in a study.
        title: the same with its unit.
        scale: of its axis; "choices" for a few values side by side, listed in `choices`.
        points: by trial number.
        best: number of the best trial; None while nothing has completed.
        score_range: of the axis of values, the same in every panel of a study.
    """

    metric: str
    name: str
    title: str
    scale: Literal["linear", "log", "choices"]
    choices: tuple[Value, ...]
    points: tuple[Point, ...]
    best: int | None
    score_range: tuple[float, float]


def strength_infos(findings: Findings) -> list[StrengthInfo]:
    """A panel for every searched parameter; after that of a penalty another one for its effective strength."""
    best = findings.summary.best
    known = [trial for trial in findings.trials if trial.outcome.value is not None]
    if not known:
        return []
    empty = StrengthInfo(
        metric=findings.spec.study.metric,
        name="",
        title="",
        scale="linear",
        choices=(),
        points=(),
        best=None if best is None else best.trial.number,
        score_range=visible_range([value for trial in known if (value := trial.outcome.value) is not None]),
    )
    panels = []
    for name, domain in findings.spec.space.items():
        if isinstance(domain, Constant):
            continue
        choices = _choices(domain)
        log = isinstance(domain, Range) and domain.log
        title = f"{name} ({UNITS[name]})" if name in UNITS else name
        panels.append(
            replace(
                empty,
                name=name,
                title=title,
                scale="choices" if choices else "log" if log else "linear",
                choices=choices,
                points=_points(known, _value_of(name), _effect_note(name)),
            )
        )
        if name == "weight_decay":
            points = _points(known, _shrinkage, lambda trial: f"weight_decay {float(trial.params['weight_decay']):.3g}")
            title = "total shrinkage by weight_decay"
            positive = all(float(point.x) > 0 for point in points)
            panels.append(
                replace(empty, name="shrinkage", title=title, scale="log" if positive else "linear", points=points)
            )
        if name == "l1":
            points = _points(
                known, lambda trial: trial.outcome.zeros, lambda trial: f"l1 {float(trial.params['l1']):.3g}"
            )
            panels.append(replace(empty, name="zeros", title="share of weights that are exactly zero", points=points))
    return panels


def _shrinkage(trial: Trial) -> float:
    return shrinkage(trial.params, trial.outcome)


def _value_of(name: str) -> Callable[[Trial], Value]:
    return lambda trial: trial.params[name]


def _effect_note(name: str) -> Callable[[Trial], str]:
    if name == "weight_decay":
        return lambda trial: f"total shrinkage {_shrinkage(trial):.3g}"
    if name == "l1":
        return lambda trial: f"{trial.outcome.zeros:.1%} of weights exactly zero"
    return lambda _: ""


def _points(trials: Sequence[Trial], x: Callable[[Trial], Value], note: Callable[[Trial], str]) -> tuple[Point, ...]:
    return tuple(
        Point(trial.number, x(trial), value, note(trial), "complete" if trial.outcome.state == "complete" else "pruned")
        for trial in trials
        if (value := trial.outcome.value) is not None
    )


def _choices(domain: Domain) -> tuple[Value, ...]:
    """The values of a domain that are drawn side by side; none for one that has an axis of numbers."""
    if isinstance(domain, Choices):
        return domain.choices
    if isinstance(domain, Range) and isinstance(domain.low, int) and isinstance(domain.high, int):
        values = range(domain.low, domain.high + 1, int(domain.step or 1))
        return tuple(values) if len(values) <= MOST_COLUMNS else ()
    return ()


def strength_figure(info: StrengthInfo) -> go.Figure:
    """One panel as a Figure."""
    figure = go.Figure()
    best = [point for point in info.points if point.number == info.best]
    default = [point for point in info.points if point.number == 1]
    for points, name, colour, symbol, size in (
        ([point for point in info.points if point.state == "pruned"], "pruned", GREY, "x", 6),
        ([point for point in info.points if point.state == "complete"], "complete", BLUE, "circle", 7),
        (default, "default", ORANGE, "diamond", 12),
        (best, "best", VERMILION, "star", 15),
    ):
        if points:
            large = name in ("default", "best")
            figure.add_scatter(
                x=[_place(info, point) for point in points],
                y=[point.value for point in points],
                mode="markers",
                marker={
                    "color": colour,
                    "symbol": symbol,
                    "size": size,
                    "opacity": 1.0 if large else 0.6,
                    "line": {"color": BLACK, "width": 1 if large else 0},
                },
                text=[_said(info, point) for point in points],
                name=name,
                hovertemplate="%{text}<extra></extra>",
            )
    if info.scale == "choices":
        ticks = list(range(len(info.choices)))
        figure.update_xaxes(
            tickvals=ticks, ticktext=[plain(choice) for choice in info.choices], range=[-0.5, len(ticks) - 0.5]
        )
    if info.scale == "log":
        figure.update_xaxes(log_axis([float(point.x) for point in info.points]))
    figure.update_xaxes(title=info.title)
    figure.update_yaxes(title=METRIC_AXES[info.metric].partition("<br>")[0], range=info.score_range)
    return styled(figure, height=HEIGHT)


def _place(info: StrengthInfo, point: Point) -> float:
    """On the axis; points of the same choice lie beside each other, each at its own place, the same every time."""
    if info.scale != "choices":
        return float(point.x)
    return info.choices.index(point.x) + 0.5 * (point.number * 0.618034 % 1 - 0.5)


def _said(info: StrengthInfo, point: Point) -> str:
    x = f"{point.x:.3g}" if isinstance(point.x, float) else plain(point.x)
    said = f"trial {point.number}: {point.value:.4f}<br>{info.name} {x}"
    return f"{said}<br>{point.note}" if point.note else said
