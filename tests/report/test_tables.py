"""The tables, by hand."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.making import known, make_detection
from tests.report.making import MIXED, repeated, searched
from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.report.tables import (
    MOST_TRIALS,
    Table,
    comparison_table,
    configuration_table,
    folds_table,
    interval_text,
    path_table,
    score_text,
    scores_table,
    side_by_side_table,
    statuses_table,
    trials_table,
)
from tuner.results.findings import FoldInfo
from tuner.results.regularisation_path import Point, make_path
from tuner.results.selection import shrinkage
from tuner.spec.space import PARAMETERS, Value, defaults
from tuner.storage.lock import Holder
from tuner.storage.study_status import Status
from tuner.training.outcome import Outcome

SPEC = make_spec(search={"repeats": 0})
WHEN = datetime(2026, 11, 22, 14, 3, tzinfo=UTC)
RUNNING = Status("pump", "loss", 50, 10, 2, 1, (3, 0.41234), Holder("here", 12, "2026-11-22 13:59:01"), WHEN)
EMPTY = Status("empty", "average_precision", 9, 0, 0, 0, None, None, WHEN)


def rows_of(table: Table) -> dict[str, tuple[str, ...]]:
    """The cells after the first one by the first one; every row has a cell for each head."""
    assert {len(row) for row in table.rows} == {len(table.heads)}
    return {row[0]: row[1:] for row in table.rows}


def test_scores_stand_beside_the_best_and_the_baseline() -> None:
    findings = make_findings(make_outcome([2.0]), make_outcome([1.5]), make_outcome([1.0], spread=0.4), spec=SPEC)
    table = scores_table(findings)
    assert table.title == "Cross-validation: loss, lower is better"
    # log ratios to the best 0.73 and 0.22: variance 0.13, times 1/2 + 1/2
    assert rows_of(table) == {
        "best": ("2", "1.0000", "1", "", "0.0000", "1.0000"),
        "unregularised": ("0", "2.0000", "1", "+1.0000 (2.1)", "1.0000", "1.0000"),
        "default": ("1", "1.5000", "1", "+0.5000 (1.3)", "0.5000", "1.0000"),
        "persistence": ("", "0.5000", "", "", "", ""),
    }
    assert rows_of(scores_table(repeated()))["best"][:3] == ("1", "1.6000", "2")
    assert table.marked == 0
    assert "1 SE is 0.36: the standard error of a difference between two trials of this study." in table.notes


def test_a_more_regularised_trial_has_a_row_a_column_and_an_explanation() -> None:
    findings = make_findings(make_outcome([1.0], spread=0.4), replace(make_outcome([1.1]), weights=20))
    assert configuration_table(findings).heads == ("parameter", "best", "1se", "default", "searched")
    table = scores_table(findings)
    assert rows_of(table)["1se"][:2] == ("1", "1.1000")
    assert "1se: the strongest regularisation that is about as good (within 1 SE)." in table.notes


def test_a_failed_or_pruned_reference_says_so() -> None:
    findings = make_findings(make_outcome([], "failed"), make_outcome([1.5], "pruned"), make_outcome([1.0]), spec=SPEC)
    rows = rows_of(scores_table(findings))
    assert set(rows["unregularised"][1:]) == {""}
    assert rows["default"][:2] == ("1, pruned", "1.5000")
    assert not any("1 SE is" in note for note in scores_table(findings).notes), "one complete trial has no error"


def test_detection_in_cross_validation_is_a_note() -> None:
    found = make_detection(precision=0.25, recall=0.75, f1=0.375, caught=2, events=3)
    findings = make_findings(replace(make_outcome([1.0]), detection=found))
    folds = (FoldInfo(9, 3, anomalous=5, events=3), FoldInfo(9, 3, anomalous=0, events=0))
    notes = scores_table(replace(findings, facts=replace(findings.facts, folds=folds))).notes
    (said,) = [note for note in notes if note.startswith("Detection")]
    assert said == (
        "Detection in cross-validation: precision 0.25 (base rate 0.10), recall 0.75, F1 0.38, thresholds chosen on "
        "the other folds; average precision 0.50; 2 of 3 events caught; 1 of 2 folds have no anomalous row."
    )


def test_the_configuration_has_every_parameter_and_what_the_penalties_did() -> None:
    table = configuration_table(MIXED)
    assert table.heads == ("parameter", "best", "default", "searched")
    assert [row[0] for row in table.rows[: len(PARAMETERS)]] == list(PARAMETERS)
    rows = rows_of(table)
    assert rows["hidden_size"] == ("4", "4", "fixed")
    assert rows["weight_decay"] == ("0.01", "0.01", "0.001 to 10, log")
    best = known(MIXED.summary.best)
    total = shrinkage(best.trial.params, best.trial.outcome)
    assert rows["total shrinkage"][0] == f"{total:.3g}"
    assert rows["exact zeros"][0] == "25.0%"
    choices = make_spec(space={"normalization": {"choices": ["none", "layer"]}})
    assert rows_of(configuration_table(make_findings(make_outcome([1.0]), spec=choices)))["normalization"][-1] == (
        "none, layer"
    )
    nothing = configuration_table(make_findings(make_outcome([1.0], "pruned")))
    assert nothing.heads == ("parameter", "default", "searched")
    assert nothing.rows[0] == ("dropout", "0.2", "0 to 0.6")


def test_trials_are_listed_best_first_and_not_all() -> None:
    table = trials_table(searched(60, "f1"))
    assert len(table.rows) == MOST_TRIALS
    values = [float(row[2]) for row in table.rows]
    assert values == sorted(values, reverse=True)
    assert table.title == "The best 20 of 59 trials, by a single run each"
    table = trials_table(MIXED)
    assert rows_of(table)["3"][:6] == ("pruned", "1.5000", "", "1", "1.0000", "2")
    # 6 trials, one failed; 5 of 2 folds of 6 epochs, of which 2, 4, 2, 6 and 2 were trained
    assert table.notes == (
        "Trials: 3 complete, 2 pruned, 1 failed.",
        "Pruning and early stopping saved 69 % of the training.",
    )


def test_the_pruner_is_checked_where_it_was_audited() -> None:
    audited = replace(make_outcome([1.0]), audited=1)
    table = trials_table(make_findings(audited, make_outcome([2.0]), audited))
    assert table.notes[-1] == (
        "Pruner check: 2 trials it would have stopped ran to the end anyway; 1 ended in the top 10 %."
    )


def test_a_path_says_of_every_point_what_was_measured() -> None:
    points = {0.01: make_outcome([2.0, 1.0]), 0.5: make_outcome([1.5]), 10.0: Outcome("failed", "diverged: fold 2")}
    table = make_path_table("weight_decay", points, 0.5)
    # decay * learning rate 0.002 * (1 + 2 + … + 10) / 50
    assert table.rows == (
        ("0.01", "1.0000 ± 0.3536", "0.0000", "2", "2.2e-05", "best 1se"),
        ("0.5", "1.5000 ± 0.3536", "0.5000", "2", "0.0011", "study"),
        ("10", "failed", "", "", "", ""),
    )
    assert table.marked == 0
    words = make_path_table("normalization", {"layer": make_outcome([1.0]), "none": make_outcome([2.0])}, "none")
    assert [row[0] for row in words.rows] == ["none", "layer"]
    assert words.notes[-1] == "The study fixes normalization; the path covers its usual range."


def make_path_table(name: str, points: Mapping[Any, Outcome], own: Value) -> Table:
    params = defaults(SPEC.space) | {name: own}
    path = make_path(
        SPEC, FACTS.test_to_train, name, params, [Point(value, outcome) for value, outcome in points.items()]
    )
    return path_table(make_findings(make_outcome([1.0])), path)


def test_folds_have_their_windows_and_events() -> None:
    table = folds_table(SPEC, FACTS)
    assert rows_of(table) == {"1": ("150", "50", "0", "0"), "2": ("150", "100", "0", "0")}
    assert table.notes == ("Held-out data: 74 windows.", "persistence: 0.5000, a baseline without a network.")


def test_studies_of_a_store_have_their_counts_and_who_runs_them() -> None:
    when = f"{WHEN.astimezone():%Y-%m-%d %H:%M}"
    assert rows_of(statuses_table([RUNNING, EMPTY])) == {
        "pump": ("13 of 50\n10 complete\n2 pruned\n1 failed", "0.4123, trial 3, 1 run\nloss", f"{when}\nrunning"),
        "empty": ("0 of 9", "none yet\naverage precision", when),
    }


def test_studies_are_compared_in_their_order() -> None:
    one, other = searched(20, name="one"), searched(12, "f1", name="other")
    table = comparison_table([one, other, make_findings(make_outcome([1.0], "pruned"))])
    assert table.heads == ("study", "one", "other", "small")
    rows = rows_of(table)
    assert rows["metric"] == ("loss, lower is better", "F1, higher is better", "loss, lower is better")
    assert rows["trials: complete + pruned + failed"][2] == "0 + 1 + 0"
    assert rows["best"][2] == "nothing completed"
    assert rows["baseline"] == ("0.9500 (base rate)", "0.3500 (base rate)", "0.5000 (persistence)")
    assert rows["shipped, on held-out data"] == ("not scored",) * 3
    assert one.summary.best is not None
    assert rows["best"][0] == f"{one.summary.best.repeat_mean:.4f} (mean of 3 runs)"
    assert rows["1 SE of a difference"][0] == f"{one.summary.best.se:.4f}"


def test_configurations_stand_side_by_side() -> None:
    one, other = searched(20, name="one"), make_findings(make_outcome([1.0], "pruned"))
    table = side_by_side_table([one, other])
    assert table.heads == ("parameter", "one", "small")
    assert one.summary.best is not None
    rows = rows_of(table)
    assert rows["dropout"] == (f"{one.summary.best.trial.params['dropout']:.4g}", "")
    assert "synthetic" not in rows, "neither searched it"


@pytest.mark.parametrize("value", [-0.00001, -0.0, 0.00004])
def test_what_rounds_to_zero_has_no_sign(value) -> None:
    assert score_text(value) == "0.0000"
    assert interval_text((value, 0.1), "+z.4f") == "+0.0000 to +0.1000"
