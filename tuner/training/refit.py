"""Trains a chosen configuration once more, on more rows and for a known number of steps."""

from collections.abc import Mapping

import numpy as np

from tuner.data.folds import FoldData
from tuner.data.series import Floats
from tuner.evaluation.detection import root_mean_square, scaled_errors
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.training.learner import Learner
from tuner.training.refitted import Refitted
from tuner.training.trainer import make_learner

# Stands where a trial's number stands in the key of the random streams; no trial has it.
REFIT = 2**32 - 1


def refit(
    spec: Spec, data: FoldData, params: Mapping[str, Value], *, steps: int, repeat: int, bf16_from: int | None
) -> Learner:
    """A network trained on the training windows of `data` for exactly `steps` optimiser steps.

    Two configurations refitted with the same `repeat` begin from the same random stream: a pair.

    Args:
        spec: seed, task and training settings.
        data: all rows before the holdout (refit A), or all rows.
        params: a value for each parameter of the space.
        steps: the folds' mean number of steps at the best epoch.
        repeat: which of several refits, from 0 on.
        bf16_from: hidden size from which on bfloat16 is used.
    """
    learner = make_learner(spec, data, params, key=(REFIT, repeat), bf16_from=bf16_from)
    while learner.steps < steps:
        learner.train_epoch(most_steps=steps - learner.steps)
    return learner


def judge(learner: Learner, data: FoldData) -> Refitted:
    """Scores the validation windows of `data`, of which there may be none, by a network that was refitted on it."""
    weights = {name: tensor.cpu().numpy() for name, tensor in learner.weights().items()}
    residual: Floats | None = None
    outputs, losses = np.empty((0, data.answers.shape[1]), np.float32), np.empty(0, np.float32)
    if len(data.valid):
        outputs, losses = learner.evaluate(data.valid)
    if data.targets is None:
        return Refitted(weights, residual, losses, outputs[:, 0])
    residual = root_mean_square(learner.evaluate(data.train)[0] - data.answers[data.train])
    return Refitted(weights, residual, losses, scaled_errors(outputs - data.answers[data.valid], residual))
