"""What a worker can be asked to do: values that are sent to it, and what each does there."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from tuner.data.folds import FoldData
from tuner.search.events import Progressed
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.training.outcome import Outcome

if TYPE_CHECKING:
    from tuner.training.refitted import Refitted

R_co = TypeVar("R_co", covariant=True)

# Each stands where a trial's number stands in the key of the random streams; no trial has it.
REPEAT, PATH = 2**32 - 2, 2**32 - 3


@dataclass(frozen=True)
class Shared:
    """What all jobs of a study share."""

    spec: Spec
    folds: tuple[FoldData, ...]
    bf16_from: int | None


Report = Callable[[Progressed], None]


class Job(Protocol[R_co]):
    """Something to do on a worker. It imports torch only then: the coordinator, which makes jobs, does without."""

    def run(self, shared: Shared, report: Report) -> R_co:
        """Does it."""


def do_here(job: Job[R_co], shared: Shared, report: Report) -> R_co:
    """Does a job in this process, in one thread: a second one gains nothing, and results would depend on the load."""
    import torch

    torch.set_num_threads(1)
    return job.run(shared, report)


@dataclass(frozen=True)
class Task:
    """Trains one configuration on all folds in lock-step; whatever that raises becomes a failed outcome.

    Attributes:
        number: of the trial; its reports have it.
        stream: key of the random streams: (number,) for the trial itself.
        thresholds: by epoch, the cost (`Metric.cost`) of the best mean so far above which it is pruned; empty: never.
        is_audit: it goes on where it would be pruned, and the outcome says so.
    """

    number: int
    params: Mapping[str, Value]
    stream: tuple[int, ...]
    thresholds: tuple[float, ...] = ()
    is_audit: bool = False

    def run(self, shared: Shared, report: Report) -> Outcome:
        from tuner.training.trainer import train_folds

        spec = shared.spec
        pruning = Pruning(self, spec, report)
        try:
            outcome = train_folds(
                spec, shared.folds, self.params, stream=self.stream, bf16_from=shared.bf16_from, callback=pruning
            )
        except Exception:
            outcome = Outcome.failed(traceback.format_exc())
        return replace(outcome, audited=pruning.audited)


class Pruning:
    """The `Callback` of a task: prunes it by its thresholds, and reports every fold.

    Attributes:
        audited: the epoch after which the task would have been pruned, were it no audit; else 0.
    """

    def __init__(self, task: Task, spec: Spec, report: Report) -> None:
        self._task, self._metric, self._report = task, spec.metric, report
        self._best: float | None = None
        self.audited = 0

    def fold_trained(self, epoch: int, fold: int) -> None:
        self._report(Progressed(self._task.number, epoch, fold, self._best))

    def should_prune(self, epoch: int, curve: Sequence[float]) -> bool:
        self._best = self._metric.best(curve)
        if self.audited or not self._task.thresholds:
            return False
        is_poor = self._metric.cost(self._best) > self._task.thresholds[epoch - 1]
        if is_poor and self._task.is_audit:
            self.audited = epoch
        return is_poor and not self._task.is_audit


@dataclass(frozen=True)
class Refit:
    """Trains a configuration on the training windows of `data` for `steps` optimiser steps; judges it on the others.

    Refits with the same `seed` begin from the same random stream.
    """

    data: FoldData
    params: Mapping[str, Value]
    steps: int
    seed: int

    def run(self, shared: Shared, report: Report) -> "Refitted":  # noqa: ARG002 (the protocol's)
        from tuner.training.refit import judge, refit

        learner = refit(
            shared.spec, self.data, self.params, steps=self.steps, repeat=self.seed, bf16_from=shared.bf16_from
        )
        return judge(learner, self.data)
