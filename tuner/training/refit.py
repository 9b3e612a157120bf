"""Trains a chosen configuration once more, on more rows and for a known number of steps."""

from collections.abc import Mapping

from tuner.data.folds import FoldData
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.training.learner import Learner
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
