"""What a study found, as a table for people and as one object for programs, on a recorded terminal."""

import io
import json
import math
from dataclasses import replace

import pytest
from rich.console import Console

from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.evaluation.detection import Detection, FoldDetection
from tuner.report.wording import shown
from tuner.results.findings import Findings
from tuner.results.selection import summarise
from tuner.spec.space import PARAMETERS, defaults
from tuner.terminal.result import print_result, result_event
from tuner.training.outcome import Outcome

WIDTHS = pytest.mark.parametrize("width", [60, 120])
MIXED = make_findings(
    make_outcome([4.0, 3.0]),
    make_outcome([5.0], "pruned"),
    make_outcome([2.0, 1.0, 1.5], spread=0.5),
    make_outcome([], "failed"),
)
NOTHING = make_findings(make_outcome([5.0], "pruned"))


def printed(findings: Findings, width: int = 120) -> str:
    console = Console(record=True, file=io.StringIO(), width=width, highlight=False)
    print_result(console, findings)
    return console.export_text()


def words(text: str) -> str:
    """The text without its line breaks and columns."""
    return " ".join(text.split())


@WIDTHS
def test_people_are_told_the_configuration_how_good_it_is_and_what_it_took(width) -> None:
    text = printed(MIXED, width)
    assert max(map(len, text.splitlines())) <= width
    assert "small: best configuration, trial 2" in text
    assert all(name in text for name in PARAMETERS)
    said = words(text)
    assert "1.0000 ± 0.3536 SE" in said
    assert "persistence" in said
    assert "0.5000" in said
    assert "2 complete, 1 pruned, 1 failed" in said


def test_each_figure_is_the_one_worked_out_by_hand() -> None:
    said = words(printed(MIXED))
    assert "cross-validated loss 1.0000 ± 0.3536 SE at epoch 2" in said
    assert "default configuration 5.0000" in said
    assert "regularisers at their least 3.0000" in said
    assert "loss in training, validation 0.0000, 1.0000 (gap 1.0000)" in said
    # learning rate * decay * 10 steps
    params = defaults(MIXED.spec.space)
    total = float(params["learning_rate"]) * float(params["weight_decay"]) * 10
    assert f"total shrinkage {total:.3g} by weight decay, 25.0% of 84 weights exactly zero" in said
    # 2 folds: 2 + 1 + 3 epochs of 3 * 6
    assert "fold-epochs 12 trained; 24 saved, 67% of all trials' epochs" in said


def test_a_constant_is_called_fixed_and_a_range_by_its_ends() -> None:
    lines = [words(line) for line in printed(MIXED).replace("│", " ").splitlines()]
    assert "hidden_size 4 4 fixed" in lines
    assert "weight_decay 0.01 0.01 0.001 to 10, log" in lines


def test_choices_are_listed() -> None:
    spec = make_spec(space={"normalization": {"choices": ["none", "layer"]}})
    assert "none, layer" in printed(make_findings(make_outcome([1.0]), spec=spec))


@WIDTHS
def test_detection_is_told_where_there_are_labels(width) -> None:
    found = Detection(average_precision=0.5, precision=0.25, recall=0.75, f1=0.375, threshold=2.0)
    said = words(printed(make_findings(replace(make_outcome([1.0]), detection=found)), width))
    assert "events" not in said, "a study begun before they were counted"
    for part in ("precision 0.250", "recall 0.750", "F1 0.375", "inner thresholds", "average precision 0.500"):
        assert part in said


@WIDTHS
def test_with_nothing_complete_that_is_all_that_is_said(width) -> None:
    assert printed(NOTHING, width) == "No trial of small has completed yet.\n"


def test_an_error_that_cannot_be_told_is_left_out() -> None:
    outcome = make_outcome([1.0])
    folds = (replace(outcome.folds[0], metric=(math.nan,)), outcome.folds[1])
    findings = make_findings(replace(outcome, folds=folds))
    assert "±" not in printed(findings)
    assert result_event(findings, 1.0)["best"]["se"] is None


def test_programs_are_told_the_same() -> None:
    event = result_event(MIXED, 12.34567)
    # paired differences to the best 2.25 and 1.75: variance 1/8, times 1/2 + 1/2
    chosen = {
        "trial": 2,
        "value": 1.0,
        "repeat_mean": None,
        "se": pytest.approx(math.sqrt(1 / 8)),
        "params": defaults(MIXED.spec.space),
        "epoch": 2,
    }
    assert json.loads(json.dumps(event, allow_nan=False)) == event
    assert event == {
        "event": "result",
        "study": "small",
        "trials": 4,
        "complete": 2,
        "pruned": 1,
        "failed": 1,
        "best": chosen,
        "one_se": chosen,
        "holdout": {},
        "optimism": None,
        "looks": 0,
        "verdict": [],
        "seconds": 12.346,
        "fold_epochs": 12,
    }


def test_with_nothing_complete_best_is_null() -> None:
    event = result_event(NOTHING, 0.0)
    assert event["best"] is None
    assert (event["trials"], event["pruned"]) == (1, 1)


@pytest.mark.parametrize(("value", "text"), [(0.123456, "0.1235"), (1e-6, "1e-06"), (64, "64"), ("layer", "layer")])
def test_values_are_shown_to_four_digits(value, text) -> None:
    assert shown(value) == text


def test_the_mean_of_all_runs_is_told_beside_the_first_one() -> None:
    spec = make_spec(search={"finalists": 1, "repeats": 2})
    first = make_outcome([1.0])
    findings = make_findings(first, make_outcome([2.0]), spec=spec)
    trials = (replace(findings.trials[0], repeats=(make_outcome([2.0]), make_outcome([3.0]))), findings.trials[1])
    findings = replace(findings, trials=trials, summary=summarise(spec, FACTS.test_to_train, trials))
    assert "cross-validated loss 2.0000 ± 0.0000 SE (mean of 3 runs, the first gave 1.0000) at epoch 1" in words(
        printed(findings)
    )
    best = result_event(findings, 1.0)["best"]
    assert (best["value"], best["repeat_mean"]) == (1.0, 2.0)


def test_a_trial_that_is_more_regularised_and_not_clearly_worse_is_named() -> None:
    def outcome(curve: list[float], spread: float, train: float) -> Outcome:
        made = make_outcome(curve, spread=spread)
        return replace(made, folds=tuple(replace(fold, train_loss=(train,)) for fold in made.folds))

    findings = make_findings(outcome([1.0], 0.25, 0.1), outcome([1.1], 0.75, 0.2))
    assert "most regularised within one SE trial 1: 1.1000" in words(printed(findings))


def test_what_the_best_trial_warns_of_is_said_last() -> None:
    findings = make_findings(make_outcome([6.0, 5.0, 4.0, 3.0, 2.0, 1.0]))
    assert "warning: the best trial was best at its last epoch" in printed(findings)
    assert "warning: the best trial was best at its last epoch" not in printed(MIXED)


def test_events_caught_and_folds_without_any_are_told() -> None:
    fold = FoldDetection(0.5, 0.5, 0.5, 0.5, caught=2, events=3)
    none = FoldDetection(None, None, None, None, caught=0, events=0)
    found = Detection(0.5, 0.25, 0.75, 0.375, threshold=2.0, caught=2, events=3, folds=(fold, none))
    said = words(printed(make_findings(replace(make_outcome([1.0]), detection=found))))
    assert "average precision 0.500; 2 of 3 events caught; folds without an anomalous row: 1 of 2" in said
