"""Study against study: how fast each found what, and with which parameters."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import plotly.graph_objects as go

from tuner.report.style import BLACK, DASHES, METRIC_AXES, SERIES, SYMBOLS, styled, visible_range
from tuner.results.findings import Findings
from tuner.spec.space import Constant, Range, Value, ends


@dataclass(frozen=True)
class RaceInfo:
    """The best complete value so far of several studies of one metric, by the fold-epochs of all trials until then.

    Attributes:
        metric: of all of them.
        lines: study, fold-epochs, best so far; from the first complete trial on.
    """

    metric: str
    lines: tuple[tuple[str, tuple[int, ...], tuple[float, ...]], ...]


def race_info(studies: Sequence[Findings]) -> RaceInfo:
    """The lines of studies of the same metric, in their order; repeats are no part of the race."""
    lines = []
    for findings in studies:
        spent = accumulate(trial.outcome.fold_epochs for trial in findings.trials)
        better = max if findings.spec.maximise else min
        best: float | None = None
        points = []
        for trial, epochs in zip(findings.trials, spent, strict=True):
            value = trial.outcome.value
            if value is not None and trial.outcome.state == "complete":
                best = value if best is None else better(best, value)
            if best is not None:
                points.append((epochs, best))
        lines.append((findings.spec.study.name, tuple(x for x, _ in points), tuple(y for _, y in points)))
    return RaceInfo(studies[0].spec.study.metric, tuple(lines))


def race_figure(info: RaceInfo) -> go.Figure:
    """The race as a Figure."""
    figure = go.Figure()
    for number, (name, epochs, values) in enumerate(info.lines):
        figure.add_scatter(
            x=epochs,
            y=values,
            mode="lines",
            line={
                "shape": "hv",
                "color": SERIES[number % len(SERIES)],
                "dash": DASHES[number % len(DASHES)],
                "width": 2.5,
            },
            name=name,
            hovertemplate="%{x} fold-epochs: %{y:.4f}",
        )
    # each by itself: a long line's many points would make outliers of a short one's
    shown = [end for *_, line in info.lines if line for end in visible_range(line)]
    figure.update_xaxes(title="fold-epochs trained", rangemode="tozero")
    figure.update_yaxes(
        title=f"best so far: {METRIC_AXES[info.metric]}", range=(min(shown), max(shown)) if shown else None
    )
    return styled(figure)


@dataclass(frozen=True)
class ParametersInfo:
    """The best configurations of several studies, side by side.

    Attributes:
        names: of the parameters that any of the studies searched, or that differ between them, (p,).
        studies: name, and of each parameter the value, (p,), and its place in the widest of the searched ranges as a
            share from 0 (least) to 1; the place is None where a value has none (words), or nothing has completed.
    """

    names: tuple[str, ...]
    studies: tuple[tuple[str, tuple[Value | None, ...], tuple[float | None, ...]], ...]


def parameters_info(studies: Sequence[Findings]) -> ParametersInfo:
    """The best configuration of each study, of any metric."""
    spaces = [findings.spec.space for findings in studies]
    same = {name for name, domain in spaces[0].items() if all(space[name] == domain for space in spaces)}
    names = [name for name, domain in spaces[0].items() if name not in same or not isinstance(domain, Constant)]
    chosen = []
    for findings in studies:
        best = findings.summary.best
        values = tuple(None if best is None else best.trial.params[name] for name in names)
        places = tuple(_place(studies, name, value) for name, value in zip(names, values, strict=True))
        chosen.append((findings.spec.study.name, values, places))
    return ParametersInfo(tuple(names), tuple(chosen))


def _place(studies: Sequence[Findings], name: str, value: Value | None) -> float | None:
    """Where a value lies between the least and the greatest that any of the studies could have taken."""
    if value is None or isinstance(value, str):
        return None
    domains = [findings.spec.space[name] for findings in studies]
    numbers = [float(end) for domain in domains for end in ends(domain) if not isinstance(end, str)]
    log = any(isinstance(domain, Range) and domain.log for domain in domains) and min(numbers) > 0
    low, high, at = (math.log(x) if log else x for x in (min(numbers), max(numbers), float(value)))
    return (at - low) / (high - low) if high > low else 0.5


def parameters_figure(info: ParametersInfo) -> go.Figure:
    """A row a parameter, a symbol a study."""
    figure = go.Figure()
    for number, (study, values, places) in enumerate(info.studies):
        shown = [
            (place, name, value)
            for place, name, value in zip(places, info.names, values, strict=True)
            if place is not None
        ]
        figure.add_scatter(
            x=[place for place, *_ in shown],
            y=[name for _, name, _ in shown],
            mode="markers",
            marker={
                "color": SERIES[number % len(SERIES)],
                "symbol": SYMBOLS[number % len(SYMBOLS)],
                "size": 13,
                "opacity": 0.85,
                "line": {"color": BLACK, "width": 1},
            },
            text=[f"{value:.4g}" if isinstance(value, float) else str(value) for *_, value in shown],
            name=study,
            hovertemplate="%{y}: %{text}",
        )
    figure.update_xaxes(
        title="place in the searched range", range=[-0.04, 1.04], tickvals=[0, 1], ticktext=["least", "most"]
    )
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=info.names[::-1], showgrid=True)
    return styled(figure, height=150 + 30 * len(info.names))
