"""Figures of scored rows: precision and recall at every threshold; the data, their forecast and scores by time."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from sklearn.metrics import precision_recall_curve

from tuner.data.series import Bools, Ints, runs
from tuner.errors import counted
from tuner.evaluation.detection import Scores, average_precision
from tuner.report.style import (
    BLACK,
    BLUE,
    GREEN,
    GREEN_SHADE,
    GREY,
    LIGHT_GREY,
    PURPLE,
    SKY,
    VERMILION,
    plain,
    styled,
)
from tuner.results.findings import ScoredRows
from tuner.results.verdict import brief

MOST_POINTS = 1000
# A line keeps the least and the greatest value of each of so many stretches: more than a screen has columns.
STRETCHES = 1000
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


def describe_rows(rows: ScoredRows, threshold: float | None) -> str:
    """What the figure of these rows shows, in words: the events that were caught, how far off the forecast is."""
    said = []
    for where, mask in (("in cross-validation", rows.part >= 0), ("on held-out data", rows.part < 0)):
        if rows.labels is not None and threshold is not None and not np.isnan(rows.scores[mask]).all():
            caught, false = _judged(rows.time[mask], rows.labels[mask], rows.scores[mask] >= threshold)
            events = f"{int(caught.sum())} of {counted(len(caught), 'event')} caught"
            said.append(f"{where} {events}, {counted(int(false.sum()), 'false alarm')}")
    forecast, truth = rows.forecast[:, 0], rows.values[:, 0]
    if (known := np.isfinite(forecast)).any():
        off = float(np.sqrt(np.mean(np.square(forecast[known] - truth[known]))))
        by = f"by {brief(off)} (root mean square), where its values vary by {brief(float(np.std(truth[known])))}"
        said.append(f"the forecast of {rows.names[0]} is off {by} (standard deviation)")
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _judged(time: Column, labels: Bools, flagged: Bools) -> tuple[Bools, Bools]:
    """Of each event whether it was caught, and of each run of flagged rows whether it is a false alarm."""
    caught = [flagged[first:past].any() for first, past in true_runs(time, labels)]
    false = [not labels[first:past].any() for first, past in true_runs(time, flagged)]
    return np.array(caught, bool), np.array(false, bool)


def rows_figure(rows: ScoredRows, threshold: float | None) -> go.Figure:
    """Panels by time: the values with their forecast, the scores with the threshold, what became of the events.

    Events are shaded through the first two; a chooser names the columns, if there are several. Lines are thinned out,
    so that hundreds of thousands of rows stay quick; no event is left out.
    """
    # dates as numbers, which are half as long as their text; a date axis reads them so
    dated = rows.time.dtype.kind == "M"
    time = rows.time.astype("datetime64[ms]").astype(np.float64) if dated else rows.time
    x, drawn = thinned(time, np.column_stack([rows.values, rows.forecast, rows.scores]))
    values, forecast, scores = np.split(drawn, [len(rows.names), 2 * len(rows.names)], axis=1)
    lanes = _lanes(rows, time, threshold)
    heights = [0.47, 0.31, *([0.05 * (1 + len(lanes))] if lanes else [])]
    figure = make_subplots(
        rows=len(heights),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.04,
        row_heights=[height / sum(heights) for height in heights],
        specs=[[{"secondary_y": True}]] * len(heights),
    )
    # shades have an axis of their own, whatever the values that are chosen
    figure.update_yaxes(range=[0, 1], visible=False, fixedrange=True, secondary_y=True)
    events = time_bounds(time, true_runs(rows.time, rows.labels)) if rows.labels is not None else np.empty((0, 2))
    look: dict[str, Any] = {
        "fillcolor": GREEN_SHADE,
        "line": {"color": GREEN_SHADE, "width": 1},
        "hoverinfo": "skip",
        "name": "event",
    }
    for row in (1, 2) if len(events) else ():
        figure.add_trace(boxes(events, 0, 1, showlegend=row == 1, **look), row, 1, secondary_y=True)
    shown = {"value": (values, BLUE), "forecast": (forecast, VERMILION)}
    lines = {name: line for name, line in shown.items() if np.isfinite(line[0]).any()}
    for name, (line, colour) in lines.items():
        look = {"mode": "lines", "line": {"color": colour, "width": 1}, "name": name}
        figure.add_scatter(x=x, y=line[:, 0], **look, row=1, col=1)
    traces = list(range(len(figure.data) - len(lines), len(figure.data)))
    if len(rows.names) > 1:
        choices = [
            {
                "label": plain(name),
                "method": "update",
                "args": [{"y": [line[:, at] for line, _ in lines.values()]}, {"yaxis.title.text": plain(name)}, traces],
            }
            for at, name in enumerate(rows.names)
        ]
        place = {"x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "pad": {"t": 0}}
        figure.update_layout(updatemenus=[{"buttons": choices, **place}])
    look = {"mode": "lines", "line": {"color": BLUE, "width": 1}, "name": "score", "showlegend": False}
    figure.add_scatter(x=x, y=scores[:, 0], **look, row=2, col=1)
    if threshold is not None:
        dashed = {"color": BLACK, "width": 1, "dash": "dash"}
        figure.add_hline(threshold, line=dashed, row=2, col=1, secondary_y=False)
        # a shape has no place in the legend: an empty line stands there for it
        look = {"mode": "lines", "line": dashed, "name": f"threshold {threshold:.3g}"}
        figure.add_scatter(x=[None], y=[None], **look, row=2, col=1)
    for low, kinds in enumerate(lanes.values()):
        for name, bounds, colour in kinds:
            # what is named at the axis needs no legend
            look = {"fillcolor": colour, "line": {"color": colour, "width": 1.5}, "showlegend": name == "held-out data"}
            figure.add_trace(boxes(bounds, low, low + 0.8, name=name, hoveron="fills", hoverinfo="name", **look), 3, 1)
    for row, title in enumerate((plain(rows.names[0]), "anomaly score"), 1):
        figure.update_yaxes(title=title, row=row, col=1, secondary_y=False)
    if lanes:
        ticks = {"tickvals": [low + 0.4 for low in range(len(lanes))], "ticktext": list(lanes)}
        figure.update_yaxes(**ticks, range=[-0.1, len(lanes)], fixedrange=True, row=3, col=1, secondary_y=False)
    figure.update_xaxes(type="date" if dated else "linear")
    figure.update_xaxes(title="time", row=len(heights), col=1)
    return styled(figure, height=620).update_layout(margin={"t": 50 if len(rows.names) > 1 else 30})


def _lanes(rows: ScoredRows, time: Column, threshold: float | None) -> dict[str, list[tuple[str, Column, str]]]:
    """What lies below the scores, from the bottom: each lane's name, and its kinds with their times and colours."""
    lanes: dict[str, list[tuple[str, Column, str]]] = {}
    if (rows.part != rows.part[0]).any():
        changes = np.flatnonzero(np.diff(rows.part, prepend=rows.part[0] - 1))
        bounds = time_bounds(time, np.stack([changes, np.append(changes[1:], len(time))], axis=1))
        part = rows.part[changes]
        kinds = (("odd folds", part % 2 == 0, GREY), ("even folds", part % 2 == 1, LIGHT_GREY))
        folds = [(name, bounds[(part >= 0) & mask], colour) for name, mask, colour in kinds]
        lanes["folds"] = [*folds, ("held-out data", bounds[part < 0], SKY)]
    if threshold is None:
        return lanes
    flagged = rows.scores >= threshold
    alarms = time_bounds(time, true_runs(rows.time, flagged))
    if rows.labels is None:
        return lanes | {"flagged": [("flagged", alarms, VERMILION)]}
    caught, false = _judged(rows.time, rows.labels, flagged)
    events = time_bounds(time, true_runs(rows.time, rows.labels))
    kinds = (("false alarms", alarms[false], VERMILION), ("missed", events[~caught], PURPLE))
    return lanes | {
        name: [(name, times, colour)] for name, times, colour in (*kinds, ("caught", events[caught], GREEN))
    }


