"""The best trials are trained again: each as often as wanted, none twice, whatever happens on the way."""

import random
import time
from typing import Any, cast

import pytest

from tests.search.making import make_outcome, make_spec
from tests.search.pretending import FakeBackend, KeptStudy
from tuner.results.selection import Trial
from tuner.search.coordinator import DIED
from tuner.search.evaluate import Run, repeat
from tuner.search.events import Event, Repeated, StageBegan
from tuner.spec.space import defaults
from tuner.storage.stored_study import StoredStudy

SPEC = make_spec(search={"repeats": 3})
TRIALS = [Trial(number, defaults(SPEC.space), make_outcome([1.0])) for number in (4, 2)]
WANTED = {(trial.number, number) for trial in TRIALS for number in (1, 2, 3)}


def run(study: KeptStudy, backend: FakeBackend, deadline: float | None = None) -> list[Event]:
    """Repeats what is missing; its events but for those of passing time."""
    events: list[Event] = []
    problem: Any = None  # the workers have the data
    repeat(Run(cast(StoredStudy, study), problem, (), backend, events.append, deadline), TRIALS)
    return [event for event in events if isinstance(event, StageBegan | Repeated)]


def seen(events: list[Event]) -> list[tuple[int, int]]:
    return [(event.number, event.repeat) for event in events if isinstance(event, Repeated)]


def test_all_are_repeated_once_before_any_is_twice() -> None:
    study = KeptStudy(SPEC)
    backend = FakeBackend(study, 1, random.Random(0))
    run(study, backend)
    assert [task.stream[1:] for task in backend.tasks] == [(4, 1), (2, 1), (4, 2), (2, 2), (4, 3), (2, 3)]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_finalist_is_repeated_as_often_as_the_study_wants(workers) -> None:
    study = KeptStudy(SPEC)
    events = run(study, FakeBackend(study, workers, random.Random(workers)))
    assert set(study.repeated) == set(seen(events)) == WANTED
    assert events[0] == StageBegan("repeats", len(WANTED))
    assert len(events) == 1 + len(WANTED)


def test_what_is_there_is_not_trained_again() -> None:
    study = KeptStudy(SPEC)
    run(study, FakeBackend(study, 2, random.Random(0)))
    del study.repeated[2, 2]
    assert seen(run(study, FakeBackend(study, 2, random.Random(1)))) == [(2, 2)]


def test_a_worker_that_dies_once_costs_nothing_and_twice_the_repeat() -> None:
    study = KeptStudy(SPEC)
    run(study, FakeBackend(study, 2, random.Random(0), deaths={4: 1}))
    assert all(outcome.state != "failed" for outcome in study.repeats().values())
    study = KeptStudy(SPEC)
    run(study, FakeBackend(study, 1, random.Random(0), deaths={4: 6}))
    failed = {key: outcome.reason for key, outcome in study.repeats().items() if outcome.state == "failed"}
    assert failed == {(4, 1): DIED, (4, 2): DIED, (4, 3): DIED}
    assert set(study.repeated) == WANTED


def test_the_deadline_is_kept_and_the_next_run_goes_on() -> None:
    study = KeptStudy(SPEC)
    run(study, FakeBackend(study, 1, random.Random(0)), deadline=time.monotonic())
    assert len(study.repeated) < len(WANTED)
    run(study, FakeBackend(study, 1, random.Random(0)))
    assert set(study.repeated) == WANTED


def test_no_repeats_are_trained_where_none_are_wanted() -> None:
    study = KeptStudy(make_spec(search={"repeats": 0}))
    backend = FakeBackend(study, 1, random.Random(0))
    assert run(study, backend) == [StageBegan("repeats", 0)]
    assert backend.tasks == []
