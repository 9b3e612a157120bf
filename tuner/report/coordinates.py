"""All parameters and the score of every trial side by side: parallel coordinates (Inselberg 1985)."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tuner.data.series import Floats
from tuner.report.style import BLUE, GREY, HEIGHT, INK, VERMILION, metric_title, plain, short_value, styled
from tuner.results.findings import Findings
from tuner.spec.space import Choices, Constant, Domain, Range, Value, ends

# The share of the complete trials that stands out.
BEST = 0.1


def parallel_figure(findings: Findings, trials: pd.DataFrame) -> go.Figure | None:
    """A line per trial over an axis per searched parameter and one for the score; None with fewer than two of each.

    Axes reach from the lowest value of the domain to its highest one, on its own scale; that of the score, which is the
    last, from the worst complete trial to the best.
    """
    domains = {name: domain for name, domain in findings.spec.space.items() if not isinstance(domain, Constant)}
    complete = trials[trials.state == "complete"]
    if len(domains) < 2 or len(complete) < 2 or complete.value.nunique() < 2:
        return None
    metric = findings.spec.metric
    ordered = complete.sort_values("value", ascending=not metric.maximise)
    best, worst = ordered.value.iloc[0], ordered.value.iloc[-1]
    heights = np.column_stack(
        [
            *(_heights(domain, complete[name].tolist()) for name, domain in domains.items()),
            (complete.value - worst) / (best - worst),
        ]
    )
    count = max(1, round(BEST * len(complete)))
    top = complete.index.isin(ordered.index[:count])
    figure = go.Figure()
    for name, mask, colour, width in (
        ("other complete trials", ~top, BLUE if len(complete) < 20 else GREY, 0.8),
        (f"the best {count}", top, VERMILION, 2.5),
    ):
        numbers = complete.index[mask]
        gap = np.full((len(numbers), 1), np.nan)
        figure.add_scatter(
            x=[*range(heights.shape[1]), None] * len(numbers),
            y=np.hstack([heights[mask], gap]).ravel(),
            ids=[f"trial {number}" for number in numbers for _ in range(heights.shape[1] + 1)],
            text=[
                text and f"trial {number}: {text}"
                for number, *row in complete[mask].itertuples(name=None)
                for text in (*_texts(dict(zip(complete.columns, row, strict=True)), domains), "")
            ],
            mode="lines+markers",
            connectgaps=False,
            line={"color": colour, "width": width},
            marker={"color": colour, "size": 4},
            opacity=1.0 if colour == VERMILION else 0.6,
            name=name,
            hovertemplate="%{text}<extra></extra>",
        )
    labels = [(short_value(ends(domain)[0]), short_value(ends(domain)[-1])) for domain in domains.values()]
    for place, (low, high) in enumerate([*labels, (f"{worst:z.4f}", f"{best:z.4f}")]):
        figure.add_vline(place, line={"color": INK, "width": 1})
        for y, text, anchor in ((0, low, "top"), (1, high, "bottom")):
            figure.add_annotation(x=place, y=y, text=plain(text), yanchor=anchor, showarrow=False, font={"size": 11})
    names = [*domains, f"<b>{metric_title(metric)}</b>"]
    figure.update_xaxes(tickvals=list(range(len(names))), ticktext=names, tickangle=30, showline=False, ticks="")
    figure.update_xaxes(range=[-0.4, len(names) - 0.4])
    figure.update_yaxes(visible=False, range=[-0.12, 1.12])
    # room for the last name, which is not level
    return styled(figure, height=HEIGHT).update_layout(margin={"r": 90})


def _heights(domain: Domain, values: list[Value]) -> Floats:
    """The places of values on their axis, from 0 to 1."""
    levels = ends(domain)
    if isinstance(domain, Choices):
        return np.array([levels.index(value) for value in values]) / max(len(levels) - 1, 1)
    scale = np.log if isinstance(domain, Range) and domain.log else np.asarray
    low, high = scale(np.array(levels, float))
    heights: Floats = (scale(np.array(values, float)) - low) / (high - low)
    return heights


def _texts(trial: Mapping[str, Any], domains: Iterable[str]) -> list[str]:
    return [*(f"{name} {short_value(trial[name])}" for name in domains), f"{trial['value']:z.4f}"]
