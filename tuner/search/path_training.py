"""Trains the points of a regularisation path that are not there yet."""

from collections.abc import Callable, Sequence
from contextlib import closing

from tuner.results.findings import Findings
from tuner.results.regularisation_path import Path, Point, make_path, ordered, path_domain, path_values
from tuner.search.coordinator import DIED, do_all
from tuner.search.events import Event, Notify, PointTrained, StageBegan
from tuner.search.jobs import PATH, Shared, Task
from tuner.search.study import prepare
from tuner.search.workers import Backend
from tuner.signals import defer_interrupts
from tuner.spec.space import Value
from tuner.storage.store import Store
from tuner.training.outcome import Outcome


def stored_path(found: Findings, parameter: str) -> Path:
    """The study's path of the parameter, as far as it is trained."""
    params = found.chosen("best").trial.params
    nothing = make_path(found.spec, found.facts.test_to_train, parameter, params, ())
    return next((path for path in found.paths if path.parameter == parameter), nothing)


def plan_path(found: Findings, name: str, count: int) -> tuple[Value, ...]:
    """About `count` values of a parameter, in order, for a path through the study's best trial.

    Raises:
        UserError: nothing has completed, there is no such parameter, or it has one possible value.
    """
    return path_values(name, path_domain(found.spec, name), count, found.chosen("best").trial.params[name])


def train_path(
    store: Store, found: Findings, name: str, values: Sequence[Value], start: Callable[[int], Backend], notify: Notify
) -> None:
    """Trains the values of a path that are missing; each is committed as soon as it is there.

    A value whose worker dies twice is left for the next call.

    Args:
        store: with the study.
        found: what the study found; the path goes through its best trial.
        name: of the parameter.
        values: of `plan_path`.
        start: makes the backend, given how many values there are to train.
        notify: called with each point.

    Raises:
        UserError: another process writes the study, its data are gone or have changed, or it needs another processor.
        KeyboardInterrupt: as it came in.
    """
    params = dict(found.chosen("best").trial.params)
    with store.lock(found.spec.study.name):
        study = store.open(found.spec.study.name)
        there = {one[name]: outcome for one, outcome in study.path_points() if one == params | {name: one[name]}}
        jobs = {
            value: Task(number, params | {name: value}, (PATH,))
            for number, value in enumerate(value for value in values if value not in there)
        }
        stored = [PointTrained(Point(value, there[value]), stored=True) for value in ordered(name, there)]
        begun: list[Event] = [StageBegan("path", len(jobs), done=len(there)), *stored]
        if not jobs:
            for event in begun:
                notify(event)
            return
        with closing(start(len(jobs))) as backend:
            prepared = prepare(study.spec)
            with defer_interrupts():
                study = store.begin(prepared.spec, prepared.facts)  # refuses other data
                backend.probe(study.spec, len(study.facts.features)).refuse(study.spec, study.facts.precision)
                backend.broadcast(Shared(study.spec, prepared.folds, study.facts.precision))
                for event in begun:
                    notify(event)
                for value, outcome in do_all(jobs, backend, notify):
                    if outcome is not None:
                        study.save_path_point(jobs[value].params, outcome)
                    notify(PointTrained(Point(value, outcome or Outcome("failed", DIED)), stored=False))
