"""The refit: as many steps as cross-validation chose, pairs that begin alike, and outputs by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.making import make_small_problem, make_spec, marked, needs_bf16, params
from tuner.spec.sections import Precision
from tuner.training.learner import Learner
from tuner.training.outcome import Refitted
from tuner.training.trainer import REFIT, refit

DATA = make_small_problem(cv={"folds": 2, "holdout": 0.25}).refit()  # 41 windows: 6 steps an epoch


def refitted(steps: int, repeat: int = 0, weight_decay: float = 0.0) -> Refitted:
    return refit(make_spec(), DATA, params(weight_decay=weight_decay), steps=steps, repeat=repeat)


def alike(left: Refitted, right: Refitted) -> bool:
    return np.array_equal(left.weights["head.weight"], right.weights["head.weight"])


def by_hand(steps: int) -> Learner:
    learner = Learner(make_spec(), DATA, params(), key=(REFIT, 0))
    learner.train(steps)
    return learner


@pytest.mark.parametrize("steps", [0, 1, 6, 8])
def test_it_takes_exactly_as_many_steps(steps):
    learner = by_hand(steps)
    assert learner.steps == steps
    assert np.array_equal(learner.weights()["head.weight"], refitted(steps).weights["head.weight"])


def test_it_is_the_same_each_time_and_differs_by_repeat():
    assert alike(refitted(8), refitted(8))
    assert not alike(refitted(8), refitted(8, repeat=1))


def test_two_configurations_with_one_repeat_begin_alike():
    assert alike(refitted(0, repeat=1), refitted(0, repeat=1, weight_decay=1.0))
    assert not alike(refitted(8, repeat=1), refitted(8, repeat=1, weight_decay=1.0))


def test_a_refit_keeps_its_outputs_for_the_windows_that_it_did_not_see_and_its_training_residual():
    learner, found = by_hand(8), refitted(8)
    residual = np.sqrt(np.mean((learner.evaluate(DATA.train)[0] - DATA.answers[DATA.train]) ** 2))
    assert np.array_equal(found.outputs, learner.evaluate(DATA.valid)[0])
    assert found.residual is not None
    np.testing.assert_allclose(found.residual, [residual], rtol=1e-6)


@needs_bf16
def test_a_network_trained_in_bfloat16_gives_out_what_a_bundle_would_in_float32():
    found = refit(make_spec(), DATA, params(), steps=2, repeat=0, precision=Precision(bf16_from=1))
    learner = Learner(make_spec(), DATA, params(), key=(REFIT, 0))
    learner.network.load_state_dict({name: torch.from_numpy(array) for name, array in found.weights.items()})
    assert np.array_equal(found.outputs, learner.evaluate(DATA.valid)[0])


def test_a_classifier_has_no_residual_and_no_window_may_be_left_to_score():
    labels = marked(60, (5, 9), (30, 34), (52, 56))
    data = make_small_problem(labels=labels, cv={"folds": 2, "holdout": 0.25}, task={"kind": "classify"}).refit()
    spec = make_spec(task={"kind": "classify"})
    found = refit(spec, data, params(), steps=0, repeat=0)
    assert found.residual is None
    untrained = Learner(spec, data, params(), key=(REFIT, 0))
    assert np.array_equal(found.outputs, untrained.evaluate(data.valid)[0])
    alone = refit(spec, replace(data, valid=data.valid[:0]), params(), steps=2, repeat=0)
    assert alone.outputs.shape == (0, 1)
