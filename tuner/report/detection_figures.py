"""Figures of the out-of-fold scores: precision and recall at every threshold, and the scores by time."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from sklearn.metrics import precision_recall_curve

from tuner.data.series import Bools, Floats, Ints, runs
from tuner.evaluation.detection import Scores, average_precision
from tuner.report.style import BLACK, BLUE, GREEN, GREEN_SHADE, PURPLE, VERMILION, plain, styled
from tuner.results.findings import OutOfFoldScores
from tuner.results.verdict import count

MOST_POINTS = 1000
# A line keeps the least and the greatest value of each of so many stretches: more than a screen has columns.
STRETCHES = 1500
# So many usual steps make a gap.
GAP = 10

Column = npt.NDArray[Any]


def precision_recall_frame(scores: Scores, labels: Bools) -> pd.DataFrame:
    """Precision and recall by threshold, the highest first; one label (n,) at least is true.

    Rows from a threshold on are flagged. At most MOST_POINTS thresholds are kept, evenly by recall, both ends too.
    """
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    # the last point, at recall 0, belongs to no threshold
    columns = {"threshold": thresholds, "recall": recall[:-1], "precision": precision[:-1]}
    frame = pd.DataFrame(columns)[::-1].reset_index(drop=True)
    if len(frame) > MOST_POINTS:
        kept = np.searchsorted(frame.recall, np.linspace(0, 1, MOST_POINTS - 2))
        frame = frame.iloc[np.unique([0, *kept, len(frame) - 1])]
    return frame


def precision_recall_figure(scores: Scores, labels: Bools, threshold: float) -> go.Figure:
    """The curve of scores (n,) and labels (n,), of which at least one is true, with the decision threshold marked."""
    curve = precision_recall_frame(scores, labels)
    area, base_rate = average_precision(scores, labels), labels.mean()
    figure = go.Figure()
    figure.add_scatter(
        x=[0.0, *curve.recall],
        y=[curve.precision[0], *curve.precision],
        customdata=[curve.threshold[0], *curve.threshold],
        mode="lines",
        # precision holds from a threshold to the next: average precision is the area under these steps
        line={"color": BLUE, "width": 2, "shape": "vh"},
        name=f"out-of-fold scores (average precision {area:.3f})",
        hovertemplate="recall %{x:.3f}, precision %{y:.3f}<br>flagged from score %{customdata:.4g} on<extra></extra>",
    )
    flagged = scores >= threshold
    if flagged.any():
        recall, precision = float(flagged[labels].mean()), float(labels[flagged].mean())
        figure.add_scatter(
            x=[recall],
            y=[precision],
            mode="markers",
            marker={"color": VERMILION, "symbol": "star", "size": 16, "line": {"color": BLACK, "width": 1}},
            name=f"threshold: precision {precision:.3f}, recall {recall:.3f}",
            hovertemplate=f"flagged from score {threshold:.4g} on<extra></extra>",
        )
    figure.add_scatter(
        x=[0, 1],
        y=[base_rate] * 2,
        mode="lines",
        line={"color": BLACK, "width": 1, "dash": "dash"},
        name=f"flagging at random (base rate {base_rate:.3f})",
        hoverinfo="skip",
    )
    figure.update_xaxes(title="recall (of anomalous rows)", range=[0, 1.02])
    figure.update_yaxes(title="precision (of flagged rows)", range=[0, 1.04])
    return styled(figure, height=500)


def scored_figure(scored: OutOfFoldScores, threshold: float) -> go.Figure:
    """Three panels by time: the values, their scores with the threshold, and the events caught, missed and made up.

    Events are shaded through the first two. Lines are thinned out, so that hundreds of thousands of rows stay quick; no
    event is left out.
    """
    time = scored.time
    if time.dtype.kind == "M":
        # finer ones would turn into numbers where they are put among None
        time = time.astype("datetime64[ms]")
    flagged = scored.scores >= threshold
    events, alarms = true_runs(time, scored.labels), true_runs(time, flagged)
    caught = np.array([flagged[first:past].any() for first, past in events], bool)
    false = np.array([not scored.labels[first:past].any() for first, past in alarms], bool)
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.04, row_heights=[0.45, 0.37, 0.18])
    bounds = time_bounds(time, events)
    for row, (name, values) in enumerate(((plain(scored.name), scored.values), ("anomaly score", scored.scores)), 1):
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        margin = 0.05 * (high - low) or 1.0
        shade = {"fillcolor": GREEN_SHADE, "line": {"color": GREEN_SHADE, "width": 1}, "hoverinfo": "skip"}
        figure.add_trace(boxes(bounds, low - margin, high + margin, name="event", showlegend=row == 1, **shade), row, 1)
        x, y = extremes(time, values)
        figure.add_scatter(x=x, y=y, mode="lines", line={"color": BLUE, "width": 1}, name=name, row=row, col=1)
        figure.update_yaxes(range=[low - margin, high + margin], row=row, col=1)
    dashed = {"color": BLACK, "width": 1, "dash": "dash"}
    figure.add_hline(threshold, line=dashed, row=2, col=1)
    # a shape has no place in the legend: an empty line stands there for it
    figure.add_scatter(x=[None], y=[None], mode="lines", line=dashed, name=f"threshold {threshold:.4g}", row=2, col=1)
    lanes = (
        ("false alarms", time_bounds(time, alarms[false]), VERMILION),
        ("missed", bounds[~caught], PURPLE),
        ("caught", bounds[caught], GREEN),
    )
    for low, (name, found, colour) in enumerate(lanes):
        look = {"fillcolor": colour, "line": {"color": colour, "width": 1.5}, "hoveron": "fills", "hoverinfo": "name"}
        figure.add_trace(boxes(found, low, low + 0.9, name=f"{name} ({len(found)})", **look), 3, 1)
    figure.update_yaxes(title="value", row=1, col=1)
    figure.update_yaxes(title="score", row=2, col=1)
    ticks = {"tickvals": [low + 0.45 for low in range(len(lanes))], "ticktext": [name for name, *_ in lanes]}
    figure.update_yaxes(**ticks, range=[-0.1, len(lanes)], fixedrange=True, row=3, col=1)
    figure.update_xaxes(title="time", row=3, col=1)
    said = f"<b>{caught.sum()} of {count(len(events), 'event')} caught, {count(int(false.sum()), 'false alarm')}</b>"
    place = {"x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "paper", "yanchor": "bottom"}
    figure.add_annotation(text=said, showarrow=False, **place)
    return styled(figure, height=620)


def segments(time: Column) -> Ints:
    """The number of the segment that each row belongs to, (n,): far apart in time another one begins."""
    apart = np.diff(time.astype(np.float64))
    return np.cumsum(np.concatenate([[False], apart > GAP * np.median(apart)])) if len(apart) else np.zeros(1, int)


def extremes(time: Column, values: Floats | Scores) -> tuple[Column, Column]:
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
    part = segments(time)
    gaps = np.flatnonzero(np.diff(part[rows])) + 1
    return np.insert(time[rows], gaps, time[rows[gaps]]), np.insert(values[rows].astype(np.float64), gaps, np.nan)


def true_runs(time: Column, mask: Bools) -> Ints:
    """The runs of true rows as half-open intervals, (runs, 2); none reaches across a gap in time."""
    ends = [*np.flatnonzero(np.diff(segments(time), prepend=-1)).tolist(), len(time)]
    found = [(start + first, start + past) for start, end in pairwise(ends) for first, past in runs(mask[start:end])]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def time_bounds(time: Column, intervals: Ints) -> Column:
    """First and last time of half-open intervals of rows, (n, 2)."""
    return np.stack([time[intervals[:, 0]], time[intervals[:, 1] - 1]], axis=1)


def boxes(bounds: Column, low: float, high: float, **look: Any) -> go.Scatter:  # noqa: ANN401 (plotly's)
    """A box per pair of times, in one trace; its outline keeps a single row visible among hundreds of thousands."""
    first, last = bounds.astype(object).T
    x = np.stack([first, first, last, last, first, np.full(len(bounds), None)], axis=1)
    y = [low, high, high, low, low, None] * len(bounds)
    return go.Scatter(x=x.ravel(), y=y, mode="lines", fill="toself", **look)
