"""Which figures a study has."""

from dataclasses import replace

import numpy as np

from tests.search.making import make_findings, make_outcome
from tuner.evaluation.detection import Detection
from tuner.report.figures import study_plots
from tuner.results.findings import Findings, OutOfFoldScores

SCORED = OutOfFoldScores(
    np.arange(6), "x", np.zeros(6), np.array([0, 0, 1, 1, 0, 0], bool), np.array([0.0, 1, 3, 4, 2, 1])
)


def labelled() -> Findings:
    detection = Detection(0.9, 0.9, 0.9, 0.9, threshold=3.0)
    return make_findings(replace(make_outcome([2.0, 1.0]), detection=detection), make_outcome([1.5]))


def keys(findings: Findings) -> list[str]:
    return [plot.key for plot in study_plots(findings)]


def test_scores_of_labelled_rows_are_drawn_against_their_threshold() -> None:
    plots = {plot.key: plot for plot in study_plots(replace(labelled(), scored=SCORED))}
    curve, rows = plots["precision-recall"].figures[0], plots["scored"].figures[0]
    assert any(trace.name == "threshold: precision 1.000, recall 1.000" for trace in curve.data)
    lanes = {trace.name: list(trace.x) for trace in rows.data if trace.name}
    # both rows of the event, one of which has the threshold's own score
    assert lanes["flagged (1)"] == lanes["labelled (1)"] == [2, 2, 3, 3, 2, None]


def test_without_scores_or_a_threshold_there_is_no_such_figure() -> None:
    assert "scored" not in keys(labelled())
    assert "scored" not in keys(replace(make_findings(make_outcome([1.0])), scored=SCORED))
    assert keys(labelled())[:3] == ["history", "curves", "spread"]


def test_nothing_is_drawn_of_a_study_without_trials() -> None:
    assert keys(make_findings()) == []
