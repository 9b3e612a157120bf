"""Real processes for tests: the tuner's commands, started, watched through /proc, and killed.

A process that imports torch takes seconds to start. Most tests need many of them, so they are forked from a server that
has imported everything already; workers too. `fresh` starts one as a user would.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import forkserver, get_all_start_methods, get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

# generous: the machine may have other things to do
PATIENCE = 120
# As on Windows (`scripts/test --spawn`): commands are forked all the same, but start their workers anew.
SPAWNS = get_all_start_methods() == ["spawn"]

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "pytest",
        "tuner.search.study",
        "tuner.training.refit",
        "tuner.terminal.actions",
        "tuner.terminal.estimate",
        "tuner.search.path_training",
        "tuner.report.page",
        "tuner.results.configuration",
        "tests.warm",
        # imported late: by torch for the first optimiser, by Optuna for the first store, by a loader
        "torch._dynamo",
        "alembic.command",
        "alembic.config",
        "alembic.migration",
        "sklearn.ensemble",
        "sklearn.metrics",
        "pyarrow.csv",
        "pandas",
        "mako.template",
    ]
)


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON objects on standard output, on which there is nothing else."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def refusal(self) -> str:
        """The one message of a command that refused, and did nothing."""
        assert (self.status, self.out) == (2, ""), self
        assert "Traceback" not in self.err
        assert self.err.count("error: ") + self.err.count("─ Error ") == 1
        return self.err


class Command:
    """A running command of the tuner; its status is negative if a signal ended it."""

    def __init__(self, folder: Path, process: "ForkServerProcess | subprocess.Popen[bytes]") -> None:
        self._folder, self._process = folder, process

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def ended(self) -> bool:
        return not alive(self.pid)

    @property
    def out(self) -> str:
        """What was written to standard output so far."""
        return _out(self._folder).read_text()

    def until_told(self, count: int) -> None:
        """Waits for so many lines of a command that goes on after them."""
        wait_until(lambda: self.out.count("\n") >= count or self.ended)
        assert not self.ended

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def ctrl_c(self) -> None:
        """As a terminal does it: to a fresh process and all its children."""
        if isinstance(self._process, subprocess.Popen):
            os.killpg(self.pid, signal.SIGINT)
        else:
            self.signal(signal.SIGINT)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, seconds: float = PATIENCE) -> Done:
        if isinstance(self._process, subprocess.Popen):
            status: int | None = self._process.wait(seconds)
        else:
            self._process.join(seconds)
            status = self._process.exitcode
        if status is None:
            raise TimeoutError(f"still running after {seconds} s:\n{self.out}")
        return Done(status, self.out, _err(self._folder).read_text())


def start(folder: Path, command: str, *arguments: object, before: Callable[[], object] | None = None) -> Command:
    """Starts `tuner COMMAND` in a folder, in a forked process, which forks its workers too.

    `before`, if given, is called in that process first: a function of a module, to set what goes wrong there.
    """
    forkserver.ensure_running()
    server = forkserver._forkserver._forkserver_address  # type: ignore[attr-defined]
    process = FORKS.Process(
        target=_be, args=(server, folder, command, [str(argument) for argument in arguments], before)
    )
    _out(folder).write_text("")
    process.start()
    return Command(folder, process)


def run(folder: Path, command: str, *arguments: object, before: Callable[[], object] | None = None) -> Done:
    """`start`, to its end."""
    return start(folder, command, *arguments, before=before).wait()


def fresh(folder: Path, *arguments: str, **variables: str) -> Command:
    """Starts Python in a folder as a user would, with nothing imported: `fresh(folder, "-m", "tuner.run", …)`.

    `variables` are of its environment.
    """
    environment = {name: value for name, value in os.environ.items() if name != "TUNER_STORAGE"} | variables
    with _out(folder).open("wb") as out, _err(folder).open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    return Command(folder, process)


def _be(server: str, folder: Path, command: str, arguments: list[str], before: Callable[[], object] | None) -> None:
    """Becomes a command of the tuner, in a forked process; its workers come from the same server."""
    forkserver._forkserver._forkserver_address = server  # type: ignore[attr-defined]
    forkserver._forkserver.ensure_running = lambda: None  # type: ignore[method-assign]
    os.chdir(folder)
    # ignored where the tests run in the background, blocked where a backend has started the server
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for path, target in ((_out(folder), 1), (_err(folder), 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), target)
    os.environ.pop("TUNER_STORAGE", None)
    sys.argv = [f"tuner {command}", *arguments]
    if before is not None:
        before()
    if not SPAWNS:
        import_module("tuner.search.workers").start_method = lambda: FORKS  # type: ignore[attr-defined]
    import_module("tuner.terminal").execute(import_module(f"tuner.{command}").app)


def _out(folder: Path) -> Path:
    return folder / "stdout"


def _err(folder: Path) -> Path:
    return folder / "stderr"


# --- looking


def forked() -> set[int]:
    """All living processes that were forked from the server: commands and workers; also workers started anew."""
    server: int | None = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    found = children(server) if server else set()
    return found.union(*(_doing(b"multiprocessing.spawn", pid) for pid in found))


def children(parent: int) -> set[int]:
    """The living children of a process."""
    pids = (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit())
    return {pid for pid in pids if (fields := _stat(pid)) and int(fields[1]) == parent and alive(pid)}


def workers(coordinator: int) -> set[int]:
    """The living processes that a coordinator, started as a user's, trains in."""
    servers = _doing(b"multiprocessing.forkserver", coordinator)
    return {pid for server in servers for pid in children(server)} | _doing(b"multiprocessing.spawn", coordinator)


def _doing(module: bytes, parent: int) -> set[int]:
    """The living children of a process that run a module."""
    return {pid for pid in children(parent) if module in _command_line(pid)}


def alive(pid: int) -> bool:
    """Whether a process goes on; one that ended but was not yet waited for does not."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX"


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE) -> float:
    """Waits for the condition to hold, and says how long that took.

    Raises:
        TimeoutError: it does not within so many seconds.
    """
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"did not happen within {seconds} s")
        time.sleep(0.003)
    return time.monotonic() - started


def _stat(pid: int) -> list[str]:
    """State, parent and what follows; nothing if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
