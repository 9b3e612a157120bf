"""A study on a real Dask scheduler with two workers, each a process of its own."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes import run, start, wait_until
from tests.studies import dump, write_small
from tuner.errors import UserError

cluster = pytest.importorskip("tuner.search.cluster", reason="Dask is not installed (extra `cluster`)")


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a scheduler on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    yield f"tcp://127.0.0.1:{port}"
    scheduler.kill()
    scheduler.wait()


@pytest.fixture
def workers(address: str, tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two workers of the scheduler."""
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path)]
    workers = [dask("worker", address, *options) for _ in range(2)]
    yield workers
    for worker in workers:
        worker.kill()
        worker.wait()


def dask(command: str, *arguments: str) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", f"distributed.cli.dask_{command}", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


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


def test_a_missing_scheduler_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    with pytest.raises(UserError, match="no Dask scheduler answers"):
        cluster.DaskCluster("tcp://127.0.0.1:1")
