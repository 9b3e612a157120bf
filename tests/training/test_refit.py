"""The refit: as many steps as cross-validation chose, and pairs that begin alike."""

import pytest
import torch

from tests.making import make_small_problem, make_spec, params
from tuner.training.learner import Learner
from tuner.training.refit import refit


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
