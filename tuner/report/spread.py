"""Fold spread: how the best trials did on each fold, and how they did when trained again."""

import math
from dataclasses import dataclass

import plotly.graph_objects as go

from tuner.report.style import BLACK, BLUE, GREY, METRIC_AXES, VERMILION, styled
from tuner.results.findings import Findings
from tuner.results.selection import Trial, fold_values

MOST_TRIALS = 10
REFERENCES = {0: "unregularised", 1: "default"}


@dataclass(frozen=True)
class SpreadInfo:
    """The best complete trials, best mean first.

    Attributes:
        labels: what each is called, (n,).
        folds: the metric of each fold, mean over the trial's runs, (n, k); NaN for a fold that has none.
        means: over folds and runs, (n,).
        repeats: the mean over folds of each run after the first, where it was trained again, (n, any number).
        best: the label of the trial that was chosen.
    """

    metric: str
    labels: tuple[str, ...]
    folds: tuple[tuple[float, ...], ...]
    means: tuple[float, ...]
    repeats: tuple[tuple[float, ...], ...]
    best: str


def spread_info(findings: Findings) -> SpreadInfo:
    """The best MOST_TRIALS trials; there must be a best one."""
    best = findings.summary.best
    if best is None:
        raise ValueError("no trial has completed")
    complete = [trial for trial in findings.trials if trial.outcome.state == "complete"]
    values = {trial.number: _fold_means(trial) for trial in complete}
    means = {number: _mean(folds) for number, folds in values.items()}
    sign = -1 if findings.spec.maximise else 1
    ranked = sorted(complete, key=lambda trial: sign * means[trial.number])
    shown = ranked[:MOST_TRIALS]
    return SpreadInfo(
        metric=findings.spec.study.metric,
        labels=tuple(_label(trial) for trial in shown),
        folds=tuple(values[trial.number] for trial in shown),
        means=tuple(means[trial.number] for trial in shown),
        repeats=tuple(
            tuple(outcome.value for outcome in trial.repeats if outcome.value is not None) for trial in shown
        ),
        best=_label(best.trial),
    )


def _fold_means(trial: Trial) -> tuple[float, ...]:
    settled = all(outcome.state == "complete" for outcome in trial.repeats)
    return tuple(map(float, fold_values(trial, repeats=settled)))


def _mean(values: tuple[float, ...]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known)


def _label(trial: Trial) -> str:
    return f"{trial.number} ({REFERENCES[trial.number]})" if trial.number in REFERENCES else str(trial.number)


def spread_figure(info: SpreadInfo) -> go.Figure:
    """The fold spread as a Figure: a thin line joins what is one fold."""
    figure = go.Figure()
    x: list[str | None] = []
    y: list[float | None] = []
    fold_of: list[int] = []
    for fold in range(len(info.folds[0])):
        values = [trial[fold] for trial in info.folds]
        x += [*info.labels, None]
        y += [*(None if math.isnan(value) else value for value in values), None]
        fold_of += [fold + 1] * (len(values) + 1)
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines+markers",
        line={"color": GREY, "width": 0.7},
        marker={"color": BLUE, "size": 7, "opacity": 0.7},
        customdata=fold_of,
        connectgaps=False,
        name="one fold (a thin line joins the same fold)",
        hovertemplate="trial %{x}, fold %{customdata}: %{y:.4f}<extra></extra>",
    )
    again = [(label, value) for label, runs in zip(info.labels, info.repeats, strict=True) for value in runs]
    if again:
        figure.add_scatter(
            x=[label for label, _ in again],
            y=[value for _, value in again],
            mode="markers",
            marker={"color": BLACK, "size": 9, "symbol": "diamond-open"},
            name="mean when trained again",
            hovertemplate="trial %{x}, trained again: %{y:.4f}<extra></extra>",
        )
    figure.add_scatter(
        x=info.labels,
        y=info.means,
        mode="markers",
        marker={
            "color": [VERMILION if label == info.best else BLACK for label in info.labels],
            "size": [16 if label == info.best else 14 for label in info.labels],
            "symbol": ["star" if label == info.best else "line-ew-open" for label in info.labels],
            "opacity": 1,
            "line": {"width": [1 if label == info.best else 3 for label in info.labels], "color": BLACK},
        },
        name="mean of all folds and runs (star: chosen)",
        hovertemplate="trial %{x}: mean %{y:.4f}<extra></extra>",
    )
    # as words: plotly would take numbers for places on an axis
    figure.update_xaxes(title="trial, best mean first", type="category")
    figure.update_yaxes(title=METRIC_AXES[info.metric])
    return styled(figure)
