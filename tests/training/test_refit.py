"""The refit: as many steps as cross-validation chose, pairs that begin alike, and judged by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.making import make_small_problem, make_spec, marked, params
from tuner.training.learner import Learner
from tuner.training.refit import judge, refit


def refitted(steps: int, repeat: int = 0, weight_decay: float = 0.0) -> Learner:
    data = make_small_problem(cv={"folds": 2, "holdout": 0.25}).refit()  # 41 windows: 6 steps an epoch
    chosen = params(weight_decay=weight_decay)
    return refit(make_spec(), data, chosen, steps=steps, repeat=repeat, bf16_from=None)


def head(learner: Learner) -> torch.Tensor:
    return learner.weights()["head.weight"]


@pytest.mark.parametrize("steps", [0, 1, 6, 8])
def test_it_takes_exactly_as_many_steps(steps):
    assert refitted(steps).steps == steps


def test_it_is_the_same_each_time_and_differs_by_repeat():
    assert torch.equal(head(refitted(8)), head(refitted(8)))
    assert not torch.equal(head(refitted(8)), head(refitted(8, repeat=1)))


def test_two_configurations_with_one_repeat_begin_alike():
    assert torch.equal(head(refitted(0, repeat=1)), head(refitted(0, repeat=1, weight_decay=1.0)))
    assert not torch.equal(head(refitted(8, repeat=1)), head(refitted(8, repeat=1, weight_decay=1.0)))


def test_a_refit_is_judged_on_the_windows_that_it_did_not_see():
    data = make_small_problem(cv={"folds": 2, "holdout": 0.25}).refit()
    learner = refitted(8)
    errors = learner.evaluate(data.valid)[0] - data.answers[data.valid]
    residual = np.sqrt(np.mean((learner.evaluate(data.train)[0] - data.answers[data.train]) ** 2))
    judged = judge(learner, data)
    np.testing.assert_allclose(judged.losses, errors[:, 0] ** 2, rtol=1e-6)
    assert judged.residual is not None
    np.testing.assert_allclose(judged.residual, [residual], rtol=1e-6)
    np.testing.assert_allclose(judged.scores, np.abs(errors[:, 0]) / residual, rtol=1e-6)
    assert torch.equal(torch.from_numpy(np.array(judged.weights["head.weight"])), head(learner))


def test_a_classifier_is_scored_by_its_logit_and_nothing_may_be_left_to_judge():
    labels = marked(60, (5, 9), (30, 34), (52, 56))
    problem = make_small_problem(labels=labels, cv={"folds": 2, "holdout": 0.25}, task={"kind": "classify"})
    data = problem.refit()
    spec = make_spec(task={"kind": "classify"})
    learner = refit(spec, data, params(), steps=2, repeat=0, bf16_from=None)
    judged = judge(learner, data)
    assert judged.residual is None
    assert np.array_equal(judged.scores, learner.evaluate(data.valid)[0][:, 0])
    alone = judge(learner, replace(data, valid=data.valid[:0]))
    assert alone.losses.shape == alone.scores.shape == (0,)
