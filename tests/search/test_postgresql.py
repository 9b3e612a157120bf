"""The same study in PostgreSQL as in SQLite, on a real server that this test starts."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from tests.processes import forked, run, start, wait_until
from tests.search.making import FACTS, make_spec
from tests.search.storing import COMPLETE, PRUNED, tell
from tests.studies import dump, write_small
from tuner.errors import UserError
from tuner.report.live_pages import LivePage, show
from tuner.storage.store import Store
from tuner.storage.study_status import read_statuses

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))

pytestmark = pytest.mark.skipif(
    not BINARIES or shutil.which("runuser") is None or os.geteuid() != 0,
    reason="PostgreSQL's server is not installed (scripts/test installs it where it may), or cannot be run from here",
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of an empty database on a server of our own, on loopback."""
    folder = Path(mkdtemp(prefix="tuner-postgresql-"))  # pytest's own folders are closed to other users
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shutil.chown(folder, "postgres")

    def as_postgres(*command: str) -> None:
        line = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(line, check=True, stdout=subprocess.DEVNULL, cwd=folder)

    binaries, data = BINARIES[-1].parent, str(folder / "data")
    as_postgres(str(binaries / "initdb"), "-D", data, "--auth=trust", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    control = [str(binaries / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log")]
    as_postgres(*control, "-o", options, "start")
    yield f"postgresql+psycopg://postgres:secret@127.0.0.1:{port}/postgres"
    as_postgres(*control, "-m", "immediate", "stop")
    shutil.rmtree(folder)


def test_a_study_is_bit_for_bit_the_same_as_in_sqlite(server: str, tmp_path: Path) -> None:
    write_small(tmp_path)
    study = ("run", "--study", "small.toml", "--trials")
    assert run(tmp_path, *study, 60, "--workers", 1).status == 0
    for trials in (25, 60):
        assert run(tmp_path, *study, trials, "--workers", 2, "--storage", server).status == 0
    assert dump(tmp_path, storage=server) == dump(tmp_path)


def test_a_study_has_one_writer(server: str) -> None:
    first, second = Store(server, create=True), Store(server, create=True)
    with first.lock("locked"):
        with pytest.raises(UserError, match=f"process {os.getpid()} on {socket.gethostname()} since") as refusal:
            second.lock("locked").__enter__()
        assert "secret" not in str(refusal.value)
        with second.lock("another"):
            pass
    with second.lock("locked"):
        pass
    first.close()
    second.close()


def test_a_study_is_seen_shown_and_deleted(server: str) -> None:
    with Store(server, create=True) as store:
        tell(store.begin(make_spec(study={"name": "seen"}), FACTS), PRUNED, COMPLETE)
        show(store, "seen", LivePage("loss", {}, "note"))
        with store.lock("seen"):
            (status,) = [status for status in read_statuses(server) if status.study == "seen"]
        assert status.holder is not None
        assert (status.holder.process, status.holder.host) == (os.getpid(), socket.gethostname())
        assert (status.complete, status.pruned, status.best) == (1, 1, (1, 1.0))
        store.delete("seen")
        assert "seen" not in store.names()


@pytest.mark.parametrize(("name", "lost"), [("all", "%"), ("lock", "tuner, process %")])
def test_a_run_whose_connections_are_lost_ends_and_nothing_is_lost(
    server: str, tmp_path: Path, name: str, lost: str
) -> None:
    write_small(tmp_path, name)
    study = ("run", "--study", f"{name}.toml", "--trials", 8, "--workers", 2, "--json")
    assert run(tmp_path, *study).status == 0
    expected = dump(tmp_path, name)

    command = start(tmp_path, *study, "--storage", server)
    wait_until(lambda: command.out.count("\n") >= 2 or command.ended)
    with psycopg.connect(server.replace("+psycopg", "")) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND application_name LIKE %s",
            [lost],
        )
    done = command.wait()
    assert done.status == 2
    assert done.err == (
        f"error: {server.replace('secret', '***')}: the connection to the database server was lost\n"
        "  check that the server runs and can be reached, then run the same command again: finished trials are kept\n"
    )
    wait_until(lambda: not forked(), 2)

    again = run(tmp_path, *study, "--storage", server)
    assert (again.status, again.err) == (0, "")
    told = [json.loads(line).get("trial") for line in (done.out + again.out).splitlines()]
    assert told == [*range(8), None]
    assert dump(tmp_path, name, server) == expected
