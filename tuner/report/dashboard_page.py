"""Additions to optuna-dashboard's view of a study: the figures, and the verdict as a note in Markdown."""

import re

import plotly.graph_objects as go

from tuner.report.live_pages import LivePage
from tuner.report.page import study_plots
from tuner.results.advice import advise_after
from tuner.results.captions import explain_trust
from tuner.results.findings import Findings
from tuner.results.verdict import judge
from tuner.search.effects import find_effects

# More cards would bury Optuna's own.
MOST_CARDS = 4
# Pixels that optuna-dashboard has for a figure: what is higher it cuts.
CARD = 450


def draw_live(findings: Findings) -> LivePage:
    """Draws the report's first figures for the dashboard, where each is a card with a title of its own."""
    figures: dict[str, go.Figure] = {}
    for plot in study_plots(findings, find_effects(findings.spec, findings.trials)):
        for number, figure in enumerate(plot.figures[: MOST_CARDS - len(figures)], 1):
            name = f"tuner-{plot.key}" if len(plot.figures) == 1 else f"tuner-{plot.key}-{number}"
            # above an axis at the top, if it has one
            top = 95 if any(axis.side == "top" for axis in figure.select_xaxes()) else 60
            title = {"text": plot.title, "yref": "container", "y": 0.97, "yanchor": "top"}
            figures[name] = figure.update_layout(title=title, margin={"t": top}, height=CARD)
    return LivePage(findings.spec.metric.words, figures, note(findings))


def note(findings: Findings) -> str:
    """The result and the next step, in Markdown. All text is escaped: names come from data and study files."""
    spec, facts, summary = findings.spec, findings.facts, findings.summary
    # a command is code, which Markdown shows as it is; a name of a study holds no backtick
    said = [f"{escaped(one.said)} {f'`{one.command}`' if one.command else ''}".rstrip() for one in judge(findings)]
    parts = [f"# {escaped(spec.study.name)}", *said, *map(escaped, explain_trust(findings))]
    if summary.best is not None:
        warnings = [f"warning: {warning}" for warning in advise_after(spec, summary.best)]
        parts += map(escaped, warnings)
    counts = f"{summary.complete} complete, {summary.pruned} pruned, {summary.failed} failed"
    forecast = f"; it forecasts {', '.join(facts.targets)}" if facts.targets else ""
    parts += [
        escaped(
            f"{summary.trials} of {spec.study.trials} trials ({counts}) on {facts.rows} rows of {spec.data_paths}."
        ),
        escaped(f"The network sees {', '.join(facts.features)}{forecast}."),
    ]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """The text so that Markdown shows it as it is: a backslash before each mark of punctuation, and one line."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
