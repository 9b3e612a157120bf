"""One study that is run as a user would, all processes started anew: shared, as starting them takes a while."""

import os
import runpy
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.browsing import CHROMIUM, FLAGS
from tests.processes import FORKS, Done, fresh, run
from tests.studies import ARGUMENTS, TRIALS, dump, write_small

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# scripts that write data files as people's tools do, where they are there
CASES = Path(__file__).parents[2] / "shared" / "cases"

# workers train in one thread; elsewhere a second one would only get in the way of other tests
os.environ.setdefault("OMP_NUM_THREADS", "1")
# how long an example takes says more of what else the machine does
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a store of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNER_STORAGE", raising=False)
    return tmp_path


@pytest.fixture
def here(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, where workers are forked at once: starting a process anew takes seconds."""
    monkeypatch.setattr("tuner.search.workers.get_context", lambda _: FORKS)
    return elsewhere


@dataclass(frozen=True)
class FreshRun:
    """A finished run with --json.

    Attributes:
        folder: where it was run.
        done: what it said.
        left: the files that it left.
    """

    folder: Path
    done: Done
    left: frozenset[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small study."""
    write_small(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def fresh_run(tmp_path_factory: pytest.TempPathFactory) -> FreshRun:
    folder = tmp_path_factory.mktemp("fresh")
    write_small(folder)
    done = fresh(folder, "-m", "tuner.run", "--study", "small.toml", "--workers", "1", "--json").wait()
    left = {str(path.relative_to(folder)) for path in folder.rglob("*")}  # before anyone opens the store
    return FreshRun(folder, done, frozenset(left))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The small study of six trials, left alone, as `dump` tells of it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    write_small(folder)
    assert run(folder, "run", *ARGUMENTS, TRIALS).status == 0
    return dump(folder)


@pytest.fixture(scope="session")
def case_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Writes the files of a case, once, and gives their folder."""

    @cache
    def write(case: str) -> Path:
        folder = tmp_path_factory.mktemp(case)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.syspath_prepend(str(CASES))
            patch.setattr(sys, "argv", [case])
            runpy.run_path(str(CASES / f"{case}.py"))
        return folder

    return write


# a module's, not the session's: while it is open, Playwright has an event loop running in this thread
@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield browser
        browser.close()
