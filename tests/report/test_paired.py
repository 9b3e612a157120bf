"""The fold-paired difference: by hand, and when there is none."""

import math
from dataclasses import replace

import pytest
from scipy.stats import t

from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.report.paired import PairInfo, pair_info, pairs_figure, unpaired
from tuner.results.findings import Findings


def study(name, value, spread=0.25, **sections) -> Findings:
    return make_findings(
        make_outcome([value], spread=spread, maximise=sections.get("study", {}).get("metric") == "f1"),
        spec=make_spec(**{**sections, "study": {"name": name, **sections.get("study", {})}}),
    )


def test_the_interval_is_student_s_with_the_corrected_error() -> None:
    info = pair_info(study("one", 1.0, 0.25), study("other", 1.5, 0.05))
    assert info.differences == pytest.approx((-0.7, -0.3))
    assert info.mean == pytest.approx(-0.5)
    # variance 0.08 over two folds, times 1/2 + the mean of test over train (1/3 and 2/3)
    assert info.half == pytest.approx(t.ppf(0.975, 1) * math.sqrt(0.08 * (1 / 2 + 1 / 2)))
    assert info.verdict == "not told apart: the interval holds 0"


@pytest.mark.parametrize(
    ("metric", "mean", "better"),
    [("loss", -0.5, "one"), ("loss", 0.5, "other"), ("f1", -0.5, "other"), ("f1", 0.5, "one")],
)
def test_the_verdict_knows_which_way_is_better(metric, mean, better) -> None:
    info = PairInfo(metric, "one", "other", (mean, mean), mean, 0.1)
    assert info.verdict == f"{better} is better: the interval does not hold 0"


def test_an_unknown_interval_tells_nothing_apart() -> None:
    assert PairInfo("loss", "one", "other", (0.5,), 0.5, math.nan).verdict.startswith("not told apart")


def test_a_fold_without_a_value_is_no_pair() -> None:
    spec = {"study": {"metric": "f1"}}
    one, other = study("one", 0.5, **spec), study("other", 0.5, **spec)
    (trial,) = one.trials
    folds = (replace(trial.outcome.folds[0], metric=(math.nan,)), trial.outcome.folds[1])
    holed = make_findings(replace(trial.outcome, folds=folds), spec=one.spec)
    info = pair_info(holed, other)
    assert (info.differences, math.isnan(info.half)) == ((0.0,), True)


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
    assert unpaired(study("one", 1.0), other) == reason


def test_a_pair_is_a_row_with_its_folds_and_mean() -> None:
    pairs = [pair_info(study("one", 1.0), study(name, 1.5)) for name in ("b", "c")]
    folds, means = pairs_figure(pairs).data
    assert list(folds.y) == ["one<br>minus b"] * 2 + ["one<br>minus c"] * 2
    assert list(folds.text) == ["fold 1", "fold 2"] * 2
    assert list(means.x) == pytest.approx([-0.5, -0.5])
    assert list(means.error_x.array) == pytest.approx([0.0, 0.0])
