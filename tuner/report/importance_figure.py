"""Parameter importance: which parameters the score depended on."""

from collections.abc import Mapping
from dataclasses import dataclass

import plotly.graph_objects as go

from tuner.report.style import BLUE, styled
from tuner.results.findings import Findings
from tuner.search.importance import importances


@dataclass(frozen=True)
class ImportanceInfo:
    """Each searched parameter's share of what explains the score of the complete trials; shares add up to 1."""

    shares: Mapping[str, float]


def importance_info(findings: Findings) -> ImportanceInfo:
    """The shares, greatest first; none where too few trials can tell."""
    return ImportanceInfo(importances(findings.spec, findings.trials))


def importance_figure(info: ImportanceInfo) -> go.Figure:
    """The shares as bars, the greatest at the top."""
    names, shares = list(info.shares), list(info.shares.values())
    figure = go.Figure()
    figure.add_bar(
        x=shares,
        y=names,
        orientation="h",
        marker={"color": BLUE},
        text=[f"{share:.0%}" for share in shares],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )
    # room for the number behind the longest bar
    most = max(shares, default=0.0) * 1.15 or 1.0
    figure.update_xaxes(title="share of the explained variation", tickformat=".0%", range=[0, most])
    figure.update_yaxes(autorange="reversed")
    return styled(figure, height=120 + 30 * len(names))
