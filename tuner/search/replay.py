"""Trains one trial of a finished study again, and says whether it comes out the same."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tuner.errors import UserError
from tuner.search.events import ignore
from tuner.search.jobs import Shared, Task, do_here
from tuner.search.study import Prepared
from tuner.storage.stored_study import StoredStudy
from tuner.training.machine import probe
from tuner.training.outcome import Outcome


@dataclass(frozen=True)
class Replay:
    """A trial beside its replay.

    Attributes:
        identical: all fold curves are the same, bit for bit.
        distance: the greatest absolute difference between the two validation curves, over the epochs that both have.
        epochs: how many epochs the trial and its replay have.
        changed: what is not as it was in the latest run, each as a few words.
    """

    number: int
    identical: bool
    distance: float
    epochs: tuple[int, int]
    changed: tuple[str, ...]


def retrain(prepared: Prepared, study: StoredStudy, number: int) -> Replay:
    """Trains trial `number` again, for as many epochs if it was pruned.

    Raises:
        UserError: there is no such trial, it is not finished, or the study needs another processor.
    """
    stored, params = study.outcomes(), study.params()
    if number not in stored:
        last = max(stored, default=-1)
        raise UserError(
            f"there is no finished trial {number}",
            where=study.spec.study.name,
            hint=f"its finished trials are 0 to {last}" if last >= 0 else "run it first",
        )
    machine = probe(study.spec, len(study.facts.features))
    machine.refuse(study.spec, study.facts.precision)
    before = stored[number]
    # any cost exceeds the last one
    ends = [*[math.inf] * (len(before.curve) - 1), -math.inf] if before.state == "pruned" else []
    shared = Shared(study.spec, prepared.folds, study.facts.precision)
    again = do_here(Task(number, params[number], (number,), tuple(ends)), shared, ignore)
    both = min(len(before.curve), len(again.curve))
    gaps = np.abs(np.subtract(before.curve[:both], again.curve[:both]))
    return Replay(
        number=number,
        identical=_bits(before) == _bits(again),
        distance=float(gaps.max(initial=0.0)),
        epochs=(len(before.curve), len(again.curve)),
        changed=_changed(prepared, study, machine.environment),
    )


def _bits(outcome: Outcome) -> str:
    """All curves, exactly; NaN equals NaN."""
    return repr((outcome.curve, outcome.folds))


def _changed(prepared: Prepared, study: StoredStudy, now: Mapping[str, str]) -> tuple[str, ...]:
    then = study.environment()
    changed = [f"{name} {then.get(name)} then, {now[name]} now" for name in now if then.get(name) != now[name]]
    if prepared.facts.digest != study.facts.digest:
        changed.append("the data")
    return tuple(changed)
