"""Pages that need no network: templates with everything from files escaped, plotly.js and the figures inside."""

from collections.abc import Sequence

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from tuner.report.figures import Plot


def render(template: str, plots: Sequence[Plot], **values: object) -> str:
    """A template with its figures; all other values are escaped where they are shown."""
    environment = Environment(
        loader=PackageLoader("tuner.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["json"] = _json
    plotly = Markup(get_plotlyjs()) if plots else ""  # noqa: S704 (a script of plotly's)
    return environment.get_template(template).render(plots=plots, plotly=plotly, **values)


def _json(figure: go.Figure) -> Markup:
    """A figure for a script element, which no text in it can end: plotly writes < and / as \\u003c and \\u002f."""
    return Markup(figure.to_json())  # noqa: S704
