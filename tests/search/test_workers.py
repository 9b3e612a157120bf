"""Local processes, with real ones: they train, report, die and end without taking others along."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.making import make_small_problem, make_spec
from tests.processes import FORKS, PATIENCE, alive, children, forked, wait_until, workers
from tuner.search import workers as module
from tuner.search.events import Progressed
from tuner.search.jobs import Shared, Task
from tuner.search.workers import LocalProcesses
from tuner.spec.sections import FLOAT32, Precision
from tuner.spec.space import defaults
from tuner.training.machine import probe
from tuner.training.outcome import Outcome

EPOCHS = 40

SPEC = make_spec(
    train={"max_epochs": EPOCHS, "patience": EPOCHS, "precision": "fp32"},
    cv={"folds": 2, "holdout": 0.0},
    space={"hidden_size": 4, "num_layers": 1},
)
# batches of 2 windows take a minute, one batch of all a blink
LONG, SHORT = ({**defaults(SPEC.space), "batch_size": size} for size in (2, 1024))


def shared() -> Shared:
    return Shared(SPEC, make_small_problem((600,), cv={"folds": 2, "holdout": 0.0}).folds(), FLOAT32)


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalProcesses]:
    """Two workers, from the tests' own server, which has imported torch; the last tests start one as users do."""
    monkeypatch.setattr(module, "start_method", lambda: FORKS)
    backend = LocalProcesses(2)
    backend.broadcast(shared())
    yield backend
    backend.close()


def until_signs_of(backend: LocalProcesses, *numbers: int) -> list[Progressed]:
    """Waits until each of these trials has given a sign."""
    signs: list[Progressed] = []

    def given() -> bool:
        signs.extend(backend.progress())
        return set(numbers) <= {sign.number for sign in signs}

    wait_until(given)
    return signs


def without_seconds(outcome: Outcome) -> Outcome:
    return replace(outcome, seconds=0.0, scores=tuple(map(bytes, outcome.scores)))  # type: ignore[arg-type]


@pytest.mark.parametrize(("wanted", "precision"), [("fp32", FLOAT32), ("bf16", Precision(1))])
def test_a_worker_says_what_it_runs_on(backend, wanted, precision) -> None:
    spec = make_spec(train={"precision": wanted})
    machine = backend.probe(spec, 2)
    assert machine == probe(spec, 2)
    assert machine.precision == precision


def test_a_worker_that_died_before_it_was_asked_is_replaced(backend) -> None:
    for idle in forked():
        os.kill(idle, signal.SIGKILL)
    wait_until(lambda: not forked())
    assert backend.probe(SPEC, 2).precision == FLOAT32


def test_a_worker_gives_bit_for_bit_what_this_process_would_and_reports_every_fold(backend) -> None:
    task = Task(7, SHORT, (7,))
    outcome = backend.submit(task).result(PATIENCE)
    here: list[Progressed] = []
    assert without_seconds(outcome) == without_seconds(task.run(shared(), here.append))
    assert list(backend.progress()) == here
    assert [(sign.epoch, sign.fold) for sign in here] == [(e, f) for e in range(1, EPOCHS + 1) for f in (1, 2)]


def test_a_killed_worker_breaks_only_its_own_trial_and_its_place_is_filled_again(backend) -> None:
    doomed = backend.submit(Task(0, LONG, (0,)))
    worker = min(forked())  # the first one started
    other = backend.submit(Task(1, SHORT, (1,)))
    assert backend.free == 0
    until_signs_of(backend, 0)
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(BrokenExecutor):
        doomed.result(PATIENCE)
    assert other.result(PATIENCE).state == "complete"
    assert backend.free == 2
    assert backend.submit(Task(5, SHORT, (5,))).result(PATIENCE).state == "complete", "the new one has the data"


def test_closing_ends_all_workers_at_once_in_the_middle_of_their_trials(backend) -> None:
    futures = [backend.submit(Task(number, LONG, (number,))) for number in (10, 11)]
    until_signs_of(backend, 10, 11)
    assert len(forked()) == 2
    started = time.monotonic()
    backend.close()
    assert time.monotonic() - started < 2
    assert forked() == set()
    for future in futures:
        with pytest.raises((BrokenExecutor, CancelledError)):
            future.result(1)


def test_a_worker_that_dies_between_two_trials_is_replaced(backend) -> None:
    backend.submit(Task(0, SHORT, (0,))).result(PATIENCE)
    for idle in forked():
        os.kill(idle, signal.SIGKILL)
    wait_until(lambda: not forked())
    # the executor may not have noticed the death yet: the coordinator trains such a trial again
    with suppress(BrokenExecutor):
        backend.submit(Task(1, SHORT, (1,))).result(PATIENCE)
    for number in (2, 3):
        assert backend.submit(Task(number, SHORT, (number,))).result(PATIENCE).state == "complete"


def test_neither_giving_out_trials_nor_ending_waits_for_a_worker_to_take_in_the_data() -> None:
    data = shared()
    rows = np.zeros((100_000, 2), np.float32)
    backend = LocalProcesses(2)
    backend.broadcast(replace(data, folds=tuple(replace(fold, rows=rows) for fold in data.folds)))
    started = time.monotonic()
    for number in range(2):
        backend.submit(Task(number, LONG, (number,)))
    submitted = time.monotonic()
    backend.close()
    assert submitted - started < 2, "more data than a pipe holds"
    assert time.monotonic() - submitted < 2


COORDINATOR = """
if __name__ == "__main__":
    import time
    from tests.search.test_workers import LONG, shared, until_signs_of
    from tuner.search.workers import LocalProcesses
    from tuner.search.jobs import Task
    backend = LocalProcesses(2)
    backend.broadcast(shared())
    for number in range(2):
        backend.submit(Task(number, LONG, (number,)))
    until_signs_of(backend, 0, 1)
    print("training", flush=True)
    time.sleep(60)
"""


def test_the_workers_of_a_coordinator_that_was_killed_end_by_themselves(tmp_path: Path) -> None:
    script = tmp_path / "coordinator.py"
    script.write_text(COORDINATOR)
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path}
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as coordinator:
        assert coordinator.stdout is not None
        assert coordinator.stdout.readline() == "training\n"
        trainers = workers(coordinator.pid)
        assert len(trainers) == 2
        helpers = children(coordinator.pid)
        coordinator.kill()
        wait_until(lambda: not any(map(alive, trainers)), 2)
        # their server first takes down an interpreter that has imported torch
        wait_until(lambda: not any(map(alive, helpers)), 10)


def test_the_arrays_of_a_study_lie_in_one_file_that_workers_map(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_shared", None)
    pickled, path, spans = module._place(shared(), str(tmp_path))
    assert len(pickled) < 10_000 < path.stat().st_size
    module._take_in(pickled, path, spans)
    assert module._shared is not None
    for there, here in zip(module._shared.folds, shared().folds, strict=True):
        assert not there.rows.flags.owndata
        for name in ("rows", "first", "answers", "train", "valid", "counted", "error_scale"):
            np.testing.assert_array_equal(getattr(there, name), getattr(here, name))
