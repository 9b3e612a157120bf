"""The scored series: what was seen, how it scored, what was labelled and what was flagged, by time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tuner.data.series import runs
from tuner.report.style import BLACK, BLUE, GREEN, SERIES, VERMILION, plain, styled

# A line keeps the least and the greatest value of each of so many stretches: more than a screen has columns.
STRETCHES = 1500
# So many usual steps make a gap.
GAP = 10

Column = npt.NDArray[Any]


@dataclass(frozen=True)
class ScoredInfo:
    """A series with its scores, thinned out so that hundreds of thousands of rows stay quick.

    Attributes:
        series: name to (time, value) of a line through its extremes.
        score: likewise; rows that could not be scored are left out.
        threshold: rows from this score on are flagged.
        labelled: first and last time of every event, (n, 2); none is left out. None without labels.
        flagged: likewise of every run of flagged rows.
    """

    series: Mapping[str, tuple[Column, Column]]
    score: tuple[Column, Column]
    threshold: float
    labelled: Column | None
    flagged: Column


def scored_info(
    time: Column,
    series: Mapping[str, Column],
    score: npt.NDArray[np.floating],
    threshold: float,
    labels: npt.NDArray[np.bool_] | None,
    flags: npt.NDArray[np.bool_],
) -> ScoredInfo:
    """Thins out columns of equal length, (rows,); `score` is NaN where a row cannot be scored."""
    if time.dtype.kind == "M":
        # finer ones would turn into numbers where they are put among None
        time = time.astype("datetime64[ms]")
    return ScoredInfo(
        series={name: _extremes(time, values) for name, values in series.items()},
        score=_extremes(time, score),
        threshold=threshold,
        labelled=None if labels is None else _stretches(time, labels),
        flagged=_stretches(time, flags),
    )


def _extremes(time: Column, values: Column) -> tuple[Column, Column]:
    """Of each of STRETCHES stretches of the rows the least and the greatest value, in their order; NaN are left out.

    Between rows that lie far apart in time stands a NaN: no line is drawn across a night.
    """
    rows = np.flatnonzero(~np.isnan(values))
    if len(rows) > 2 * STRETCHES:
        edges = np.linspace(0, len(rows), STRETCHES + 1).astype(int)[:-1]
        stretch = np.repeat(np.arange(STRETCHES), np.diff(edges, append=len(rows)))
        # sorted by value within each stretch, the extremes are its first and its last row
        order = rows[np.lexsort((values[rows], stretch))]
        rows = np.unique(np.concatenate([order[edges], order[np.append(edges[1:], len(order)) - 1]]))
    apart = np.diff(time.astype(np.float64))
    part = np.cumsum(np.concatenate([[False], apart > GAP * np.median(apart)])) if len(apart) else np.zeros(1, int)
    gaps = np.flatnonzero(np.diff(part[rows])) + 1
    return np.insert(time[rows], gaps, time[rows[gaps]]), np.insert(values[rows].astype(np.float64), gaps, np.nan)


def _stretches(time: Column, mask: npt.NDArray[np.bool_]) -> Column:
    """First and last time of each run of true rows, (n, 2)."""
    bounds = np.array(runs(mask), dtype=int).reshape(-1, 2)
    return np.stack([time[bounds[:, 0]], time[bounds[:, 1] - 1]], axis=1)


def scored_figure(info: ScoredInfo) -> go.Figure:
    """Three panels over one axis of time: the series, the score with its threshold, and what was labelled, flagged."""
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.04, row_heights=[0.45, 0.4, 0.15])
    for number, (name, (time, values)) in enumerate(info.series.items()):
        colour = SERIES[number % len(SERIES)]
        figure.add_scatter(
            x=time, y=values, mode="lines", line={"color": colour, "width": 1}, name=plain(name), row=1, col=1
        )
    time, values = info.score
    figure.add_scatter(
        x=time, y=values, mode="lines", line={"color": BLUE, "width": 1}, name="anomaly score", row=2, col=1
    )
    figure.add_hline(info.threshold, line={"color": BLACK, "width": 1, "dash": "dash"}, row=2, col=1)
    # a shape has no place in the legend: an empty line stands there for it
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="lines",
        line={"color": BLACK, "width": 1, "dash": "dash"},
        name=f"threshold {info.threshold:.4g}",
        row=2,
        col=1,
    )
    lanes = [(info.flagged, "flagged", VERMILION, 0.0)]
    if info.labelled is not None:
        lanes.append((info.labelled, "labelled", GREEN, 1.0))
    for bounds, name, colour, low in lanes:
        _lane(figure, bounds, name, colour, low)
    figure.update_yaxes(title="value", row=1, col=1)
    figure.update_yaxes(title="score", row=2, col=1)
    figure.update_yaxes(
        tickvals=[low + 0.45 for *_, low in lanes],
        ticktext=[name for _, name, _, _ in lanes],
        range=[-0.1, len(lanes)],
        fixedrange=True,
        row=3,
        col=1,
    )
    figure.update_xaxes(title="time", row=3, col=1)
    return styled(figure, height=620)


def _lane(figure: go.Figure, bounds: Column, name: str, colour: str, low: float) -> None:
    """A box a run, in one trace; its outline keeps a single row visible among hundreds of thousands."""
    first, last = bounds[:, 0], bounds[:, 1]
    gap = np.full(len(bounds), None)
    height = np.full(len(bounds), low + 0.9)
    foot = np.full(len(bounds), low)
    x = np.stack([column.astype(object) for column in (first, first, last, last, first, gap)], axis=1)
    y = np.stack([column.astype(object) for column in (foot, height, height, foot, foot, gap)], axis=1)
    figure.add_scatter(
        x=x.ravel(),
        y=y.ravel(),
        mode="lines",
        fill="toself",
        fillcolor=colour,
        line={"color": colour, "width": 1.5},
        name=f"{name} ({len(bounds)})",
        hoveron="fills",
        hoverinfo="name",
        row=3,
        col=1,
    )
