"""Two studies on the same folds: the fold-paired difference of their best trials, with its interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from tuner.report.style import BLACK, BLUE, GREY, VERMILION, styled
from tuner.results.findings import Findings
from tuner.results.selection import fold_values
from tuner.training.outcome import standard_error

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PairInfo:
    """The best trial of one study minus that of another, fold by fold.

    Attributes:
        metric: of both.
        one, other: their names; differences are `one` - `other`.
        differences: of each fold that has both values, mean over each trial's runs, (k,).
        mean: of these.
        half: half the interval's width; NaN with fewer than two folds.
    """

    metric: str
    one: str
    other: str
    differences: tuple[float, ...]
    mean: float
    half: float

    @property
    def verdict(self) -> str:
        """What the interval says, in words."""
        better = self.one if (self.mean < 0) == (self.metric == "loss") else self.other
        if math.isnan(self.half) or abs(self.mean) <= self.half:
            return "not told apart: the interval holds 0"
        return f"{better} is better: the interval does not hold 0"


def unpaired(one: Findings, other: Findings) -> str:
    """Why two studies cannot be compared fold by fold; empty if they can."""
    for what, same in (
        ("metrics", one.spec.study.metric == other.spec.study.metric),
        ("data", one.facts.digest == other.facts.digest),
        ("targets", one.facts.targets == other.facts.targets),
        ("tasks (windows or horizons)", one.spec.task == other.spec.task),
        ("folds", one.spec.cv == other.spec.cv and one.facts.folds == other.facts.folds),
    ):
        if not same:
            return f"their {what} differ"
    empty = [findings.spec.study.name for findings in (one, other) if findings.summary.best is None]
    return f"no trial of {empty[0]} has completed" if empty else ""


def pair_info(one: Findings, other: Findings) -> PairInfo:
    """The difference of two studies for which `unpaired` has no objection.

    The interval is t with k - 1 degrees of freedom times the corrected resampled standard error (Nadeau & Bengio,
    Machine Learning 52, 2003), which allows for training sets that overlap; for k-fold a heuristic. That both trials
    are the best of their studies, hence optimistic, it does not allow for.
    """
    from scipy.stats import t

    values = []
    for findings in (one, other):
        best = findings.summary.best
        assert best is not None  # noqa: S101 (unpaired)
        values.append(fold_values(best.trial, repeats=best.repeat_mean is not None))
    differences = values[0] - values[1]
    differences = differences[~np.isnan(differences)]
    error = standard_error(differences.tolist(), one.facts.test_to_train)
    quantile = float(t.ppf((1 + CONFIDENCE) / 2, max(len(differences) - 1, 1)))
    return PairInfo(
        metric=one.spec.study.metric,
        one=one.spec.study.name,
        other=other.spec.study.name,
        differences=tuple(differences.tolist()),
        mean=float(differences.mean()),
        half=quantile * error,
    )


def pairs_figure(pairs: Sequence[PairInfo]) -> go.Figure:
    """A row a pair of studies of one metric: each fold's difference, their mean and its interval."""
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
            "array": [0.0 if math.isnan(pair.half) else pair.half for pair in pairs],
            "color": VERMILION,
            "thickness": 2,
        },
        text=[pair.verdict for pair in pairs],
        name=f"mean with its {CONFIDENCE:.0%} interval",
        hovertemplate="mean %{x:.4f}: %{text}<extra></extra>",
    )
    figure.add_vline(0, line={"color": GREY, "width": 1, "dash": "dash"})
    side = "left of 0, the first is better" if pairs[0].metric == "loss" else "right of 0, the first is better"
    figure.update_xaxes(title=f"difference on the same folds<br>({side})")
    figure.update_yaxes(type="category", autorange="reversed")
    return styled(figure, height=190 + 40 * len(pairs))
