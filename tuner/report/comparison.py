"""Several studies on one page: how fast each found what, fold by fold, and with which parameters."""

import math
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from tuner.report.frame import trial_frame
from tuner.report.page import Plot, render
from tuner.report.style import (
    BLACK,
    BLUE,
    DASHES,
    GREY,
    SERIES,
    SYMBOLS,
    VERMILION,
    metric_axis,
    styled,
    visible_range,
)
from tuner.report.tables import comparison_table, side_by_side_table
from tuner.results.findings import Findings
from tuner.results.fold_pairs import CONFIDENCE, FoldDifference, by_metric, compare_folds, remarks, unpaired
from tuner.spec.metric import Metric, find_metric
from tuner.spec.space import Constant, Range, ends


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
    if any(findings.summary.best is not None for findings in studies):
        plots.append(
            Plot(
                "parameters",
                "Best configurations side by side",
                "Where the best value of each study lies between the least and the greatest that any of them could "
                "take (logarithmic where the search was).",
                (parameters_figure(studies),),
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


def parameter_frame(studies: Sequence[Findings]) -> pd.DataFrame:
    """The best configurations of studies of any metric: a row per study and parameter.

    Parameters are those that any of the studies searched, or that differ between them.

    Columns:
        study: number of the study, from 0.
        parameter: its name.
        value: of the parameter; None if nothing has completed.
        place: between the least (0) and the greatest (1) that any of the studies could take; NaN for words and None.
    """
    rows = []
    for name in studies[0].spec.space:
        domains = [findings.spec.space[name] for findings in studies]
        if isinstance(domains[0], Constant) and all(domain == domains[0] for domain in domains):
            continue
        numbers = [float(end) for domain in domains for end in ends(domain) if not isinstance(end, str)]
        log = any(isinstance(domain, Range) and domain.log for domain in domains) and min(numbers) > 0
        for number, findings in enumerate(studies):
            best, place = findings.summary.best, math.nan
            value = None if best is None else best.trial.params[name]
            if value is not None and not isinstance(value, str):
                low, high, at = (math.log(x) if log else x for x in (min(numbers), max(numbers), float(value)))
                place = (at - low) / (high - low) if high > low else 0.5
            rows.append((number, name, value, place))
    return pd.DataFrame(rows, columns=["study", "parameter", "value", "place"]).astype({"value": object})


def parameters_figure(studies: Sequence[Findings]) -> go.Figure:
    """A row per parameter, a symbol per study."""
    frame = parameter_frame(studies)
    figure = go.Figure()
    for number, findings in enumerate(studies):
        shown = frame[(frame.study == number) & frame.place.notna()]
        figure.add_scatter(
            x=shown.place,
            y=shown.parameter,
            mode="markers",
            marker={
                "color": SERIES[number % len(SERIES)],
                "symbol": SYMBOLS[number % len(SYMBOLS)],
                "size": 13,
                "opacity": 0.85,
                "line": {"color": BLACK, "width": 1},
            },
            text=[f"{value:.4g}" if isinstance(value, float) else str(value) for value in shown.value],
            name=findings.spec.study.name,
            hovertemplate="%{y}: %{text}",
        )
    names = frame.parameter.unique()
    figure.update_xaxes(
        title="place in the searched range", range=[-0.04, 1.04], tickvals=[0, 1], ticktext=["min", "max"]
    )
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=names[::-1], showgrid=True)
    return styled(figure, height=150 + 30 * len(names))
