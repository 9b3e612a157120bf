"""Trains all folds of one trial in lock-step, so that one mean curve decides when it stops and how good it is; trains a
chosen configuration once more, on more rows and for a known number of steps."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from tuner.data.folds import FoldData
from tuner.evaluation.detection import Detection, Scores, detect, fold_metric, root_mean_square, scaled_errors
from tuner.evaluation.sample_scores import find_sample_metric, judge_outputs
from tuner.spec.sections import FLOAT32, Precision, Spec
from tuner.spec.space import Value
from tuner.training.learner import Learner
from tuner.training.outcome import FoldCurve, Outcome, Refitted

# Stands where a trial's number stands in the key of the random streams; no trial has it.
REFIT = 2**32 - 1
# Told of the epoch that a fold has finished, of the fold's number, both from 1 on, and of the trial's value before.
OnFold = Callable[[int, int, float | None], None]


class Diverged(ArithmeticError):
    """A loss became infinite or not a number."""


class FoldRun:
    """One fold of a trial: its learner and what has been measured so far."""

    def __init__(self, data: FoldData, learner: Learner) -> None:
        self.data, self.learner = data, learner
        # as many training windows as validation windows, evenly spaced: the train curve costs no more than the other
        count = min(len(data.valid), len(data.train))
        self._sample = data.train[np.linspace(0, len(data.train) - 1, count).astype(np.int64)]
        self._train_loss: list[float] = []
        self.valid_loss: list[float] = []
        self.outputs = np.empty((0, data.answers.shape[1]), np.float32)  # of the validation windows, the latest

    def train_epoch(self, steps: int) -> Scores:
        """Trains one epoch of so many steps, measures both losses, and scores the validation windows, (m,).

        Raises:
            Diverged: a loss is not finite.
        """
        self.learner.train(steps)
        fitted, train_losses = self.learner.evaluate(self._sample)
        outputs, valid_losses = self.learner.evaluate(self.data.valid)
        self.outputs = outputs
        self._train_loss.append(float(train_losses.mean(dtype=np.float64)))
        self.valid_loss.append(float(valid_losses[self.data.counted].mean(dtype=np.float64)))
        for kind, loss in (("training", self._train_loss[-1]), ("validation", self.valid_loss[-1])):
            if not math.isfinite(loss):
                raise Diverged(f"the {kind} loss became {loss} in epoch {self.epochs}")
        if self.data.targets is None:
            return outputs[:, 0]
        answers = self.data.answers
        residual = root_mean_square(fitted - answers[self._sample])
        scores = scaled_errors(outputs - answers[self.data.valid], residual)
        if not np.isfinite(scores).all():
            raise Diverged(f"a score became infinite in epoch {self.epochs}")
        return scores

    def curve(self, metric: Sequence[float]) -> FoldCurve:
        """The fold's curves over the epochs that all folds have finished, which are those of `metric`."""
        epochs = len(metric)
        return FoldCurve(tuple(self._train_loss[:epochs]), tuple(self.valid_loss[:epochs]), tuple(metric))

    @property
    def epochs(self) -> int:
        return len(self._train_loss)


@dataclass(frozen=True)
class Snapshot:
    """A trial's best epoch, by fold: scores (m,) of the validation windows, and the network's state."""

    scores: tuple[Scores, ...] = ()
    weights: tuple[dict[str, Tensor], ...] = ()
    steps: int = 0


class LockStep:
    """All folds of one trial, trained epoch by epoch side by side.

    An epoch is as many steps in each fold as a pass takes in the mean. In a walk forward the first fold has a fraction
    of the last one's windows: with a pass each, it alone would not yet be trained at the best epoch.
    """

    def __init__(self, spec: Spec, runs: Sequence[FoldRun]) -> None:
        self.runs = runs
        self.curve: list[float] = []
        self.costs: list[float] = []
        self.best = Snapshot()
        self.steps = max(1, round(float(np.mean([run.learner.batches for run in runs]))))
        self._metric = spec.metric
        self._judge = find_sample_metric(spec, runs[0].data.answers.shape[1])
        self._earlier_only = spec.cv.scheme == "walk_forward"
        self._by_fold: list[tuple[float, ...]] = []
        self._flagging = spec.study.flagging
        self._reach = spec.task.window + spec.task.ahead
        self._labels = [run.data.labels[run.data.valid] for run in runs if run.data.labels is not None]

    def train_epoch(self, on_fold: OnFold | None = None) -> None:
        """Trains one epoch of every fold and extends the curve.

        Raises:
            Diverged: a fold's loss is not finite.
        """
        scores = []
        for number, run in enumerate(self.runs, 1):
            try:
                scores.append(run.train_epoch(self.steps))
            except Diverged as error:
                raise Diverged(f"fold {number}: {error}") from None
            if on_fold is not None:
                on_fold(run.epochs, number, self.value)
        if self._judge is not None:
            values = tuple(judge_outputs(self._judge, run.data, run.data.valid, run.outputs) for run in self.runs)
            if np.isnan(values).all():
                raise Diverged(f"no fold has a value of the metric in epoch {len(self.curve) + 1}")
        elif self._metric.name == "loss":
            values = tuple(run.valid_loss[-1] for run in self.runs)
        else:
            values = fold_metric(
                self._metric.name, scores, self._labels, earlier_only=self._earlier_only, flagging=self._flagging
            )
        self._by_fold.append(values)
        self.curve.append(float(np.nanmean(values)))
        self.costs.append(self._metric.cost(values))
        if self.best_epoch == len(self.curve):
            weights = tuple(run.learner.weights() for run in self.runs)
            self.best = Snapshot(tuple(scores), weights, self.runs[0].learner.steps)

    @property
    def best_epoch(self) -> int:
        """The first epoch of the least cost, counted from 1; 0 before there is one."""
        return int(np.argmin(self.costs)) + 1 if self.costs else 0

    @property
    def value(self) -> float | None:
        """The mean at the best epoch so far."""
        return self.curve[self.best_epoch - 1] if self.curve else None

    def fold_curves(self) -> tuple[FoldCurve, ...]:
        return tuple(run.curve([values[fold] for values in self._by_fold]) for fold, run in enumerate(self.runs))

    def detection(self) -> Detection | None:
        """The out-of-fold detection at the best epoch; None without labels or finished epochs."""
        if not self._labels or not self.best.scores or not any(labels.any() for labels in self._labels):
            return None
        return detect(
            self.best.scores,
            self._labels,
            [run.data.first[run.data.valid] for run in self.runs],
            earlier_only=self._earlier_only,
            reach=self._reach,
            flagging=self._flagging,
        )


