"""What runs inside a worker: a study's data are placed once, then jobs are done; most of them train a trial."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import torch

from tuner.data.folds import FoldData
from tuner.search.pruning import PruningWatch
from tuner.search.replica import Finished, Replica
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.training.curves import Outcome
from tuner.training.metrics import Scores
from tuner.training.refit import Refitted, judge, refit
from tuner.training.trainer import PATH, train_folds, train_trial

R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True)
class Placed:
    """What all trials of a study share."""

    spec: Spec
    folds: tuple[FoldData, ...]
    bf16_from: int | None


class Job(Protocol[R_co]):
    """What a worker can be asked to do; a value, as it is sent to another process."""

    def run(self, worker: "Worker", report: "Callable[[Progress], None]") -> R_co:
        """Does it, on the worker."""


@dataclass(frozen=True)
class Task:
    """One trial to train: its parameters, and how many finished trials, from number 0 on, it may know.

    With `repeat` above 0 it is trained again, from other random streams, and never pruned.
    """

    number: int
    params: Mapping[str, Value]
    known: int
    repeat: int = 0

    def run(self, worker: "Worker", report: "Callable[[Progress], None]") -> "Result":
        return worker.train(self, report)


@dataclass(frozen=True)
class OutOfFold:
    """Trains trial `number` again, as it was, for its out-of-fold scores by fold, each (m,)."""

    number: int
    params: Mapping[str, Value]

    def run(self, worker: "Worker", report: "Callable[[Progress], None]") -> tuple[Scores, ...]:  # noqa: ARG002
        placed = worker.placed
        stream = (self.number,)
        return train_folds(placed.spec, placed.folds, self.params, stream=stream, bf16_from=placed.bf16_from)[1]


@dataclass(frozen=True)
class PathPoint:
    """Trains a configuration on all folds, from the one random stream that all points of a path share."""

    params: Mapping[str, Value]

    def run(self, worker: "Worker", report: "Callable[[Progress], None]") -> Outcome:  # noqa: ARG002
        placed = worker.placed
        try:
            return train_folds(placed.spec, placed.folds, self.params, stream=(PATH,), bf16_from=placed.bf16_from)[0]
        except Exception:
            return failure(traceback.format_exc())


@dataclass(frozen=True)
class Refit:
    """Trains a configuration on the training windows of `data` for `steps` optimiser steps; judges it on the others.

    Refits with the same `seed` begin from the same random stream.
    """

    data: FoldData
    params: Mapping[str, Value]
    steps: int
    seed: int

    def run(self, worker: "Worker", report: "Callable[[Progress], None]") -> Refitted:  # noqa: ARG002
        spec, bf16_from = worker.placed.spec, worker.placed.bf16_from
        learner = refit(spec, self.data, self.params, steps=self.steps, repeat=self.seed, bf16_from=bf16_from)
        return judge(learner, self.data)


@dataclass(frozen=True)
class Progress:
    """A live sign from a trial: `fold` has finished `epoch`; `value` is the best mean so far."""

    number: int
    epoch: int
    fold: int
    value: float | None


@dataclass(frozen=True)
class Result:
    """A trained trial, or a repeat of one."""

    number: int
    outcome: Outcome
    repeat: int = 0


class Worker:
    """Does the jobs of one study, one after the other; keeps what it was told of finished trials.

    Attributes:
        placed: what all of them share.
    """

    def __init__(self, placed: Placed) -> None:
        # one thread a process: a second one gains nothing here, and results would depend on the machine's load
        torch.set_num_threads(1)
        self.placed = placed
        self._finished: list[Finished] = []
        self._replica = Replica(placed.spec)

    @property
    def known(self) -> int:
        return len(self._finished)

    def learn(self, news: Sequence[Finished]) -> None:
        """Takes in finished trials, those before the first of them being known already."""
        if news:
            self._finished[news[0].number :] = news

    def train(self, task: Task, report: Callable[[Progress], None]) -> Result:
        """Trains one trial; whatever it raises becomes a failed outcome with its traceback."""
        spec = self.placed.spec

        def progress(epoch: int, fold: int, curve: Sequence[float]) -> None:
            best = (max if spec.maximise else min)(curve, default=None)
            report(Progress(task.number, epoch, fold, best))

        known = self._finished[: task.known]
        watch = PruningWatch(self._replica, task.number, known, progress, may_prune=not task.repeat)
        try:
            outcome = train_trial(
                spec,
                self.placed.folds,
                task.params,
                trial=task.number,
                repeat=task.repeat,
                bf16_from=self.placed.bf16_from,
                watch=watch,
            )
        except Exception:
            outcome = failure(traceback.format_exc())
        return Result(task.number, replace(outcome, audited=watch.audited), task.repeat)


def failure(reason: str) -> Outcome:
    """The outcome of a trial that could not be trained."""
    return Outcome(
        state="failed",
        reason=reason,
        curve=(),
        folds=(),
        best_epoch=0,
        steps=0.0,
        fold_epochs=0,
        weights=0,
        zeros=0.0,
        weight_norm=0.0,
        detection=None,
        seconds=0.0,
    )
