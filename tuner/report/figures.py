"""Figures of all trials: their history, the spread of their folds, each parameter's part in the score."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from tuner.report.frame import fold_frame
from tuner.report.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    VERMILION,
    log_axis,
    metric_axis,
    metric_title,
    plain,
    short_value,
    styled,
    visible_range,
)
from tuner.results.findings import Findings
from tuner.search.effects import Effect
from tuner.spec.metric import Metric
from tuner.spec.space import Choices, Constant, Domain, Range, Value

# Up to so many trials each has a tick: left to itself the axis would have halves of them.
FEW_TRIALS = 10
MOST_SPREAD = 10
REFERENCES = {0: "unregularised", 1: "default"}
PANEL_HEIGHT = 330
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
# Trials in a panel: colour, symbol, size.
MARKERS = {
    "pruned": (GREY, "x", 6),
    "complete": (BLUE, "circle", 7),
    "default": (ORANGE, "diamond", 12),
    "best": (VERMILION, "star", 15),
}


def history_figure(findings: Findings, trials: pd.DataFrame) -> go.Figure:
    """The value of each trial and the best so far; `trials` has a value."""
    figure = go.Figure()
    repeats = trials.repeats.explode().dropna().astype(float)
    _points(figure, trials.value[trials.state == "pruned"], "pruned (best mean until then)", GREY, "x")
    _points(figure, trials.value[trials.state == "complete"], "complete", BLUE, "circle")
    incumbent = trials.incumbent.dropna()
    figure.add_scatter(
        x=incumbent.index,
        y=incumbent,
        mode="lines",
        line={"shape": "hv", "color": VERMILION, "width": 2},
        name="best so far",
        hovertemplate="best up to trial %{x}: %{y:.4f}<extra></extra>",
    )
    if len(repeats):
        _points(figure, repeats, "the best, trained again", BLUE, "circle-open")
    if (best := findings.summary.best) is not None:
        number = best.trial.number
        _points(
            figure, pd.Series({number: best.mean}), f"chosen: trial {number}, mean of its runs", VERMILION, "star", 15
        )
        figure.data[-1].marker.line = {"color": BLACK, "width": 1}
    low, high = visible_range([*trials.value.dropna(), *repeats])
    baseline = findings.facts.baseline
    if low <= baseline.value <= high:
        dashed = {"dash": "dash", "color": BLACK, "width": 1}
        figure.add_hline(baseline.value, line=dashed, annotation_text=plain(baseline.name))
    figure.update_xaxes(title="trial", dtick=1 if len(incumbent) <= FEW_TRIALS else None)
    figure.update_yaxes(title=metric_axis(findings.spec.metric), range=[low, high])
    return styled(figure)


def _points(figure: go.Figure, values: "pd.Series[float]", name: str, colour: str, symbol: str, size: int = 8) -> None:
    figure.add_scatter(
        x=values.index,
        y=values,
        ids=[f"trial {number}" for number in values.index],
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": size},
        name=name,
        hovertemplate="trial %{x}: %{y:.4f}",
    )


def spread_figure(findings: Findings, trials: pd.DataFrame) -> go.Figure:
    """The best trials on each fold and when they were trained again; a thin line joins what is one fold.

    There must be a complete trial.
    """
    folds = fold_frame(findings).iloc[:, :MOST_SPREAD]
    labels = {number: f"{number} ({REFERENCES[number]})" if number in REFERENCES else str(number) for number in folds}
    best = findings.summary.best
    star = [best is not None and number == best.trial.number for number in folds]
    figure = go.Figure()
    # None after each fold ends its line
    lines = folds.astype(object).where(folds.notna(), None).assign(end=None)
    figure.add_scatter(
        x=[*labels.values(), None] * len(lines),
        y=lines.to_numpy().ravel(),
        mode="lines+markers",
        line={"color": GREY, "width": 0.7},
        marker={"color": BLUE, "size": 7, "opacity": 0.7},
        customdata=[fold for fold in range(1, len(lines) + 1) for _ in lines],
        connectgaps=False,
        name="one fold (a thin line joins the same fold)",
        hovertemplate="trial %{x}, fold %{customdata}: %{y:.4f}<extra></extra>",
    )
    again = trials.repeats[folds.columns].explode().dropna()
    if len(again):
        figure.add_scatter(
            x=again.index.map(labels),
            y=again.astype(float),
            mode="markers",
            marker={"color": BLACK, "size": 9, "symbol": "diamond-open"},
            name="mean when trained again",
            hovertemplate="trial %{x}, trained again: %{y:.4f}<extra></extra>",
        )
    figure.add_scatter(
        x=list(labels.values()),
        y=folds.mean(),
        mode="markers",
        marker={
            "color": [VERMILION if chosen else BLACK for chosen in star],
            "size": [16 if chosen else 14 for chosen in star],
            "symbol": ["star" if chosen else "line-ew-open" for chosen in star],
            "opacity": 1,
            "line": {"width": [1 if chosen else 3 for chosen in star], "color": BLACK},
        },
        name="mean of all folds and runs (star: chosen)",
        hovertemplate="trial %{x}: mean %{y:.4f}<extra></extra>",
    )
    # as words: plotly would take numbers for places on an axis
    figure.update_xaxes(title="trial, best mean first", type="category")
    figure.update_yaxes(title=metric_axis(findings.spec.metric))
    return styled(figure)


def strength_figures(findings: Findings, trials: pd.DataFrame) -> dict[str, go.Figure]:
    """A panel per searched parameter against the score.

    Returns:
        Panels by parameter; none where no trial has a value.
    """
    known, best = trials[trials.value.notna()], findings.summary.best
    if known.empty:
        return {}
    groups = {
        "pruned": known[known.state == "pruned"],
        "complete": known[known.state == "complete"],
        "default": known[known.index == 1],
        "best": known[known.index == (-1 if best is None else best.trial.number)],
    }
    panels = {}
    for name, domain in findings.spec.space.items():
        if isinstance(domain, Constant):
            continue
        title = f"{name} ({UNITS[name]})" if name in UNITS else name
        log = isinstance(domain, Range) and domain.log
        panels[name] = _panel(groups, name, title, choices=_side_by_side(domain), log=log)
    scale = visible_range(known.value)
    for panel in panels.values():
        panel.update_yaxes(title=metric_title(findings.spec.metric), range=scale)
    return panels


def _side_by_side(domain: Domain) -> tuple[Value, ...]:
    """The values of a domain that are drawn side by side; none for one that has an axis of numbers."""
    if isinstance(domain, Choices):
        return domain.choices
    if isinstance(domain, Range) and isinstance(domain.low, int) and isinstance(domain.high, int):
        values = range(domain.low, domain.high + 1, int(domain.step or 1))
        return tuple(values) if len(values) <= MOST_COLUMNS else ()
    return ()


def _panel(
    groups: Mapping[str, pd.DataFrame],
    column: str,
    title: str,
    *,
    choices: tuple[Value, ...] = (),
    log: bool = False,
) -> go.Figure:
    """A parameter against the value of each trial."""
    figure = go.Figure()
    for name, trials in groups.items():
        if len(trials):
            colour, symbol, size = MARKERS[name]
            large = name in ("default", "best")
            places = trials[column]
            figure.add_scatter(
                x=_beside(places, choices) if choices else places.astype(float),
                y=trials.value,
                ids=[f"trial {number}" for number in trials.index],
                mode="markers",
                marker={
                    "color": colour,
                    "symbol": symbol,
                    "size": size,
                    "opacity": 1.0 if large else 0.6,
                    "line": {"color": BLACK, "width": 1 if large else 0},
                },
                text=[
                    f"trial {number}: {value:z.4f}<br>{column} {short_value(place)}<br>{effect}"
                    for number, value, place, effect in zip(
                        trials.index, trials.value, places, trials.effect, strict=True
                    )
                ],
                name=name,
                hovertemplate="%{text}<extra></extra>",
            )
    if choices:
        ticks = list(range(len(choices)))
        figure.update_xaxes(tickvals=ticks, ticktext=list(map(plain, choices)), range=[-0.5, len(ticks) - 0.5])
    elif log:
        figure.update_xaxes(log_axis([place for trials in groups.values() for place in trials[column]]))
    figure.update_xaxes(title=title)
    return styled(figure, height=PANEL_HEIGHT).update_layout(showlegend=False)


def _beside(values: pd.Series, choices: tuple[Value, ...]) -> list[float]:
    """Each near its choice, at a place of its own that is the same every time."""
    return [
        choices.index(value) + 0.5 * (number * 0.618034 % 1 - 0.5)
        for number, value in zip(values.index, values, strict=True)
    ]


def effects_figure(metric: Metric, effects: Sequence[Effect]) -> go.Figure:
    """The gains of each parameter's best and highest value over its lowest one, with intervals, the largest first."""
    rows = [f"<b>{each.name}</b><br>{plain(each.direction)}" for each in effects]
    figure = go.Figure()
    for name, gains, colour, symbol, size, off in (
        ("highest value searched", [effect.highest for effect in effects], BLUE, "square", 8, 0.14),
        ("best value", [effect.best for effect in effects], VERMILION, "star", 14, -0.14),
    ):
        figure.add_scatter(
            x=[gain.gain for gain in gains],
            y=[row + off for row in range(len(effects))],
            error_x={
                "type": "data",
                "array": [gain.interval[1] - gain.gain for gain in gains],
                "arrayminus": [gain.gain - gain.interval[0] for gain in gains],
                "color": colour,
            },
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": size, "line": {"color": BLACK, "width": 1}},
            text=[
                f"{effect.name} {short_value(gain.value)} against {short_value(effect.lowest)}: {gain.gain:+z.4f} "
                f"({gain.interval[0]:+z.4f} to {gain.interval[1]:+z.4f})"
                for effect, gain in zip(effects, gains, strict=True)
            ],
            name=name,
            hovertemplate="%{text}<extra></extra>",
        )
    figure.add_vline(0, line={"color": BLACK, "width": 1})
    ends = [end for effect in effects for gain in (effect.best, effect.highest) for end in (gain.gain, *gain.interval)]
    figure.update_xaxes(
        title=f"gain in {metric_title(metric)} over the lowest value (right is better)", range=visible_range([0, *ends])
    )
    figure.update_yaxes(tickvals=list(range(len(rows))), ticktext=rows, range=[len(rows) - 0.5, -0.5], ticks="")
    return styled(figure, height=130 + 44 * len(effects))