def train_folds(
    spec: Spec,
    folds: Sequence[FoldData],
    params: Mapping[str, Value],
    *,
    stream: Sequence[int],
    precision: Precision = FLOAT32,
    thresholds: Sequence[float] = (),
    is_audit: bool = False,
    most_epochs: int | None = None,
    on_fold: OnFold | None = None,
) -> Outcome:
    """Trains one configuration on all folds in lock-step until it stops improving, is pruned or diverges.

    Args:
        spec: metric, seed, task and training settings.
        folds: the data of every fold.
        params: a value for each parameter of the space.
        stream: key of the random streams, beside the study's seed and the fold: (number,) for a trial.
        precision: of the networks.
        thresholds: by epoch, the cost above which the least cost so far ends the trial; empty: never.
        is_audit: only note the first epoch whose threshold is exceeded, and go on.
        most_epochs: instead of the study's `max_epochs`.
        on_fold: told of each fold's epochs.
    """
    started = time.monotonic()
    runs = [
        FoldRun(data, Learner(spec, data, params, key=(*stream, number), precision=precision))
        for number, data in enumerate(folds)
    ]
    lock_step = LockStep(spec, runs)
    state: Literal["complete", "pruned", "failed"] = "complete"
    reason, audited = "", 0
    last = most_epochs or spec.train.epochs
    for epoch in range(1, last + 1):
        try:
            lock_step.train_epoch(on_fold)
        except Diverged as error:
            state, reason = "failed", f"diverged: {error}"
            break
        if epoch == last or epoch - lock_step.best_epoch >= spec.train.epochs_waited:
            break  # trained to the end: there is nothing left to prune
        if thresholds and not audited and min(lock_step.costs) > thresholds[epoch - 1]:
            if not is_audit:
                state, reason = "pruned", f"pruned after epoch {epoch}"
                break
            audited = epoch
    weights, zeros, norm = summarise_weights(lock_step.best.weights)
    return Outcome(
        state=state,
        reason=reason,
        curve=tuple(lock_step.curve),
        folds=lock_step.fold_curves(),
        best_epoch=lock_step.best_epoch,
        steps=lock_step.best.steps,
        fold_epochs=sum(run.epochs for run in runs),
        weights=weights,
        zeros=zeros,
        weight_norm=norm,
        detection=lock_step.detection(),
        seconds=time.monotonic() - started,
        audited=audited,
        scores=() if state == "failed" else lock_step.best.scores,
    )


def summarise_weights(states: Sequence[Mapping[str, Tensor]]) -> tuple[int, float, float]:
    """Weights of one network, and the mean over networks of the share of exact zeros and the Euclidean norm.

    Counted are the matrices, which penalties act on; all are 0 without a network.
    """
    matrices = [torch.cat([t.reshape(-1) for t in state.values() if t.ndim > 1]) for state in states]
    if not matrices:
        return 0, 0.0, 0.0
    zeros = float(np.mean([(flat == 0).float().mean().item() for flat in matrices]))
    return len(matrices[0]), zeros, float(np.mean([flat.norm().item() for flat in matrices]))


def refit(
    spec: Spec, data: FoldData, params: Mapping[str, Value], *, steps: int, repeat: int, precision: Precision = FLOAT32
) -> Refitted:
    """Trains a network on the training windows of `data` for exactly `steps` steps, and runs it on the validation ones.

    Two configurations refitted with the same `repeat` begin from the same random stream: a pair.

    Args:
        spec: seed, task and training settings.
        data: all rows before the holdout (refit A), or all rows, which leaves no validation windows.
        params: a value for each parameter of the space.
        steps: the folds' mean number of optimiser steps at the best epoch.
        repeat: which of several refits, from 0 on.
        precision: of the network.
    """
    learner = Learner(spec, data, params, key=(REFIT, repeat), precision=precision)
    learner.train(steps)
    weights = {name: tensor.cpu().numpy() for name, tensor in learner.weights().items()}
    learner.bf16 = False
    outputs = learner.evaluate(data.valid)[0] if len(data.valid) else np.empty((0, data.answers.shape[1]), np.float32)
    if data.targets is None:
        return Refitted(weights, None, outputs)
    return Refitted(weights, root_mean_square(learner.evaluate(data.train)[0] - data.answers[data.train]), outputs)
