"""The best epoch, the corrected standard error, and what an outcome says at its best epoch."""

import math
from typing import Any

import numpy as np
import pytest

from tuner.training.outcome import FoldCurve, Outcome, standard_error


def test_the_standard_error_by_hand():
    # mean 2, variance 1 (two degrees of freedom), 1/3 + 1/2
    assert standard_error([1.0, 2.0, 3.0], 0.5) == pytest.approx(math.sqrt(5 / 6))


def test_the_standard_error_of_five_folds_is_one_and_a_half_times_the_naive_one():
    values = [0.3, 0.1, 0.4, 0.1, 0.5]
    mean = sum(values) / 5
    naive = math.sqrt(sum((value - mean) ** 2 for value in values) / 4 / 5)
    assert standard_error(values, 1 / 4) == pytest.approx(1.5 * naive)


def test_folds_without_a_value_do_not_count():
    assert standard_error([math.nan, 1.0, 2.0, 3.0], 0.5) == standard_error([1.0, 2.0, 3.0], 0.5)


@pytest.mark.parametrize("values", [[], [1.0], [math.nan, 1.0]])
def test_one_fold_has_no_standard_error(values):
    assert math.isnan(standard_error(values, 0.25))


def outcome(**changes: Any) -> Outcome:
    folds = (FoldCurve((0.5, 0.4), (0.6, 0.7), (0.1, 0.2)), FoldCurve((0.3, 0.2), (0.9, 0.8), (0.3, 0.4)))
    usual: dict[str, Any] = {"state": "complete", "curve": (0.2, 0.3), "folds": folds, "best_epoch": 2}
    return Outcome(**usual | changes)


def test_the_value_of_a_trial_is_its_mean_at_the_best_epoch():
    assert outcome().value == 0.3
    assert outcome(state="pruned", best_epoch=1).value == 0.2
    assert outcome(state="failed").value is None


def test_fold_curves_are_read_at_the_best_epoch():
    assert outcome().at_best("train_loss") == (0.4, 0.2)
    assert outcome().at_best("valid_loss") == (0.7, 0.8)
    assert outcome(best_epoch=1).at_best("metric") == (0.1, 0.3)


def test_losses_at_the_best_epoch_are_means_over_folds():
    assert outcome().train_loss == pytest.approx(0.3)
    assert outcome().valid_loss == pytest.approx(0.75)
    assert outcome().gap == pytest.approx(0.45)


def test_scores_do_not_make_outcomes_differ():
    assert outcome(scores=(np.zeros(2),)) == outcome(scores=(np.ones(2),))
