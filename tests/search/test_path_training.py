"""A path that is trained: what is there is not trained again, and what is not is, once."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.search.making import make_outcome
from tests.search.storing import COMPLETE, tell
from tests.studies import write_small
from tuner.errors import UserError
from tuner.results.findings import Findings
from tuner.results.regularisation_path import Point
from tuner.search.events import Event, PointTrained, Progressed, StageBegan
from tuner.search.jobs import Shared, Task
from tuner.search.path_training import plan_path, stored_path, train_path
from tuner.search.study import Prepared, findings, prepare
from tuner.spec.file import read_spec
from tuner.spec.sections import FLOAT32, Spec
from tuner.spec.space import Value
from tuner.storage.store import Store
from tuner.training.machine import Machine


class Pretended:
    """A worker that trains nothing; `deadly` configurations kill it, it is interrupted after `stop`."""

    def __init__(self, deadly: Sequence[Value] = (), stop: int = 99) -> None:
        self.trained: list[Value] = []
        self.shared: Shared | None = None
        self.free = 1
        self.closed = False
        self._deadly, self._stop = deadly, stop

    def probe(self, spec: Spec, columns: int) -> Machine:
        return Machine(FLOAT32, False, {})

    def broadcast(self, shared: Shared) -> None:
        self.shared = shared

    def submit(self, job: Any) -> Future[Any]:
        assert isinstance(job, Task)
        value = job.params["dropout"]
        if len(self.trained) == self._stop:
            raise KeyboardInterrupt
        self.trained.append(value)
        self.free = 0
        future: Future[Any] = Future()
        if value in self._deadly:
            future.set_exception(BrokenProcessPool("killed"))
        else:
            future.set_result(make_outcome([2.0, 1.0 + float(value)]))
        return future

    def progress(self) -> Iterator[Progressed]:
        self.free = 1
        yield from ()

    def start(self, count: int) -> "Pretended":
        assert count > 0
        return self

    def close(self) -> None:
        self.closed = True


class Recorder:
    """Keeps the events of a path."""

    def __init__(self) -> None:
        self.there: list[Value] = []
        self.missing = 0
        self.grown: list[Point] = []

    def __call__(self, event: Event) -> None:
        match event:
            case StageBegan():
                self.missing = event.count
            case PointTrained(point, stored=True):
                self.there.append(point.value)
            case PointTrained(point):
                self.grown.append(point)


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    return prepare(read_spec(write_small(tmp_path)))


@pytest.fixture
def found(store: Store, prepared: Prepared) -> Findings:
    """A study of two trials, the second of which is best, with the default dropout of 0.2."""
    study = store.begin(prepared.spec, prepared.facts)
    tell(study, make_outcome([9.0]), COMPLETE)
    return findings(study)


@dataclass
class Growing:
    """A path of a parameter, by default of 0, 0.2, 0.4 and 0.6 of dropout."""

    store: Store
    found: Findings

    def grow(self, backend: Pretended, name: str = "dropout", points: int = 4) -> Recorder:
        recorder = Recorder()
        values = plan_path(self.found, name, points)
        train_path(self.store, self.found, name, values, backend.start, recorder)
        return recorder


@pytest.fixture
def path(store: Store, found: Findings) -> Growing:
    return Growing(store, found)


def values(store: Store) -> list[Value]:
    return [point.value for point in stored_path(findings(store.open("small")), "dropout").points]


def test_each_point_is_trained_once_on_the_folds_of_the_study_and_a_second_call_trains_none(
    store, path, prepared
) -> None:
    first, second = Pretended(), Pretended()
    recorder = path.grow(first)
    assert first.trained == [0.0, 0.2, 0.4, 0.6]
    assert first.shared is not None
    assert [fold.train.tolist() for fold in first.shared.folds] == [fold.train.tolist() for fold in prepared.folds]
    assert first.closed
    assert [point.value for point in recorder.grown] == first.trained
    assert path.grow(second).there == first.trained
    assert (second.trained, second.shared) == ([], None)
    assert values(store) == [0.0, 0.2, 0.4, 0.6]


def test_a_finer_path_trains_only_what_is_new_and_another_parameter_shares_the_best_trial(store, path) -> None:
    path.grow(Pretended())
    finer = Pretended()
    path.grow(finer, points=7)
    assert finer.trained == [0.1, 0.3, 0.5]
    assert path.grow(Pretended(), "weight_decay", 2).there == [0.01]


def test_the_trials_are_as_they_were(store, path) -> None:
    before = store.open("small").params()
    path.grow(Pretended())
    study = store.open("small")
    assert study.params() == before
    assert sorted(study.outcomes()) == [0, 1]


def test_an_interrupted_path_keeps_what_it_has_and_goes_on(store, path) -> None:
    backend = Pretended(stop=2)
    with pytest.raises(KeyboardInterrupt):
        path.grow(backend)
    assert backend.closed
    assert values(store) == [0.0, 0.2]
    rest = Pretended()
    path.grow(rest)
    assert rest.trained == [0.4, 0.6]


def test_a_point_whose_worker_dies_twice_is_said_and_tried_again_by_the_next_call(store, path) -> None:
    recorder = path.grow(Pretended(deadly=[0.4]))
    died = [point for point in recorder.grown if point.outcome.state == "failed"]
    assert [(point.value, "died 2 times" in point.outcome.reason) for point in died] == [(0.4, True)]
    assert values(store) == [0.0, 0.2, 0.6]
    again = Pretended()
    path.grow(again)
    assert again.trained == [0.4]


def test_other_data_are_refused_before_anything_is_trained(path, tmp_path) -> None:
    lines = (tmp_path / "data.csv").read_text().splitlines()
    (tmp_path / "data.csv").write_text("\n".join([*lines[:-1], "9.9"]))
    backend = Pretended()
    with pytest.raises(UserError, match="the data have changed"):
        path.grow(backend)
    assert backend.trained == []
    assert backend.closed


def test_a_path_has_the_lock_of_the_study(store, path) -> None:
    with store.lock("small"), pytest.raises(UserError, match="is being run"):
        path.grow(Pretended())


def test_there_is_no_path_before_a_trial_has_completed(store, prepared) -> None:
    study = store.begin(prepared.spec, prepared.facts)
    with pytest.raises(UserError, match="no trial of small has completed yet"):
        Growing(store, findings(study)).grow(Pretended())
