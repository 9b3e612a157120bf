"""About how long a study will take, by a few timed steps."""

import math
import time
from collections.abc import Callable, Mapping
from statistics import fmean

import numpy as np
import torch

from tuner.data.folds import FoldData, Problem
from tuner.data.splits import Fold
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


def time_study(spec: Spec, problem: Problem, precision: Precision, workers: int) -> Callable[[int, int], float]:
    """The seconds of search, repeats and final test, by the number of trials and by the stride over the windows.

    A few steps of some configurations are timed, once.
    """
    torch.set_num_threads(1)
    encoding = Encoding(spec.space)
    points = np.random.default_rng(spec.study.seed).random((TIMED_CONFIGURATIONS, encoding.axes))
    drawn = [with_constants(spec.space, encoding.decode(point)) for point in encoding.round(points)]
    first = problem.prepare(problem.split.folds[0])
    timed = [_timed(spec, first, params, precision) for params in drawn]
    folds = [Fold(problem.learnt(fold)[0], fold.valid) for fold in problem.split.folds]

    def seconds(trials: int, stride: int) -> float:
        thinned = [Fold(fold.train[::stride], fold.valid[::stride]) for fold in folds]
        evaluated = sum(len(fold.valid) + min(len(fold.train), len(fold.valid)) for fold in thinned)
        epochs = [
            step * sum(math.ceil(len(fold.train) / int(params["batch_size"])) for fold in thinned) + window * evaluated
            for params, (step, window) in zip(drawn, timed, strict=True)
        ]
        study = spec.model_copy(update={"study": spec.study.model_copy(update={"trials": trials})})
        work = USUAL_SHARE * sum(stage_work(study).values())
        return fmean(epochs) * with_budget(spec, thinned).train.epochs * work / workers

    return seconds


def _timed(spec: Spec, fold: FoldData, params: Mapping[str, Value], precision: Precision) -> tuple[float, float]:
    """The seconds of a step of a configuration, and of evaluating a window."""
    learner = Learner(spec, fold, params, key=(0, 0), precision=precision)
    learner.train(1)
    learner.evaluate(fold.train[:TIMED_WINDOWS])
    started = time.process_time()
    learner.train(TIMED_STEPS)
    between = time.process_time()
    learner.evaluate(fold.train[:TIMED_WINDOWS])
    return (between - started) / TIMED_STEPS, (time.process_time() - between) / min(TIMED_WINDOWS, len(fold.train))
