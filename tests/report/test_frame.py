"""The frames that the figures read: their numbers by hand."""

import math
from dataclasses import replace

import pytest

from tests.report.making import MIXED, RISING, many, repeated
from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.report.frame import epoch_frame, fold_frame, path_frame, trial_frame
from tuner.results.regularisation_path import Point, make_path
from tuner.spec.space import defaults
from tuner.training.outcome import FoldCurve


def test_a_trial_is_a_row_with_its_state_and_value() -> None:
    frame = trial_frame(MIXED)
    assert frame.state.tolist() == ["pruned", "complete", "failed", "pruned", "complete", "complete"]
    assert frame.value.fillna(-1).tolist() == [9.0, 2.0, -1, 1.5, 1.0, 2.5]
    assert frame.fold_epochs.tolist() == [2, 4, 4, 2, 6, 2]


def test_the_incumbent_is_the_best_complete_value_so_far_up_to_the_last_trial() -> None:
    assert trial_frame(MIXED).incumbent.fillna(-1).tolist() == [-1, 2.0, 2.0, 2.0, 1.0, 1.0]


def test_where_more_is_better_the_incumbent_rises() -> None:
    outcomes = [make_outcome([value], maximise=True) for value in (0.3, 0.1, 0.6)]
    assert trial_frame(make_findings(*outcomes, spec=RISING)).incumbent.tolist() == [0.3, 0.3, 0.6]


def test_a_trial_has_its_parameters_as_they_are_and_what_penalties_did() -> None:
    findings = make_findings(make_outcome([0.5]))
    frame = trial_frame(findings)
    assert {name: frame[name][0] for name in findings.spec.space} == findings.trials[0].params
    # learning rate 0.002, weight decay 0.01, 10 steps


def test_what_was_trained_again_has_its_values() -> None:
    assert trial_frame(repeated()).repeats.tolist() == [(4.0,), (1.7,), ()]


def test_a_study_without_trials_has_a_frame_without_rows() -> None:
    frame = trial_frame(make_findings())
    assert len(frame) == 0
    assert {"value", "incumbent", "dropout"} <= set(frame)


def test_complete_trials_have_a_column_of_folds_the_best_mean_first() -> None:
    frame = fold_frame(MIXED)
    assert {number: frame[number].tolist() for number in frame} == {4: [0.75, 1.25], 1: [1.75, 2.25], 5: [2.25, 2.75]}


def test_where_more_is_better_the_greatest_mean_is_first() -> None:
    means = fold_frame(many(12, RISING)).mean().tolist()
    assert means == sorted(means, reverse=True)


def test_folds_are_means_over_the_runs_of_a_trial() -> None:
    frame = fold_frame(repeated())
    assert list(frame) == [1, 0, 2]
    assert frame[1].tolist() == pytest.approx([1.35, 1.85])


def test_fold_curves_are_rows_by_fold_and_epoch() -> None:
    outcome = make_outcome([3.0, 1.0], spread=0.25)
    one, two = outcome.folds
    folds = (one, FoldCurve(tuple(2 * value for value in two.train_loss), two.valid_loss, two.metric))
    (trial,) = make_findings(replace(outcome, folds=folds)).trials
    assert epoch_frame(trial).to_dict("list") == {
        "train_loss": [2.0, 0.0, 4.0, 0.0],
        "valid_loss": [3.0, 1.0, 3.0, 1.0],
        "metric": [2.75, 0.75, 3.25, 1.25],
        "fold": [1, 1, 2, 2],
        "epoch": [1, 2, 1, 2],
    }


def test_a_path_has_what_was_measured_without_the_points_that_failed() -> None:
    spec = make_spec()
    points = [
        *(Point(value, make_outcome([9.0, loss])) for value, loss in ((0.1, 1.0), (0.01, 3.0), (0.5, 1.2))),
        Point(1.0, make_outcome([], "failed")),
    ]
    path = make_path(spec, FACTS.test_to_train, "weight_decay", defaults(spec.space), points)
    frame = path_frame(make_findings(spec=spec), path)
    assert frame.value.tolist() == [0.01, 0.1, 0.5]
    assert frame["mean"].tolist() == frame.valid_loss.tolist() == [3.0, 1.0, 1.2]
    assert frame.train_loss.tolist() == pytest.approx([2.0, 0.0, 0.2])
    # two folds, 0.25 below and above the mean: variance 0.125, times 1/2 + 1/2
    assert frame.se.tolist() == pytest.approx([math.sqrt(0.125)] * 3)
    assert frame.effect.tolist() == [2.0, 2.0, 2.0], "the weight norm"
