"""The tables, by hand."""

from dataclasses import replace

from tests.report.making import HOLDOUT, MIXED, searched
from tests.search.making import make_findings, make_outcome, make_spec
from tuner.report.tables import (
    MOST_TRIALS,
    comparison_table,
    configuration_table,
    holdout_table,
    scores_table,
    side_by_side_table,
    trials_table,
)
from tuner.spec.space import PARAMETERS

SPEC = make_spec(search={"repeats": 0})


def test_scores_stand_beside_the_best_and_no_network() -> None:
    findings = make_findings(make_outcome([2.0]), make_outcome([1.5]), make_outcome([1.0]), spec=SPEC)
    table = scores_table(findings)
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["best: trial 2"] == ("1.0000", "", "", "0.0000", "1.0000", "1.0000")
    assert rows["default configuration: trial 1"][:2] == ("1.5000", "+0.5000")
    assert rows["regularisers at their least: trial 0"][:2] == ("2.0000", "+1.0000")
    assert rows["no network: persistence"][0] == "0.5000"
    assert {len(row) for row in table.rows} == {len(table.head)}


def test_a_failed_reference_has_no_figures() -> None:
    findings = make_findings(make_outcome([], "failed"), make_outcome([1.5]), spec=SPEC)
    (row,) = [row for row in scores_table(findings).rows if "least" in row[0]]
    assert set(row[1:]) == {""}


def test_the_configuration_has_every_parameter() -> None:
    table = configuration_table(searched(20))
    assert table.head == ("", "best", "1se", "default", "searched")
    assert [row[0] for row in table.rows[: len(PARAMETERS)]] == list(PARAMETERS)
    assert {len(row) for row in table.rows} == {5}
    nothing = configuration_table(make_findings(make_outcome([1.0], "pruned")))
    assert nothing.head == ("", "default", "searched")
    assert nothing.rows[0] == ("dropout", "0.2", "0 to 0.6")


def test_trials_are_listed_best_first_and_not_all() -> None:
    findings = searched(60, "f1")
    table = trials_table(findings)
    assert len(table.rows) == MOST_TRIALS
    values = [float(row[2]) for row in table.rows]
    assert values == sorted(values, reverse=True)
    assert {len(row) for row in table.rows} == {len(table.head)}
    (row,) = [row for row in trials_table(MIXED).rows if row[0] == "3"]
    assert row[:7] == ("3", "pruned", "1.5000", "", "1", "1.0000", "2")


def test_studies_are_compared_in_their_order() -> None:
    one, other = searched(20, name="one"), searched(12, "f1", name="other")
    table = comparison_table([one, other, make_findings(make_outcome([1.0], "pruned"))])
    assert table.head == ("", "one", "other", "small")
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["metric"] == ("loss", "F1", "loss")
    assert rows["trials: complete + pruned + failed"][2] == "0 + 1 + 0"
    assert rows["best ± SE"][2] == "nothing completed"
    assert rows["no network"] == ("0.9500 (base rate)", "0.3500 (base rate)", "0.5000 (persistence)")
    assert rows["best on the holdout"] == ("not scored",) * 3
    assert one.summary.best is not None
    assert rows["mean of its runs"][0] == f"{one.summary.best.repeat_mean:.4f}"


def test_the_holdout_has_a_row_a_model_with_its_interval() -> None:
    table = holdout_table(HOLDOUT)
    assert table.head[-1] == "F1"
    assert table.rows == (
        ("best", "0.6100", "0.5500 to 0.6600", "", "0.7000", "0.5000", "0.5800"),
        ("default", "0.4100", "0.3500 to 0.4600", "-0.3000 to -0.1000", "", "", ""),
    )
    one = replace(searched(20, "f1"), holdout=HOLDOUT)
    assert comparison_table([one]).rows[-2] == ("best on the holdout", "0.6100 (0.5500 to 0.6600)")


def test_configurations_stand_side_by_side() -> None:
    one, other = searched(20, name="one"), make_findings(make_outcome([1.0], "pruned"))
    table = side_by_side_table([one, other])
    assert table.head == ("best configuration", "one", "small")
    assert one.summary.best is not None
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["dropout"] == (f"{one.summary.best.trial.params['dropout']:.4g}", "")
    assert "synthetic" not in rows, "neither searched it"
