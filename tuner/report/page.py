"""A study on one page that needs nothing else: verdict, tables, figures, and how to run it again."""

from pathlib import Path

import tomli_w

from tuner.files import write_whole
from tuner.report.figures import study_plots
from tuner.report.html import render
from tuner.report.tables import configuration_table, detection_table, holdout_table, scores_table, trials_table
from tuner.results.advice import advise_after, advise_before
from tuner.results.findings import Findings
from tuner.results.verdict import recommend

# Reasons of failed trials that are shown.
MOST_FAILURES = 5


def write_report(findings: Findings, folder: Path) -> Path:
    """Writes `report.html` into `folder`, and says where it lies.

    Raises:
        UserError: the place cannot be written.
    """
    path = folder / "report.html"
    write_whole(path, report(findings))
    return path


def report(findings: Findings) -> str:
    """The page."""
    spec, facts, summary = findings.spec, findings.facts, findings.summary
    failures = [(trial.number, trial.outcome.reason) for trial in findings.trials if trial.outcome.state == "failed"]
    holdout = findings.holdout
    held_out = [] if holdout is None else [holdout_table(holdout)]
    if holdout is not None and holdout.anomalous:
        held_out.append(detection_table(holdout))
    return render(
        "study.html",
        study_plots(findings),
        name=spec.study.name,
        spec=spec,
        facts=facts,
        summary=summary,
        verdict=recommend(findings),
        warnings=advise_before(spec, facts) + ([] if summary.best is None else advise_after(spec, summary.best)),
        scores=scores_table(findings),
        holdout=held_out,
        configuration=configuration_table(findings),
        trials=trials_table(findings),
        failures=failures[:MOST_FAILURES],
        more_failures=len(failures[MOST_FAILURES:]),
        environment=findings.environment,
        study_file=tomli_w.dumps(spec.to_dict()),
    )
