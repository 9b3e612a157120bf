"""`dashboard` in a real browser: the study, our figures and the note are there, also while a run is going on."""

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.processes import Command, start, wait_until

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
FIGURES = ["tuner-curves", "tuner-history"]

needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="Chromium is not installed (scripts/test installs it where it may)"
)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def serve(folder: Path) -> tuple[Command, str]:
    """A running dashboard, and its address."""
    port = free_port()
    command = start(folder, "dashboard", "--port", port)
    address = f"http://127.0.0.1:{port}/"
    wait_until(lambda: command.ended or address in command.out)
    return command, address


def asked(address: str, path: str) -> Any:
    with urlopen(address + path) as answer:  # noqa: S310
        return json.load(answer)


def note(address: str) -> str:
    return str(asked(address, "api/studies")["study_summaries"] and detail(address)["note"]["body"])


def detail(address: str) -> Any:
    return asked(address, "api/studies/1")


def figures(address: str) -> list[str]:
    return sorted(one["id"] for one in detail(address)["plotly_graph_objects"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of which no error is tolerated, nor any word with another machine."""
    page, faults = browser.new_page(viewport={"width": 1400, "height": 1000}), []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: None if "//127.0.0.1:" in request.url else faults.append(request.url))
    yield page
    page.close()
    assert [fault for fault in faults if not fault.startswith(("data:", "blob:"))] == []


@pytest.fixture(scope="module")
def served(fresh_run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard on a finished study."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(fresh_run.folder, folder, dirs_exist_ok=True)
    command, address = serve(folder)
    wait_until(lambda: figures(address) == FIGURES)
    yield address
    command.ctrl_c()
    command.wait()


# --- in a browser


@needs_chromium
def test_the_study_is_listed(served, page) -> None:
    page.goto(served)
    page.get_by_text("small", exact=True).first.wait_for()
