"""The fold spread: its data by hand, and what is drawn."""

import math
from dataclasses import replace

import pytest

from tests.report.making import MIXED, many, searched, trace
from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.report.spread import MOST_TRIALS, spread_figure, spread_info
from tuner.results.selection import summarise


def test_it_has_complete_trials_best_mean_first_each_with_its_folds() -> None:
    info = spread_info(MIXED)
    assert info.labels == ("4", "1 (default)", "5")
    assert info.folds == ((0.75, 1.25), (1.75, 2.25), (2.25, 2.75))
    assert info.means == (1.0, 2.0, 2.5)
    assert info.best == "4"


def test_where_more_is_better_the_greatest_mean_is_first() -> None:
    info = spread_info(many(12, make_spec(study={"metric": "f1"})))
    assert list(info.means) == sorted(info.means, reverse=True)


def test_of_many_it_has_the_best() -> None:
    outcomes = [*(make_outcome([float(value)]) for value in range(6, -6, -1))]
    info = spread_info(make_findings(*outcomes))
    assert len(info.labels) == MOST_TRIALS
    assert (info.labels[0], info.means[-1]) == ("11", 4.0)


def test_what_was_trained_again_counts_with_the_mean_of_its_runs() -> None:
    spec = make_spec(search={"finalists": 2, "repeats": 1})
    findings = make_findings(make_outcome([1.0]), make_outcome([1.5]), make_outcome([9.0]), spec=spec)
    lucky, steady, poor = findings.trials
    trials = (replace(lucky, repeats=(make_outcome([4.0]),)), replace(steady, repeats=(make_outcome([1.7]),)), poor)
    info = spread_info(replace(findings, trials=trials, summary=summarise(spec, FACTS.test_to_train, trials)))
    assert info.labels == ("1 (default)", "0 (unregularised)", "2")
    assert info.means == pytest.approx((1.6, 2.5, 9.0))
    assert info.folds[0] == pytest.approx((1.35, 1.85))
    assert info.repeats == ((1.7,), (4.0,), ())
    figure = spread_figure(info)
    assert list(trace(figure, "mean when trained again").y) == [1.7, 4.0]
    assert list(trace(figure, "mean of all").x) == ["1 (default)", "0 (unregularised)", "2"]


def test_a_fold_is_one_line_over_all_trials() -> None:
    folds = trace(spread_figure(spread_info(MIXED)), "one fold")
    assert list(folds.y) == [0.75, 1.75, 2.25, None, 1.25, 2.25, 2.75, None]
    assert list(folds.customdata) == [1, 1, 1, 1, 2, 2, 2, 2]


def test_a_fold_without_a_value_is_left_out() -> None:
    outcome = make_outcome([0.5], maximise=True)
    folds = (replace(outcome.folds[0], metric=(math.nan,)), outcome.folds[1])
    info = spread_info(make_findings(replace(outcome, folds=folds), spec=make_spec(study={"metric": "f1"})))
    assert info.means == (0.75,)
    assert list(trace(spread_figure(info), "one fold").y) == [None, None, 0.75, None]


def test_there_must_be_a_best_trial() -> None:
    with pytest.raises(ValueError, match="no trial has completed"):
        spread_info(make_findings(make_outcome([1.0], "pruned")))


def test_many_trials_are_few_traces() -> None:
    assert len(spread_figure(spread_info(searched(60))).data) == 3
