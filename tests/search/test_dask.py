"""A study on a real Dask scheduler with two workers, each a process of its own."""

import importlib
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.making import make_spec
from tests.processes import PATIENCE, run, start, wait_until
from tests.studies import dump, write_small
from tuner.errors import UserError
from tuner.search.jobs import Report, Shared
from tuner.search.workers import Backend
from tuner.spec.sections import FLOAT32

cluster = pytest.importorskip("tuner.search.dask", reason="Dask is not installed (extra `cluster`)")


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a scheduler on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    wait_until(lambda: answers(port))
    yield f"tcp://127.0.0.1:{port}"
    scheduler.kill()
    scheduler.wait()


def answers(port: int) -> bool:
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def workers(address: str, tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two workers of the scheduler."""
    workers = [worker_of(address, tmp_path) for _ in range(2)]
    yield workers
    for worker in workers:
        worker.kill()
        worker.wait()


def dask(command: str, *arguments: str) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", f"distributed.cli.dask_{command}", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def worker_of(address: str, folder: Path) -> subprocess.Popen[bytes]:
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]
    return dask("worker", address, *options)


def trained(database: Path) -> int:
    """How many outcomes the database holds."""
    if not database.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM tuner_outcomes").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_a_study_is_the_same_though_a_worker_is_killed(address: str, workers, tmp_path: Path) -> None:
    write_small(tmp_path)
    study = ("run", "--study", "small.toml", "--trials", 16)
    assert run(tmp_path, *study, "--workers", 1).status == 0
    there = tmp_path / "there.db"
    command = start(tmp_path, *study, "--cluster", address, "--storage", f"sqlite:///{there}")
    wait_until(lambda: trained(there) >= 4 or command.ended)
    workers[0].kill()
    assert command.wait().status == 0
    assert dump(tmp_path, storage=f"sqlite:///{there}") == dump(tmp_path)


@dataclass(frozen=True)
class Who:
    """Asks a worker for its process, and for what it was given."""

    def run(self, shared: Shared, report: Report) -> tuple[int, str]:
        return os.getpid(), shared.spec.study.name


class Fails:
    def run(self, shared: Shared, report: Report) -> float:
        return 1 / 0


@pytest.fixture
def backend(address: str, workers) -> Iterator[Backend]:
    """Both workers, the study given to each."""
    backend = cluster.DaskCluster(address)
    backend.broadcast(Shared(make_spec(study={"name": "here"}), (), FLOAT32))
    wait_until(lambda: backend.free == len(workers))
    yield backend
    backend.close()


def test_a_worker_keeps_its_data_when_the_others_die(backend: Backend, workers: list[subprocess.Popen[bytes]]) -> None:
    # killed before the survivor was asked for anything
    workers[0].kill()
    wait_until(lambda: backend.free == 1)
    assert backend.submit(Who()).result(PATIENCE) == (workers[1].pid, "here")


def test_a_worker_that_comes_late_is_given_the_data(
    backend: Backend, address: str, workers: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    workers.append(worker_of(address, tmp_path))
    wait_until(lambda: backend.free == 3)
    for worker in workers[:2]:
        worker.kill()
    wait_until(lambda: backend.free == 1)
    assert backend.submit(Who()).result(PATIENCE) == (workers[2].pid, "here")


def test_a_cluster_that_lacks_something_is_one_message(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("class Job:\n    def run(self, shared, report): ...")
    monkeypatch.syspath_prepend(tmp_path)
    only_here = importlib.import_module("only_here")
    with pytest.raises(UserError, match=r"the cluster lacks what a trial needs: No module named 'only_here'"):
        backend.submit(only_here.Job()).result(PATIENCE)


def test_what_a_job_raises_arrives_and_the_worker_goes_on(backend: Backend) -> None:
    with pytest.raises(ZeroDivisionError):
        backend.submit(Fails()).result(PATIENCE)
    wait_until(lambda: backend.free == 2)
    assert len({backend.submit(Who()).result(PATIENCE)[0] for _ in range(4)}) == 1, "the first that is free"


def test_workers_that_lost_their_data_fail_one_job_each_and_are_given_them_anew(backend: Backend) -> None:
    wait_until(lambda: backend.free == 2)
    backend._client.cancel([slot.shared for slot in backend._slots.values()], force=True)  # type: ignore[attr-defined]
    for _ in range(2):  # one on each
        with pytest.raises(BrokenExecutor):
            backend.submit(Who()).result(PATIENCE)
        wait_until(lambda: backend.free == 2)
    jobs = [backend.submit(Who()) for _ in range(2)]
    assert {job.result(PATIENCE)[1] for job in jobs} == {"here"}


def test_a_missing_scheduler_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    with pytest.raises(UserError, match="no Dask scheduler answers"):
        cluster.DaskCluster("tcp://127.0.0.1:1")
