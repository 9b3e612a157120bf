"""The regularisation path of one parameter, drawn as `plot.cv.glmnet` does (Friedman, Hastie & Tibshirani 2010)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tuner.report.style import BLACK, GREEN, HEIGHT, METRIC_AXES, PURPLE, VERMILION, log_axis, styled
from tuner.results.findings import Findings
from tuner.results.regularisation_path import Path, Point, effect, is_log, mean, path_domain
from tuner.training.outcome import standard_error

# Numbers that the top axis has room for on a narrow screen.
MOST_EFFECTS = 7


@dataclass(frozen=True)
class PathInfo:
    """Cross-validated score and losses by the strength of one regulariser, all else equal; the points in any order.

    Attributes:
        metric: the study's.
        parameter: the one that varies.
        log: whether its axis is logarithmic; then all of `values` are positive.
        values: of the parameter, (n,).
        mean: the out-of-fold metric, mean over folds, (n,).
        se: its standard error, (n,); NaN where it is not known.
        train_loss: mean over folds at the best epoch, in evaluation mode, (n,).
        valid_loss: likewise; under the metric `loss` the same as `mean`.
        effect: what the top axis says of each point, e.g. "share of exact zeros".
        effects: its values, (n,).
        best: the value of the parameter with the best mean.
        one_se: the strongest whose mean is within one standard error of that.
    """

    metric: str
    parameter: str
    log: bool
    values: tuple[float, ...]
    mean: tuple[float, ...]
    se: tuple[float, ...]
    train_loss: tuple[float, ...]
    valid_loss: tuple[float, ...]
    effect: str
    effects: tuple[float, ...]
    best: float
    one_se: float


def path_info(findings: Findings, path: Path) -> PathInfo | None:
    """The complete points of a path; None if there are none, or if their values are words.

    On a logarithmic axis a parameter that the study fixes at 0 has no place: it is drawn left of the least, and said.
    """
    values = [point.value for point in path.complete]
    numbers = [value for value in values if not isinstance(value, str)]
    if path.best is None or path.one_se is None or len(numbers) < len(values):
        return None
    log = is_log(path_domain(findings.spec, path.parameter)) and max(numbers) > 0
    lost = log and min(numbers) <= 0
    floor = min(value for value in numbers if value > 0) / 2 if lost else 0.0

    def place(point: Point) -> float:
        return max(float(point.value), floor)

    outcomes = [point.outcome for point in path.complete]
    return PathInfo(
        metric=findings.spec.study.metric,
        parameter=f"{path.parameter} (0 drawn at {floor:.2g})" if lost else path.parameter,
        log=log,
        values=tuple(place(point) for point in path.complete),
        mean=tuple(mean(point) for point in path.complete),
        se=tuple(standard_error(outcome.at_best("metric"), findings.facts.test_to_train) for outcome in outcomes),
        train_loss=tuple(outcome.train_loss for outcome in outcomes),
        valid_loss=tuple(outcome.valid_loss for outcome in outcomes),
        effect=effect(path.parameter, outcomes[0])[0],
        effects=tuple(effect(path.parameter, outcome)[1] for outcome in outcomes),
        best=place(path.best),
        one_se=place(path.one_se),
    )


def path_figure(info: PathInfo) -> go.Figure:
    """The path as a Figure; a second panel shows the losses where the metric is another."""
    by_loss = info.metric == "loss"
    rows = 1 if by_loss else 2
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    order = sorted(range(len(info.values)), key=lambda point: info.values[point])
    values, mean, se, train, valid, effects = (
        [column[point] for point in order]
        for column in (info.values, info.mean, info.se, info.train_loss, info.valid_loss, info.effects)
    )
    figure.add_scatter(
        x=values,
        y=mean,
        error_y={"type": "data", "array": [0.0 if error != error else error for error in se], "color": VERMILION},
        mode="lines+markers",
        marker={"color": VERMILION, "size": 8},
        line={"color": VERMILION, "width": 1.5},
        customdata=effects,
        name="validation ± standard error",
        hovertemplate=f"{info.parameter} %{{x:.4g}}: %{{y:.4f}}<br>{info.effect} %{{customdata:.3g}}<extra></extra>",
        row=1,
        col=1,
    )
    if not by_loss:
        _losses(figure, values, valid, "validation loss", VERMILION, "dot", row=rows)
    _losses(figure, values, train, "training loss", GREEN, "dash", row=rows)
    for name, value, colour, dash in (
        (f"best: {info.best:.3g}", info.best, BLACK, "dash"),
        (f"within one standard error: {info.one_se:.3g}", info.one_se, PURPLE, "dashdot"),
    ):
        figure.add_vline(value, line={"dash": dash, "color": colour, "width": 1.5})
        # a shape has no place in the legend: an empty line stands there for it
        figure.add_scatter(x=[None], y=[None], mode="lines", line={"dash": dash, "color": colour}, name=name)
    scale = log10 if info.log else float
    low, high = scale(values[0]), scale(values[-1])
    margin = 0.04 * (high - low) or 0.5
    ends = [low - margin, high + margin]
    figure.update_xaxes({**(log_axis(values) if info.log else {}), "range": ends})
    figure.update_xaxes(title=f"{info.parameter}, log scale" if info.log else info.parameter, row=rows, col=1)
    figure.update_yaxes(title=METRIC_AXES[info.metric], row=1, col=1)
    if not by_loss:
        figure.update_yaxes(title="loss", row=rows, col=1)
    _top_axis(figure, info, [(values[point], effects[point]) for point in _spread(len(values))])
    return styled(figure, height=HEIGHT + 20 if by_loss else HEIGHT + 220)


def _losses(
    figure: go.Figure, x: Sequence[float], y: Sequence[float], name: str, colour: str, dash: str, *, row: int
) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines+markers",
        marker={"color": colour, "size": 6, "symbol": "diamond"},
        line={"color": colour, "width": 1.5, "dash": dash},
        name=name,
        hovertemplate="%{x:.4g}: %{y:.4f}",
        row=row,
        col=1,
    )


def _top_axis(figure: go.Figure, info: PathInfo, shown: Sequence[tuple[float, float]]) -> None:
    """A second axis over the first panel, with what the strength does at some of its points."""
    figure.update_layout(
        xaxis9={
            "overlaying": "x",
            "matches": "x",
            "side": "top",
            "type": "log" if info.log else "linear",
            "title": info.effect,
            "tickvals": [value for value, _ in shown],
            "ticktext": [f"{effect:,.0f}" if effect >= 100 else f"{effect:.2g}" for _, effect in shown],
            "tickangle": 0,
        }
    )
    # an axis without a trace is not drawn
    figure.add_scatter(x=[None], y=[None], xaxis="x9", yaxis="y", showlegend=False, hoverinfo="skip")


def _spread(count: int) -> list[int]:
    """At most MOST_EFFECTS of so many points, evenly spread, both ends among them."""
    if count <= MOST_EFFECTS:
        return list(range(count))
    return [round(step * (count - 1) / (MOST_EFFECTS - 1)) for step in range(MOST_EFFECTS)]