def segments(time: Column) -> Ints:
    """The number of the segment that each row belongs to, (n,): far apart in time another one begins."""
    apart = np.diff(time.astype(np.float64))
    return np.cumsum(np.concatenate([[False], apart > GAP * np.median(apart)])) if len(apart) else np.zeros(1, int)


def thinned(time: Column, values: Scores) -> tuple[Column, Scores]:
    """The least and the greatest of each stretch of the rows, column by column, with the stretch's first and last time.

    Between rows that lie far apart in time stands a NaN: no line is drawn across a night.

    Args:
        time: (rows,).
        values: (rows, columns); NaN do not count where there are others.
    """
    apart = np.flatnonzero(np.diff(segments(time), prepend=-1))
    starts = apart if len(apart) < STRETCHES else apart[:1]
    if len(time) > 2 * STRETCHES:
        edges = np.union1d(np.linspace(0, len(time), STRETCHES, endpoint=False).astype(int), starts)
        ends = [np.fmin.reduceat(values, edges), np.fmax.reduceat(values, edges)]
        starts = 2 * np.searchsorted(edges, starts)
        time = np.stack([time[edges], time[np.append(edges[1:], len(time)) - 1]], axis=1).ravel()
        values = np.stack(ends, axis=1).reshape(len(time), -1)
    inner = starts[1:]
    return np.insert(time, inner, time[inner]), np.insert(values.astype(np.float32), inner, np.nan, axis=0)


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
    first, last = bounds.astype(np.float64).T
    x = np.stack([first, first, last, last, first, np.full(len(bounds), np.nan)], axis=1)
    y = np.tile(np.array([low, high, high, low, low, np.nan], np.float32), len(bounds))
    return go.Scatter(x=x.ravel(), y=y, mode="lines", fill="toself", **look)
