"""Events of a search, as values; `notify` is called with them and decides nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from tuner.results.regularisation_path import Point
from tuner.spec.space import Value
from tuner.training.outcome import Outcome

# Work of a known extent that is not the search itself: training finalists again from other seeds, refits for the
# holdout, points of a regularisation path, and refits for a bundle.
Stage = Literal["repeats", "holdout", "path", "bundle"]


@dataclass(frozen=True)
class Resumed:
    """A run begins; earlier runs told these trials."""

    told: Mapping[int, Outcome]


@dataclass(frozen=True)
class Started:
    """A worker was given trial `number`."""

    number: int
    params: Mapping[str, Value]


@dataclass(frozen=True)
class Progressed:
    """A worker has trained `epoch` of `fold` in trial `number`; `value` is the best mean so far, if there is one."""

    number: int
    epoch: int
    fold: int
    value: float | None


@dataclass(frozen=True)
class Told:
    """Trial `number` is finished, and so are all before it."""

    number: int
    params: Mapping[str, Value]
    outcome: Outcome


@dataclass(frozen=True)
class StageBegan:
    """So many steps of a stage follow; `done` ones are there from earlier runs."""

    stage: Stage
    count: int
    done: int = 0


@dataclass(frozen=True)
class StageAdvanced:
    """A step of the stage is done."""

    stage: Stage


@dataclass(frozen=True)
class Repeated:
    """Repeat `repeat` of trial `number` is trained: a step of the stage "repeats"."""

    number: int
    repeat: int
    outcome: Outcome


@dataclass(frozen=True)
class PointTrained:
    """A point of a path is there: one from an earlier run (`stored`), or else a step of the stage "path"."""

    point: Point
    stored: bool


@dataclass(frozen=True)
class Ticked:
    """Time has passed: a display may be redrawn."""


Event = Resumed | Started | Progressed | Told | StageBegan | StageAdvanced | Repeated | PointTrained | Ticked
Notify = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Takes no notice."""
