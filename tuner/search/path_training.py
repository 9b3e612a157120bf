"""Trains the points of a regularisation path that are not there yet."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from tuner.results.findings import Findings
from tuner.results.regularisation_path import Path, Point, ordered, path_domain, path_values
from tuner.search.events import Notify, PointTrained, StageBegan
from tuner.search.jobs import PATH, Shared, Task
from tuner.search.pool import DIED, do_all
from tuner.search.study import prepare
from tuner.search.workers import Backend
from tuner.signals import defer_interrupts
from tuner.spec.space import Value
from tuner.storage.store import Store
from tuner.training.outcome import Outcome


@dataclass(frozen=True)
class Plan:
    """A path that is wanted.

    Attributes:
        study: the name of its study.
        parameter: the one that varies.
        values: of that, in order.
        params: the other parameters, and this one as the study's best trial has it.
    """

    study: str
    parameter: str
    values: tuple[Value, ...]
    params: dict[str, Value]

    def at(self, value: Value) -> dict[str, Value]:
        """The configuration of a point."""
        return self.params | {self.parameter: value}


def plan(found: Findings, parameter: str, count: int) -> Plan:
    """A path of about `count` points through the study's best trial.

    Raises:
        UserError: nothing has completed, there is no such parameter, or it has one possible value.
    """
    domain = path_domain(found.spec, parameter)
    params = dict(found.chosen("best").trial.params)
    values = path_values(parameter, domain, count, params[parameter])
    return Plan(found.spec.study.name, parameter, values, params)


def stored_path(found: Findings, parameter: str) -> Path | None:
    """The study's path of the parameter as far as it is trained; None if nothing of it is."""
    return next((path for path in found.paths if path.parameter == parameter), None)


def trace(planned: Plan, store: Store, notify: Notify, start: Callable[[], Backend]) -> None:
    """Trains what is missing of a path; each point is committed as soon as it is there.

    A point whose worker dies twice is left for the next call.

    Args:
        planned: the path.
        store: with its study.
        notify: called with each point.
        start: makes the backend, if there is anything to train.

    Raises:
        UserError: another process writes the study, its data are gone or have changed, or it needs another processor.
        KeyboardInterrupt: as it came in.
    """
    name = planned.parameter
    with store.lock(planned.study):
        study = store.open(planned.study)
        there = {params[name]: outcome for params, outcome in study.path_points() if params == planned.at(params[name])}
        missing = [value for value in planned.values if value not in there]
        notify(StageBegan("path", len(missing), done=len(there)))
        for value in ordered(name, there):
            notify(PointTrained(Point(value, there[value]), stored=True))
        if not missing:
            return
        with closing(start()) as backend:
            prepared = prepare(study.spec)
            with defer_interrupts():
                study = store.begin(prepared.spec, prepared.facts)  # refuses other data
                backend.probe(study.spec.train.precision).refuse(study.spec, study.facts.precision)
                backend.broadcast(Shared(study.spec, prepared.folds, study.facts.precision))
                jobs = [Task(number, planned.at(value), (PATH,)) for number, value in enumerate(missing)]
                for index, outcome in do_all(jobs, backend, notify, None):
                    if outcome is not None:
                        study.save_path_point(jobs[index].params, outcome)
                    notify(PointTrained(Point(missing[index], outcome or Outcome.failed(DIED)), stored=False))
