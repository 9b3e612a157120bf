"""The precision-recall curve of out-of-fold scores, with the decision threshold marked."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from tuner.report.style import BLACK, BLUE, VERMILION, styled

MOST_POINTS = 1000


@dataclass(frozen=True)
class PrecisionRecallInfo:
    """Precision by recall as the threshold falls, highest threshold first.

    Attributes:
        recall, precision: at each threshold, (n,).
        thresholds: rows from this score on are flagged, (n,).
        average_precision: the sum of precision over the steps of recall, of all scores.
        at: recall and precision at the decision threshold; None if it flags nothing.
        threshold: the decision threshold.
        base_rate: share of anomalous rows, the precision of flagging at random.
    """

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    thresholds: tuple[float, ...]
    average_precision: float
    at: tuple[float, float] | None
    threshold: float
    base_rate: float


def precision_recall_info(
    scores: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_], threshold: float
) -> PrecisionRecallInfo:
    """The curve of scores (n,) and labels (n,), of which at least one is true; thinned out to MOST_POINTS points.

    As scikit-learn's `precision_recall_curve` and `average_precision_score`, without the end at recall 0.
    """
    limits, rank = np.unique(scores, return_inverse=True)
    flagged = np.cumsum(np.bincount(rank)[::-1])
    found = np.cumsum(np.bincount(rank, labels)[::-1])
    limits, recall, precision = limits[::-1], found / labels.sum(), found / flagged
    drawn = np.arange(len(limits))
    if len(limits) > MOST_POINTS:
        # evenly by recall: the steep beginning lies in few of the scores
        drawn = np.unique([0, *np.searchsorted(recall, np.linspace(0, 1, MOST_POINTS - 2)), len(limits) - 1])
    last = int(np.searchsorted(-limits, -threshold, side="right")) - 1
    return PrecisionRecallInfo(
        recall=tuple(recall[drawn].tolist()),
        precision=tuple(precision[drawn].tolist()),
        thresholds=tuple(limits[drawn].tolist()),
        average_precision=float(np.sum(np.diff(recall, prepend=0.0) * precision)),
        at=None if last < 0 else (float(recall[last]), float(precision[last])),
        threshold=threshold,
        base_rate=float(labels.mean()),
    )


def precision_recall_figure(info: PrecisionRecallInfo) -> go.Figure:
    """The curve as a Figure, both axes from 0 to 1."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0.0, *info.recall],
        y=[info.precision[0], *info.precision],
        customdata=[info.thresholds[0], *info.thresholds],
        mode="lines",
        # precision holds from a threshold to the next: average precision is the area under these steps
        line={"color": BLUE, "width": 2, "shape": "vh"},
        name=f"out-of-fold scores (average precision {info.average_precision:.3f})",
        hovertemplate="recall %{x:.3f}, precision %{y:.3f}<br>flagged from score %{customdata:.4g} on<extra></extra>",
    )
    if info.at is not None:
        recall, precision = info.at
        figure.add_scatter(
            x=[recall],
            y=[precision],
            mode="markers",
            marker={"color": VERMILION, "symbol": "star", "size": 16, "line": {"color": BLACK, "width": 1}},
            name=f"threshold: precision {precision:.3f}, recall {recall:.3f}",
            hovertemplate=f"flagged from score {info.threshold:.4g} on<extra></extra>",
        )
    figure.add_scatter(
        x=[0, 1],
        y=[info.base_rate] * 2,
        mode="lines",
        line={"color": BLACK, "width": 1, "dash": "dash"},
        name=f"flagging at random (base rate {info.base_rate:.3f})",
        hoverinfo="skip",
    )
    figure.update_xaxes(title="recall (of anomalous rows)", range=[0, 1.02])
    figure.update_yaxes(title="precision (of flagged rows)", range=[0, 1.04])
    return styled(figure, height=500)
