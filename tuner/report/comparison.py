"""Several studies on one page: how fast each found what, and the best of each fold by fold."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from tuner.report.frame import trial_frame
from tuner.report.page import Plot, render
from tuner.report.style import (
    BLACK,
    BLUE,
    DASHES,
    GREY,
    SERIES,
    VERMILION,
    metric_axis,
    styled,
    visible_range,
)
from tuner.report.tables import comparison_table, side_by_side_table
from tuner.results.findings import Findings
from tuner.results.fold_pairs import CONFIDENCE, FoldDifference, by_metric, compare_folds, remarks, unpaired
from tuner.spec.metric import Metric, find_metric


def comparison_page(studies: Sequence[Findings]) -> str:
    """The page of at least two studies; the first one is what the others are measured against."""
    return render(
        "comparison.html",
        comparison_plots(studies),
        names=[findings.spec.study.name for findings in studies],
        remarks=remarks(studies),
        studies=comparison_table(studies),
        parameters=side_by_side_table(studies),
    )


def comparison_plots(studies: Sequence[Findings]) -> list[Plot]:
    """Every figure that the studies have data for."""
    plots = []
    groups = by_metric(studies)
    for metric, group in groups.items():
        if any(findings.summary.complete for findings in group):
            of = f": {find_metric(metric).words}" if len(groups) > 1 else ""
            plots.append(
                Plot(
                    f"race-{metric}",
                    f"Best so far by effort{of}",
                    "The best value found after so many epochs of training, summed over folds and trials: the same "
                    "work on any machine. These are single runs, not the means that the best trial was chosen by.",
                    (race_figure(group),),
                )
            )
    first, *others = studies
    if pairs := [compare_folds(other, first) for other in others if not unpaired(other, first)]:
        plots.append(
            Plot(
                "pairs",
                "Fold by fold",
                "The difference of the best trials on each of the same folds (relative for a loss), and its mean with "
                "a 95 % interval. Where the interval includes 0, there is no clear difference. Folds share training "
                "rows, so take it as a guide.",
                (pairs_figure(first.spec.metric, pairs),),
            )
        )
    return plots


def race_figure(studies: Sequence[Findings]) -> go.Figure:
    """The best complete value so far of studies of one metric, by the fold-epochs of all trials until then.

    Repeats are no part of the race.
    """
    figure = go.Figure()
    seen: list[float] = []
    for number, findings in enumerate(studies):
        trials = trial_frame(findings)
        trials["effort"] = trials.fold_epochs.cumsum()
        line = trials[trials.incumbent.notna()]
        figure.add_scatter(
            x=line.effort,
            y=line.incumbent,
            mode="lines",
            line={
                "shape": "hv",
                "color": SERIES[number % len(SERIES)],
                "dash": DASHES[number % len(DASHES)],
                "width": 2.5,
            },
            name=findings.spec.study.name,
            hovertemplate="%{x} fold-epochs: %{y:.4f}",
        )
        # each by itself: a long line's many points would make outliers of a short one's
        seen += visible_range(line.incumbent) if len(line) else ()
    figure.update_xaxes(title="fold-epochs trained", rangemode="tozero")
    title = f"best so far: {metric_axis(studies[0].spec.metric)}"
    figure.update_yaxes(title=title, range=(min(seen), max(seen)) if seen else None)
    return styled(figure)


def pairs_figure(metric: Metric, pairs: Sequence[FoldDifference]) -> go.Figure:
    """A row per pair of studies: each fold's difference, their mean and its interval."""
    rows = [f"{pair.one}<br>minus {pair.other}" for pair in pairs]
    figure = go.Figure()
    figure.add_scatter(
        x=[value for pair in pairs for value in pair.differences],
        y=[row for row, pair in zip(rows, pairs, strict=True) for _ in pair.differences],
        mode="markers",
        marker={"color": BLUE, "size": 8, "opacity": 0.6},
        text=[f"fold {fold}" for pair in pairs for fold in range(1, len(pair.differences) + 1)],
        name="one fold",
        hovertemplate="%{text}: %{x:.4f}<extra></extra>",
    )
    figure.add_scatter(
        x=[pair.mean for pair in pairs],
        y=rows,
        mode="markers",
        marker={"color": VERMILION, "symbol": "diamond", "size": 12, "line": {"color": BLACK, "width": 1}},
        error_x={
            "type": "data",
            "array": [0.0 if math.isnan(high) else high - pair.mean for pair in pairs for _, high in [pair.interval]],
            "arrayminus": [0.0 if math.isnan(low) else pair.mean - low for pair in pairs for low, _ in [pair.interval]],
            "color": VERMILION,
            "thickness": 2,
        },
        text=[pair.verdict for pair in pairs],
        name=f"mean with its {CONFIDENCE:.0%} interval",
        hovertemplate="mean %{x:.4f}: %{text}<extra></extra>",
    )
    figure.add_vline(0, line={"color": GREY, "width": 1, "dash": "dash"})
    side = "right" if metric.maximise else "left"
    figure.update_xaxes(
        title=f"difference on the same folds<br>({side} of 0, the first is better)",
        tickformat=None if metric.maximise else "+.0%",
    )
    figure.update_yaxes(type="category", autorange="reversed")
    return styled(figure, height=190 + 40 * len(pairs))
