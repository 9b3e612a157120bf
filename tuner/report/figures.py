"""All figures of a study, in the order in which they are read, each with what to look for."""

from dataclasses import dataclass

import plotly.graph_objects as go

from tuner.evaluation.detection import Detection
from tuner.report.curves import curves_figure, curves_info
from tuner.report.history import history_figure, history_info
from tuner.report.importance_figure import importance_figure, importance_info
from tuner.report.path_figure import path_figure, path_info
from tuner.report.precision_recall import precision_recall_figure, precision_recall_info
from tuner.report.scored import scored_figure, scored_info
from tuner.report.spread import spread_figure, spread_info
from tuner.report.strengths import strength_figure, strength_infos
from tuner.results.findings import Findings, OutOfFoldScores

# Figures by their key: title, and how to read it.
READINGS = {
    "history": (
        "Optimisation history",
        "Each point is one trial; the line is the best complete one so far. If it still improves at the right end, "
        "more trials may pay. A single run can be lucky: the choice was made on the mean of several.",
    ),
    "curves": (
        "Validation curves",
        "Each line is a trial's mean over folds by epoch. Of the best trial you also see the losses: where training "
        "goes on falling while validation does not, it memorises; their distance is the gap. The dotted line is its "
        "best epoch.",
    ),
    "spread": (
        "Fold spread of the best trials",
        "How far a trial's folds lie apart, and whether its mean holds when it is trained again. If the means differ "
        "by less than the runs of one trial do, their order is noise.",
    ),
    "strengths": (
        "Each parameter against the score",
        "One point a trial. A cloud that bends has its best strength at the bend; a level one does not depend on this "
        "parameter; one that is best at an end of the axis asks for a wider range. What acts of weight_decay is the "
        "total shrinkage, learning_rate * weight_decay * steps, and of l1 the share of exact zeros: each has a panel. "
        "Outliers lie outside the axis; a double click shows them.",
    ),
    "importance": (
        "Parameter importance",
        "How much of the variation of the score among complete trials each parameter explains by itself (fANOVA), "
        "within the ranges that were searched. It does not say in which direction.",
    ),
    "precision-recall": (
        "Precision and recall",
        "Every threshold on the best trial's out-of-fold scores: how many of the flagged rows are anomalous, and how "
        "many of the anomalous ones are flagged. The star is the threshold that new rows are flagged by. It was chosen "
        "on these very scores; the table's precision and recall are at inner thresholds, which is fairer.",
    ),
    "scored": (
        "The rows, scored",
        "Each row by a network that was not trained on it, the folds one after the other, with the labelled events and "
        "what the threshold flags. Look for what all events that it misses have in common.",
    ),
}
PATH_READING = (
    "One parameter over its range, all else as in the best trial, on the same folds. The bars are standard errors; the "
    "distance to the training curve is the gap. The dashed lines stand at the best value and at the most regularised "
    "one within one standard error of it; the upper axis says what each strength does to the network."
)


@dataclass(frozen=True)
class Plot:
    """Figures under one title, without a title of their own.

    Attributes:
        key: fixed and unique on a page, a word.
        title: what is shown.
        reading: how to read it, a sentence or two.
        figures: one, or small multiples to be laid side by side.
    """

    key: str
    title: str
    reading: str
    figures: tuple[go.Figure, ...]


def study_plots(findings: Findings) -> list[Plot]:
    """Every figure that the study has data for."""
    figures: dict[str, tuple[go.Figure, ...]] = {}
    if any(trial.outcome.value is not None for trial in findings.trials):
        figures["history"] = (history_figure(history_info(findings)),)
    if findings.summary.best is not None:
        figures["curves"] = (curves_figure(curves_info(findings)),)
        figures["spread"] = (spread_figure(spread_info(findings)),)
    if panels := strength_infos(findings):
        figures["strengths"] = tuple(map(strength_figure, panels))
    if (importance := importance_info(findings)).shares:
        figures["importance"] = (importance_figure(importance),)
    if findings.scored is not None and findings.summary.best is not None:
        figures |= _detection(findings.scored, findings.summary.best.trial.outcome.detection)
    plots = [Plot(key, *READINGS[key], drawn) for key, drawn in figures.items()]
    drawn_paths = [(path.parameter, path_info(findings, path)) for path in findings.paths]
    return plots + [
        Plot(f"path-{parameter}", f"Regularisation path of {parameter}", PATH_READING, (path_figure(info),))
        for parameter, info in drawn_paths
        if info is not None
    ]


def _detection(scored: OutOfFoldScores, detection: Detection | None) -> dict[str, tuple[go.Figure, ...]]:
    if detection is None:
        return {}
    limit, flags = detection.threshold, scored.scores >= detection.threshold
    curve = precision_recall_info(scored.scores, scored.labels, limit)
    rows = scored_info(scored.time, {scored.name: scored.values}, scored.scores, limit, scored.labels, flags)
    return {"precision-recall": (precision_recall_figure(curve),), "scored": (scored_figure(rows),)}
