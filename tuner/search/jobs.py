"""What a worker can be asked to do, as values that are sent to it, and what it answers. Loads no torch: the coordinator
begins without."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from tuner.data.folds import FoldData
from tuner.errors import UserError
from tuner.evaluation.detection import Scores
from tuner.search.events import Progressed
from tuner.spec.sections import Spec
from tuner.spec.space import Value, ends
from tuner.training.outcome import Outcome

if TYPE_CHECKING:
    from tuner.search.worker import Worker
    from tuner.training.refitted import Refitted

R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True)
class Machine:
    """What a worker runs on.

    Attributes:
        bf16_from: hidden size from which on a study that begins here is to use bfloat16; None for never.
        bf16: whether it can at all.
        environment: versions, processor and device, by name.
    """

    bf16_from: int | None
    bf16: bool
    environment: Mapping[str, str]

    def refuse(self, spec: Spec, bf16_from: int | None) -> None:
        """Refuses a study whose widest networks use bfloat16, from that hidden size on, where there is none.

        Raises:
            UserError: they do.
        """
        widest = max(int(size) for size in ends(spec.space["hidden_size"]))
        if bf16_from is not None and widest >= bf16_from and not self.bf16:
            raise UserError(
                "the study trains in bfloat16, for which this processor has no LSTM (it takes AVX512 or a GPU)",
                where=spec.study.name,
                hint='run it on a machine that has, or a study of another name with `[train] precision = "fp32"`',
            )


@dataclass(frozen=True)
class Shared:
    """What all trials of a study share."""

    spec: Spec
    folds: tuple[FoldData, ...]
    bf16_from: int | None


Report = Callable[[Progressed], None]


class Job(Protocol[R_co]):
    """Something to do on a worker."""

    def run(self, worker: "Worker", report: Report) -> R_co:
        """Does it."""


@dataclass(frozen=True)
class Result:
    """A trained trial, or a repeat of one."""

    number: int
    outcome: Outcome
    repeat: int = 0


@dataclass(frozen=True)
class Task:
    """One trial to train: its parameters, and how many finished trials, from number 0 on, it may know.

    With `repeat` above 0 it is trained again, from other random streams, and never pruned.
    """

    number: int
    params: Mapping[str, Value]
    known: int
    repeat: int = 0

    def run(self, worker: "Worker", report: Report) -> Result:
        return worker.train(self, report)


@dataclass(frozen=True)
class OutOfFold:
    """Trains trial `number` again, as it was, for its out-of-fold scores by fold, each (m,)."""

    number: int
    params: Mapping[str, Value]

    def run(self, worker: "Worker", report: Report) -> tuple[Scores, ...]:  # noqa: ARG002
        return worker.out_of_fold(self)


@dataclass(frozen=True)
class PathPoint:
    """Trains a configuration on all folds, from the one random stream that all points of a path share."""

    params: Mapping[str, Value]

    def run(self, worker: "Worker", report: Report) -> Outcome:  # noqa: ARG002
        return worker.path_point(self)


@dataclass(frozen=True)
class Refit:
    """Trains a configuration on the training windows of `data` for `steps` optimiser steps; judges it on the others.

    Refits with the same `seed` begin from the same random stream.
    """

    data: FoldData
    params: Mapping[str, Value]
    steps: int
    seed: int

    def run(self, worker: "Worker", report: Report) -> "Refitted":  # noqa: ARG002
        return worker.refit(self)
