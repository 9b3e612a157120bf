"""How long a network trains: budgets in optimiser steps, and the learning rate from step to step."""

import math
from collections.abc import Sequence

from tuner.data.folds import FoldData
from tuner.data.splits import Fold
from tuner.spec.sections import Spec

# Steps within which a configuration's best epoch is looked for, and without a better one before it is left.
MOST_STEPS, STEPS_WAITED = 1500, 200
# The same where a call should end in a minute or few; the batches that a pass is aimed at, and their least and greatest
# size: a step on fewer samples costs less.
QUICK_STEPS, QUICK_WAITED, BATCHES, BATCH_SIZES = 400, 80, 32, (8, 64)
# Epochs that either takes at least: a curve of fewer points is read by chance.
LEAST_EPOCHS, LEAST_PATIENCE = 12, 4
# The cap on epochs of a repeat, where `max_epochs` is left to the tuner, over that of a trial.
EXTENSION = 4
# Steps to reach the full learning rate, and those after which the decay has set in.
WARM_UP, DECAY = 50, 1000
# The power of the number of training windows that the best step grows with: between 0 (steps) and 1 (passes). Measured
# on five series, from a quarter of the rows to all and from folds to refits, scored on later rows: the median of 27.
GROWTH = 0.7


def learning_rate_factor(step: int) -> float:
    """The share of the learning rate that step `step`, counted from 0, takes: a linear warm-up, then 1 / sqrt(steps).

    It needs no horizon: early stopping, a refit for more steps and an extension all see the same rates.
    """
    return min((step + 1) / WARM_UP, 1 / math.sqrt(1 + max(0, step + 1 - WARM_UP) / DECAY))


def full_steps(steps: float) -> float:
    """The number of steps at the full learning rate that amount to the first `steps`, as penalties see them."""
    return sum(map(learning_rate_factor, range(round(steps))))


def refit_steps(steps: float, folds: Sequence[FoldData], data: FoldData) -> int:
    """The steps of a refit: those that were best in cross-validation, and more of them as it has more windows."""
    windows = sum(len(fold.train) for fold in folds) / len(folds)
    return max(1, round(steps * math.pow(len(data.train) / windows, GROWTH)))


def with_budget(spec: Spec, folds: Sequence[FoldData | Fold]) -> Spec:
    """The study with the `max_epochs` and `patience` that it leaves to the tuner, the same for all its trials.

    They follow from the folds' mean number of training windows and the default batch size.
    """
    windows = sum(len(fold.train) for fold in folds) / len(folds)
    steps = max(1.0, windows / float(spec.space["batch_size"].default))
    epochs = max(LEAST_EPOCHS, math.ceil(MOST_STEPS / steps))
    if spec.train.max_epochs != "auto":
        epochs = spec.train.max_epochs
    patience = max(LEAST_PATIENCE, min(math.ceil(STEPS_WAITED / steps), epochs // 4))
    if spec.train.patience != "auto":
        patience = spec.train.patience
    return spec.model_copy(update={"train": spec.train.model_copy(update={"max_epochs": epochs, "patience": patience})})


def quick_budget(samples: float, epochs: int | None = None) -> tuple[int, int, int]:
    """Batch size, `max_epochs` and `patience` for so many training samples, where a call should end soon.

    Args:
        samples: that a fold trains on.
        epochs: the most; by default what `QUICK_STEPS` come to.
    """
    least, most = BATCH_SIZES
    batch_size = int(2 ** round(math.log2(min(max(samples / BATCHES, least), most))))
    steps = max(1.0, samples / batch_size)
    epochs = epochs or max(LEAST_EPOCHS, math.ceil(QUICK_STEPS / steps))
    return batch_size, epochs, max(LEAST_PATIENCE, min(math.ceil(QUICK_WAITED / steps), epochs // 3))
