"""A study on one page that needs nothing else: verdict, tables, figures, and how to run it again."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import tomli_w
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tuner.files import write_whole
from tuner.report.coordinates import parallel_figure
from tuner.report.curve_figures import UNREGULARISED, curves_figure, overfitting_figures, regularisation_path_figure
from tuner.report.detection_figures import describe_rows, precision_recall_figure, rows_figure
from tuner.report.figures import effects_figure, history_figure, spread_figure, strength_figures
from tuner.report.frame import trial_frame
from tuner.report.holdout_tables import detection_table, holdout_table
from tuner.report.style import short_value
from tuner.report.tables import configuration_table, scores_table, trials_table
from tuner.results.advice import advise_after, advise_before
from tuner.results.captions import explain_overfitting, explain_trust
from tuner.results.commands import STUDY_FILE
from tuner.results.findings import Findings
from tuner.results.verdict import brief, judge
from tuner.search.effects import Effect, find_effects
from tuner.spec.space import Constant

# How to read the rows besides, where they have labels.
EVENTS = (
    " Events are shaded, and caught where a row of them is flagged; a run of other flagged rows is a false alarm. The "
    "threshold is the one that ships, chosen on all cross-validated rows, which flatters its count there: the one "
    "under Configuration has thresholds chosen on the other folds."
)
# Reasons of failed trials that are shown.
MOST_FAILURES = 5
# Parameters that are named as those that matter.
MOST_EFFECTS = 3
# Figures by their key: title, and how to read it.
READINGS = {
    "rows": (
        "The data and what the network makes of them",
        "No row is scored or forecast by a network that was trained on it; held-out rows are by the final network.",
    ),
    "overfitting": (
        "Overfitting, before and after",
        "Training and validation loss by epoch, without regularisation and as chosen; the shaded distance between them "
        "is the gap. A network that memorises keeps lowering its training loss while its validation loss stays or "
        "rises. Thin lines are single folds, the dotted line marks the best epoch.",
    ),
    "effects": (
        "What matters",
        "How much the score gains when one parameter goes from its lowest value to its best or its highest one, by the "
        "model that the search chooses with, with 95 % intervals. Where both reach zero, there is no clear effect, or "
        "there are too few trials to see it.",
    ),
    "history": (
        "Optimisation history",
        "Each point is one run of a trial; the line is the best complete one so far. If it still improves at the right "
        "end, more trials may pay. A single run can be lucky: the choice was made on the mean of several.",
    ),
    "curves": (
        "Validation curves",
        "Each line is a trial's mean over folds by epoch; the dotted line marks the best epoch of the best trial.",
    ),
    "spread": (
        "Fold spread of the best trials",
        "How far the folds of a trial lie apart, and whether its mean holds when it is trained again. If the means "
        "differ by less than the runs of one trial do, their order is noise.",
    ),
    "precision-recall": (
        "Precision and recall",
        "Every threshold on the out-of-fold scores. The star is the threshold for new rows; it was chosen on these "
        "very scores, so precision and recall in cross-validation, with thresholds of the other folds, are fairer.",
    ),
    "strengths": (
        "Each parameter against the score",
        "One point per trial, a single run: blue circles are complete, grey crosses pruned, the diamond is the "
        "default, the star the best. In a valley (where higher is better: on a hill) the best value is at the turning "
        "point; where points lie flat, the parameter does not matter. The pointer shows what decay and L1 did to the "
        "weights.",
    ),
    "parallel": (
        "All parameters together",
        "A line per complete trial, from its parameters to its score at the right, best at the top. Where the best "
        "lines run together, a parameter has a narrow good range; where they spread, it hardly matters.",
    ),
}
# The figures that answer first: does it work, does it overfit, what matters?
FIRST = ("rows", "overfitting", "effects")
PATH_READING = (
    "One parameter over its range, all else as in the best trial, on the same folds. The bars are standard errors; the "
    "distance to the training curve is the gap. The dashed lines mark the best value and the strongest one "
    "within one standard error of it; the upper axis shows what each strength does to the network."
)


@dataclass(frozen=True)
class Plot:
    """Figures under one title, without a title of their own.

    Attributes:
        key: fixed and unique on a page, a word.
        title: of the section.
        reading: how to read it, a sentence or two.
        figures: one, or small multiples to be laid side by side.
        caption: what it shows here, a sentence.
    """

    key: str
    title: str
    reading: str
    figures: tuple[go.Figure, ...]
    caption: str = ""


def study_plots(findings: Findings, effects: Sequence[Effect]) -> list[Plot]:
    """Every figure that the study has data for, in the order in which they are read."""
    trials, best = trial_frame(findings), findings.summary.best
    figures: dict[str, tuple[go.Figure, ...]] = {}
    rows, shipped, captions, readings = findings.scored, findings.summary.shipped, dict[str, str](), dict(READINGS)
    if rows is not None and shipped is not None:
        detection = shipped.trial.outcome.detection
        limit = None if detection is None else detection.threshold
        figures["rows"] = (rows_figure(rows, limit),)
        captions["rows"] = describe_rows(rows, limit)
        if rows.labels is not None and limit is not None:
            readings["rows"] = readings["rows"][0], readings["rows"][1] + EVENTS
        validated = (rows.part >= 0) & ~np.isnan(rows.scores)
        if rows.labels is not None and limit is not None and rows.labels[validated].any():
            drawn = precision_recall_figure(rows.scores[validated], rows.labels[validated], limit)
            figures["precision-recall"] = (drawn,)
    if trials.value.notna().any():
        figures["history"] = (history_figure(findings, trials),)
    if best is not None:
        figures["overfitting"] = overfitting_figures(findings, best)
        figures["curves"] = (curves_figure(findings, best),)
        figures["spread"] = (spread_figure(findings, trials),)
    if panels := strength_figures(findings, trials):
        figures["strengths"] = tuple(panels.values())
    if (parallel := parallel_figure(findings, trials)) is not None:
        figures["parallel"] = (parallel,)
    if effects:
        figures["effects"] = (effects_figure(findings.spec.metric, effects),)
    plots = [
        Plot(key, *reading, figures[key], captions.get(key, "")) for key, reading in readings.items() if key in figures
    ]
    paths = []
    for path in findings.paths:
        if (figure := regularisation_path_figure(findings, path)) is not None:
            title = f"Regularisation path of {path.parameter}"
            paths.append(Plot(f"path-{path.parameter}", title, PATH_READING, (figure,)))
    first = sum(plot.key in FIRST for plot in plots)
    return [*plots[:first], *paths, *plots[first:]]


def write_report(findings: Findings, folder: Path, *, is_running: bool = False) -> Path:
    """Writes `report.html` into `folder`, the study file beside it, and says where it lies.

    That of a running study says so and loads itself anew.

    Raises:
        UserError: the place cannot be written.
    """
    path = folder / "report.html"
    write_whole(path, study_page(findings, is_running=is_running))
    write_whole(folder / STUDY_FILE, tomli_w.dumps(findings.asked.to_dict()))
    return path


def study_page(findings: Findings, *, is_running: bool = False) -> str:
    """The page of a study, one that is being run among them."""
    spec, facts, summary = findings.spec, findings.facts, findings.summary
    failures = [(trial.number, trial.outcome.reason) for trial in findings.trials if trial.outcome.state == "failed"]
    holdout = findings.holdout
    held_out = [] if holdout is None else [holdout_table(holdout)]
    if holdout is not None and holdout.anomalous:
        held_out.append(detection_table(holdout))
    effects = find_effects(spec, findings.trials)
    plots, again = study_plots(findings, effects), f"sqlite:///studies/{spec.study.name}/again.db"
    return render(
        "study.html",
        plots,
        first=sum(plot.key in FIRST for plot in plots),
        name=spec.study.name,
        is_running=is_running,
        spec=spec,
        facts=facts,
        summary=summary,
        # a second run would be refused while there is one
        verdict=judge(findings)[: 2 if is_running else 3],
        answers=_answers(findings, effects),
        details=explain_trust(findings),
        warnings=advise_before(spec, facts) + ([] if summary.best is None else advise_after(spec, summary.best)),
        scores=scores_table(findings),
        holdout=held_out,
        configuration=configuration_table(findings),
        trials=trials_table(findings),
        failures=failures[:MOST_FAILURES],
        more_failures=len(failures[MOST_FAILURES:]),
        environment=findings.environment,
        commands=[findings.command("run"), findings.command("run", storage=again), findings.command("export")],
        study_file=tomli_w.dumps(findings.asked.to_dict()),
    )


def _answers(findings: Findings, effects: Sequence[Effect]) -> dict[str, str]:
    """What the page is opened for: is it overfitting, how strong should the cures be, and which of them matters?"""
    best = findings.summary.shipped
    if best is None:
        return {}
    searched = [name for name, domain in findings.spec.space.items() if not isinstance(domain, Constant)]
    values = ", ".join(f"{name} {short_value(best.trial.params[name])}" for name in searched)
    clear = [f"{each.name} ({each.direction}, worth {brief(each.worth)})" for each in effects if each.is_clear]
    matters = f"On average over all configurations, in {findings.spec.metric.words}: {'; '.join(clear[:MOST_EFFECTS])}."
    return {
        "Does it overfit?": explain_overfitting(findings.trials[UNREGULARISED], best.trial),
        "How strong?": f"{values or 'nothing was searched'}; trained for {best.trial.outcome.best_epoch} epochs.",
        "What matters?": matters if clear else "Nothing that these trials could tell.",
    }


def render(template: str, plots: Sequence[Plot], **values: object) -> str:
    """A template with its figures and plotly.js inside, so that it needs no network; all other values are escaped."""
    environment = Environment(
        loader=PackageLoader("tuner.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # for a script element, which no text in it can end: plotly writes < and / as \u003c and \u002f
    environment.filters["json"] = lambda figure: Markup(figure.to_json())  # noqa: S704
    # plotly's basic bundle, of a quarter of the size: all figures are lines, points and bars
    packed = files("tuner.report").joinpath("plotly-basic.min.js.gz").read_bytes() if plots else b""
    plotly = b64encode(packed).decode()
    return environment.get_template(template).render(plots=plots, plotly=plotly, **values)
