"""About how long a search will take, by a few timed steps."""

import time
from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np
import torch

from tuner.data.folds import FoldData
from tuner.search.encoding import Encoding
from tuner.spec.sections import Precision, Spec
from tuner.spec.space import Value
from tuner.storage.distributions import with_constants
from tuner.terminal.display import USUAL_SHARE, stage_work
from tuner.training.budget import with_budget
from tuner.training.learner import Learner

# Time is taken of this process alone, whatever else the machine does.
# Configurations that are timed, drawn from all over the space: wide networks cost most of the time.
TIMED_CONFIGURATIONS = 8
# Steps of each that are timed, after a first one that warms up, and windows that are evaluated.
TIMED_STEPS = 4
TIMED_WINDOWS = 512


def estimate_seconds(spec: Spec, folds: Sequence[FoldData], precision: Precision, workers: int) -> float:
    """The time of the search, the repeats and the final test by a few timed steps of some configurations."""
    torch.set_num_threads(1)
    spec = with_budget(spec, folds)
    encoding = Encoding(spec.space)
    points = np.random.default_rng(spec.study.seed).random((TIMED_CONFIGURATIONS, encoding.axes))
    drawn = [with_constants(spec.space, encoding.decode(point)) for point in encoding.round(points)]
    epochs = [_epoch_seconds(spec, folds, params, precision) for params in drawn]
    return fmean(epochs) * spec.train.epochs * USUAL_SHARE * sum(stage_work(spec).values()) / workers


def _epoch_seconds(spec: Spec, folds: Sequence[FoldData], params: Mapping[str, Value], precision: Precision) -> float:
    """The time that one epoch of a configuration takes on all folds."""
    fold = folds[0]
    learner = Learner(spec, fold, params, key=(0, 0), precision=precision)
    learner.train(1)
    learner.evaluate(fold.train[:TIMED_WINDOWS])
    started = time.process_time()
    learner.train(TIMED_STEPS)
    between = time.process_time()
    learner.evaluate(fold.train[:TIMED_WINDOWS])
    step = (between - started) / (learner.steps - 1)
    evaluation = (time.process_time() - between) / min(TIMED_WINDOWS, len(fold.train))
    # folds differ in size: under walk_forward the first has a fraction of the last one's windows
    trained = sum(len(fold.train) for fold in folds)
    evaluated = sum(len(fold.valid) + min(len(fold.train), len(fold.valid)) for fold in folds)
    return step * learner.batches * trained / len(fold.train) + evaluation * evaluated
