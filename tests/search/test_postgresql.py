"""The same study in PostgreSQL as in SQLite, on a real server that this test starts."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.processes import run
from tests.studies import dump, write_small
from tuner.errors import UserError
from tuner.search.store import Store

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
    assert run(tmp_path, *study, 16, "--workers", 1).status == 0
    for trials in (6, 16):
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


def test_a_wrong_password_or_port_is_one_message_without_the_password() -> None:
    with pytest.raises(UserError, match="cannot be opened") as refusal:
        Store("postgresql+psycopg://postgres:secret@127.0.0.1:1/none", create=True)
    assert "secret" not in str(refusal.value)
