"""Studies without data or training for the figures, and what a figure shows."""

import numpy as np
import plotly.graph_objects as go

from tests.search.making import make_findings, make_outcome, make_spec
from tuner.search.study import Findings

RISING = make_spec(study={"metric": "f1"})
MIXED = make_findings(
    make_outcome([9.0], "pruned"),
    make_outcome([3.0, 2.0]),
    make_outcome([8.0, 7.0], "failed"),
    make_outcome([1.5], "pruned"),
    make_outcome([4.0, 1.0, 5.0]),
    make_outcome([2.5]),
)


def many(count: int, spec=None) -> Findings:
    """A study of so many trials, every third one pruned."""
    rng = np.random.default_rng(0)
    outcomes = [
        make_outcome(
            sorted(rng.uniform(0, 1, size=3 if number % 3 == 1 else 6)),
            "pruned" if number % 3 == 1 else "complete",
            maximise=spec is not None,
        )
        for number in range(count)
    ]
    return make_findings(*outcomes, spec=spec)


def trace(figure: go.Figure, name: str) -> go.Scatter:
    (found,) = [trace for trace in figure.data if trace.name and trace.name.startswith(name)]
    return found


def axis_range(figure: go.Figure) -> tuple[float, float]:
    low, high = figure.layout.yaxis.range
    return low, high
