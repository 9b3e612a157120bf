"""One study that is run as a user would, all processes started anew: shared, as starting them takes a while."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.browsing import CHROMIUM, FLAGS
from tests.processes import Done, fresh
from tests.studies import write_small

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# workers train in one thread; elsewhere a second one would only get in the way of other tests
os.environ.setdefault("OMP_NUM_THREADS", "1")
# how long an example takes says more of what else the machine does
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


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


@pytest.fixture(scope="session")
def fresh_run(tmp_path_factory: pytest.TempPathFactory) -> FreshRun:
    folder = tmp_path_factory.mktemp("fresh")
    write_small(folder)
    done = fresh(folder, "-m", "tuner.run", "--study", "small.toml", "--workers", "1", "--json").wait()
    left = {str(path.relative_to(folder)) for path in folder.rglob("*")}  # before anyone opens the store
    return FreshRun(folder, done, frozenset(left))


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
