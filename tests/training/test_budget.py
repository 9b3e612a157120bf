"""How long networks train: epochs from steps, rates without a horizon, and refits on more windows."""

from itertools import islice
from typing import Any

import numpy as np
import pytest

from tests.making import make_small_problem, make_spec, params
from tests.training.plain import warmed_rates
from tuner.spec.sections import Spec
from tuner.training.budget import (
    MOST_STEPS,
    STEPS_WAITED,
    full_steps,
    learning_rate_factor,
    quick_budget,
    refit_steps,
    with_budget,
)
from tuner.training.learner import Learner
from tuner.training.trainer import FoldRun, LockStep

WALK = {"scheme": "walk_forward", "folds": 4}


def resolved(rows: int, **sections: Any) -> Spec:
    train = {"max_epochs": "auto", "patience": "auto", **sections.pop("train", {})}
    spec = make_spec(train=train, **sections)
    return with_budget(spec, make_small_problem((rows,)).folds())


def test_the_rates_are_a_warm_up_and_a_decay_that_ask_for_no_horizon() -> None:
    rates = [0.01 * learning_rate_factor(step) for step in range(2000)]
    np.testing.assert_allclose(rates, list(islice(warmed_rates(0.01), 2000)))
    assert max(rates) == rates[49] == 0.01
    assert full_steps(300) == pytest.approx(sum(rates[:300]) / 0.01)


def test_epochs_follow_from_the_rows_and_steps_do_not() -> None:
    few, many = resolved(400), resolved(3200)
    for spec, rows in ((few, 400), (many, 3200)):
        steps = 2 / 3 * rows / 64
        assert spec.train.epochs == pytest.approx(MOST_STEPS / steps, rel=0.15)
        assert spec.train.epochs_waited == pytest.approx(STEPS_WAITED / steps, rel=0.2)
    assert resolved(3200, space={"batch_size": 640}).train.epochs > 5 * many.train.epochs
    huge = resolved(400, space={"batch_size": 2}).train
    assert (huge.epochs, huge.epochs_waited) == (12, 4), "a curve of fewer epochs is read by chance"


def test_what_the_study_file_says_binds() -> None:
    spec = resolved(400, train={"max_epochs": 7, "patience": 3}).train
    assert (spec.epochs, spec.epochs_waited) == (7, 3)
    assert resolved(400, train={"max_epochs": 40}).train.epochs_waited == 10, "patience fits into what was given"


@pytest.mark.parametrize(
    ("samples", "expected"),
    [(25, (8, 128, 26)), (256, (8, 13, 4)), (1067, (32, 12, 4)), (1e6, (64, 12, 4))],
)
def test_a_quick_budget_takes_smaller_batches_of_fewer_samples(samples: float, expected: tuple[int, ...]) -> None:
    assert quick_budget(samples) == expected
    assert quick_budget(samples, 5)[1:] == (5, 4), "as many epochs as were asked for, and a patience that can act"


def test_all_folds_of_a_walk_take_the_same_steps() -> None:
    spec, folds = make_spec(cv=WALK), make_small_problem((200,), cv=WALK).folds()
    together = LockStep(spec, [FoldRun(fold, Learner(spec, fold, params(), key=(0, 0))) for fold in folds])
    together.train_epoch()
    together.train_epoch()
    passes = [run.learner.batches for run in together.runs]
    assert passes[-1] > 2 * passes[0]
    assert {run.learner.steps for run in together.runs} == {2 * round(np.mean(passes))} == {together.best.steps}


def test_a_refit_on_more_windows_takes_more_steps_and_fewer_passes() -> None:
    problem = make_small_problem((100,), cv={"folds": 2, "holdout": 0.2})
    folds, data = problem.folds(), problem.refit()
    more = len(data.train) / np.mean([len(fold.train) for fold in folds])
    assert more > 1.5
    assert refit_steps(100.4, folds, data) == round(100.4 * more**0.7)
    assert refit_steps(100.4, folds, folds[0]) == 100
    assert refit_steps(0.0, folds, data) == 1
