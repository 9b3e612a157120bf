"""One look for all figures: colours, axes, type, and the range that shows the bulk of the values."""

import html
import math
from collections.abc import Collection

import numpy as np
import plotly.graph_objects as go

from tuner.spec.metric import Metric
from tuner.spec.space import Value

# Okabe & Ito's palette, which the colour-blind can tell apart and which survives a grey printer.
BLUE, VERMILION, GREY, GREEN, BLACK = "#0072B2", "#D55E00", "#8C8C8C", "#009E73", "#000000"
ORANGE, PURPLE, SKY, LIGHT_GREY = "#E69F00", "#CC79A7", "#56B4E9", "#C8C8C8"
VERMILION_SHADE, GREEN_SHADE = "rgba(213, 94, 0, 0.15)", "rgba(0, 158, 115, 0.25)"
# For as many things of a kind as a figure may compare, each with a dash and a symbol of its own for a grey printer.
SERIES = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
HEIGHT = 440
INK = "#222"
_AXIS = {
    "automargin": True,
    "showgrid": False,
    "gridcolor": "#E8E8E8",
    "zeroline": False,
    "showline": True,
    "linecolor": INK,
    "ticks": "outside",
    "title": {"standoff": 8, "font": {"size": 13}},
}
# plotly's own templates are of eight kilobytes for each figure, and take most of the time that it is made in
LOOK = go.layout.Template(
    layout={
        "autotypenumbers": "strict",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": INK},
        # the page's own shows through
        "paper_bgcolor": "rgba(0, 0, 0, 0)",
        "plot_bgcolor": "rgba(0, 0, 0, 0)",
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        # at the foot of the figure, however high it is and however many lines a narrow screen makes of it
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "tracegroupgap": 0,
        },
        "margin": {"l": 10, "r": 14, "t": 30, "b": 10},
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
    }
)


def metric_title(metric: Metric) -> str:
    """The metric as the title of an axis."""
    return "validation loss" if metric.name == "loss" else metric.words


def metric_axis(metric: Metric) -> str:
    """The title of an axis that has room for which way is better."""
    return f"{metric_title(metric)}<br>({metric.direction})"


def plain(text: object) -> str:
    """Text of data or study files as plotly shows it literally: it would take a subset of HTML for markup."""
    return html.escape(str(text), quote=False)


def short_value(value: Value) -> str:
    """A parameter's value, to two digits."""
    return f"{value:.2g}" if isinstance(value, float) else plain(value)


def visible_range(values: Collection[float]) -> tuple[float, float]:
    """A range that shows the bulk of the values: outliers beyond three interquartile ranges do not set the scale."""
    low, lower, upper, high = np.percentile(list(values), [0, 25, 75, 100])
    spread = upper - lower if upper > lower else max(abs(upper), 1e-9) * 0.1
    low, high = max(low, lower - 3 * spread), min(high, upper + 3 * spread)
    margin = 0.06 * (high - low) if high > low else spread
    return float(low - margin), float(high + margin)


def log_axis(values: Collection[float]) -> dict[str, object]:
    """A logarithmic axis for positive values: decades, and what lies between them where there are few."""
    low, high = math.log10(min(values)), math.log10(max(values))
    # more than six would not fit beside each other in a small panel
    decades = range(math.floor(low), math.ceil(high) + 1, math.ceil((high - low) / 6) or 1)
    steps = (1, 2, 3, 5, 7) if high - low < 0.7 else (1, 2, 5) if high - low < 1.8 else (1,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks], "tickangle": 0}


def styled(figure: go.Figure, *, height: int = HEIGHT) -> go.Figure:
    """Gives a figure the common look; its title is the page's business, which the mode bar would cover here."""
    figure.update_layout(template=LOOK, height=height)
    return figure
