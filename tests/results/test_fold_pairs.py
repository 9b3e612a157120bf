"""The fold-paired difference: by hand, in words, and when there is none."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t

from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.results.findings import Findings
from tuner.results.fold_pairs import compare_folds, remarks, unpaired


def study(name, value, spread=0.25, **sections) -> Findings:
    return make_findings(
        make_outcome([value], spread=spread, maximise=sections.get("study", {}).get("metric") == "f1"),
        spec=make_spec(**{**sections, "study": {"name": name, **sections.get("study", {})}}),
    )


def test_the_interval_is_student_s_with_the_corrected_error() -> None:
    pair = compare_folds(study("one", 1.0, 0.25), study("other", 1.5, 0.05))
    assert (pair.one, pair.other) == ("one", "other")
    assert pair.differences == pytest.approx((0.75 / 1.45 - 1, 1.25 / 1.55 - 1))
    logs = np.log([0.75 / 1.45, 1.25 / 1.55])
    assert pair.mean == pytest.approx(math.exp(logs.mean()) - 1)
    # two folds: 1/2 + the mean of test over train (1/3 and 2/3)
    half = t.ppf(0.975, 1) * math.sqrt(logs.var(ddof=1) * (1 / 2 + 1 / 2))
    assert pair.interval == pytest.approx(tuple(np.expm1([logs.mean() - half, logs.mean() + half])))
    assert pair.verdict == "no clear difference: the interval includes 0"


@pytest.mark.parametrize(
    ("metric", "value", "better"),
    [("loss", 0.5, "one"), ("loss", 2.0, "other"), ("f1", 0.5, "other"), ("f1", 1.5, "one")],
)
def test_the_verdict_knows_which_way_is_better(metric, value, better) -> None:
    spread = 0.0 if metric == "loss" else 0.25
    one, other = (study(name, at, spread, study={"metric": metric}) for name, at in (("one", value), ("other", 1.0)))
    assert compare_folds(one, other).verdict == f"{better} is better: the interval does not include 0"


def test_a_fold_without_a_value_is_no_pair_and_one_fold_tells_nothing_apart() -> None:
    spec = {"study": {"metric": "f1"}}
    one, other = study("one", 0.9, **spec), study("other", 0.5, **spec)
    (trial,) = one.trials
    folds = (replace(trial.outcome.folds[0], metric=(math.nan,)), trial.outcome.folds[1])
    pair = compare_folds(make_findings(replace(trial.outcome, folds=folds), spec=one.spec), other)
    assert pair.differences == pytest.approx((0.4,))
    assert all(map(math.isnan, pair.interval))
    assert pair.verdict.startswith("no clear difference")


def test_equal_data_and_folds_can_be_compared() -> None:
    assert unpaired(study("one", 1.0), study("other", 2.0, search={"sampler": "random"}, train={"patience": 2})) == ""


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (study("other", 1.0, cv={"embargo": 3}), "their folds differ"),
        (study("other", 1.0, task={"window": 7}), "their tasks (windows or horizons) differ"),
        (study("other", 0.5, study={"metric": "f1"}), "their metrics differ"),
        (replace(study("other", 1.0), facts=replace(FACTS, digest="e" * 64)), "their data differ"),
        (replace(study("other", 1.0), facts=replace(FACTS, targets=("y",))), "their targets differ"),
        (make_findings(make_outcome([1.0], "pruned")), "no trial of small has completed"),
    ],
)
def test_what_forbids_a_comparison_is_said(other, reason) -> None:
    one = study("one", 1.0)
    assert unpaired(one, other) == reason
    assert remarks([one, other])[-1] == f"{other.spec.study.name} and one are not compared fold by fold: {reason}."


def test_each_study_is_compared_with_the_first() -> None:
    two, three = remarks([study("one", 1.0, 0.0), study("two", 1.5, 0.0), study("three", 0.5, 0.3)])
    assert two.startswith("two and one, fold by fold: one is better: the interval does not include 0 (loss +50 %, ")
    assert three.startswith("three and one, fold by fold: no clear difference")


def test_metrics_that_differ_are_said() -> None:
    assert remarks([study("one", 1.0), study("two", 0.5, study={"metric": "f1"})]) == [
        "The metrics differ: values are not comparable, and each metric has figures of its own.",
        "two and one are not compared fold by fold: their metrics differ.",
    ]
