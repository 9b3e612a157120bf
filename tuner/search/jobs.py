"""Jobs of a worker: values that are sent to it, and what each does there."""

import pickle
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tuner.data.folds import FoldData
from tuner.search.events import Progressed
from tuner.spec.sections import Precision, Spec
from tuner.spec.space import Value
from tuner.training.outcome import Outcome, Refitted

R_co = TypeVar("R_co", covariant=True)

# Each stands where a trial's number stands in the key of the random streams; no trial has it.
REPEAT, PATH = 2**32 - 2, 2**32 - 3


@dataclass(frozen=True)
class Shared:
    """The data that all jobs of a study share."""

    spec: Spec
    folds: tuple[FoldData, ...]
    precision: Precision


def pack(value: Spec | Shared, spec: Spec, apart: Callable[[pickle.PickleBuffer], object] | None = None) -> bytes:
    """Pickles what goes to a worker, by value where a class given from Python is in it; `apart` is given its arrays."""
    if not spec.is_given:
        return pickle.dumps(value, protocol=5, buffer_callback=apart)
    import cloudpickle  # type: ignore[import-untyped]  # needed for such alone

    packed: bytes = cloudpickle.dumps(value, protocol=5, buffer_callback=apart)
    return packed


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
        thresholds: by epoch, the cost (`Metric.cost`) above which the least so far has it pruned; empty: never.
        is_audit: it is finished even if it would be pruned, and the outcome says so.
        most_epochs: instead of the study's `max_epochs`.
    """

    number: int
    params: Mapping[str, Value]
    stream: tuple[int, ...]
    thresholds: tuple[float, ...] = ()
    is_audit: bool = False
    most_epochs: int | None = None

    def run(self, shared: Shared, report: Report) -> Outcome:
        from tuner.model.own import own_network
        from tuner.training.precision import device_fault
        from tuner.training.trainer import train_folds

        if shared.spec.model.own is not None:
            # a network that has changed ends the run, not the trial
            own_network(shared.spec.model)

        def on_fold(epoch: int, fold: int, value: float | None) -> None:
            report(Progressed(self.number, epoch, fold, value))

        try:
            return train_folds(
                shared.spec,
                shared.folds,
                self.params,
                stream=self.stream,
                precision=shared.precision,
                thresholds=self.thresholds,
                is_audit=self.is_audit,
                most_epochs=self.most_epochs,
                on_fold=on_fold,
            )
        except Exception as error:
            if fault := device_fault(error, shared.precision):
                raise fault from None
            return Outcome("failed", traceback.format_exc())


@dataclass(frozen=True)
class Refit:
    """Trains a configuration on the shared data, one fold, for `steps` optimiser steps; judges it on the other windows.

    Refits with the same `seed` begin from the same random stream.
    """

    params: Mapping[str, Value]
    steps: int
    seed: int

    def run(self, shared: Shared, report: Report) -> Refitted:  # noqa: ARG002 (the protocol's)
        from tuner.training.trainer import refit

        return refit(
            shared.spec, shared.folds[0], self.params, steps=self.steps, repeat=self.seed, precision=shared.precision
        )
