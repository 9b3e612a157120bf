"""`dashboard` in a real browser: the study, our figures and the note are there, also while a run is going on."""

import json
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from tests.browsing import Visit, visit
from tests.processes import PATIENCE, run, start, wait_until
from tests.report.making import searched
from tests.search.making import make_outcome
from tests.studies import dump, write_small
from tuner.report.dashboard_page import CARD, draw_live
from tuner.results.regularisation_path import Point, make_path

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PLOTS = ".js-plotly-plot"
# A column's name, as mean as can be.
EVIL = "<script>alert(1)</script>|<img src=x onerror=alert(2)>"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A dashboard that runs, by its address; it is ended as by Ctrl-C."""
    port = free_port()
    command = start(folder, "dashboard", "--port", port)
    address = f"http://127.0.0.1:{port}/"
    wait_until(lambda: command.ended or address in command.out)
    try:
        yield address
    finally:
        command.ctrl_c()
        done = command.wait()
    assert (done.status, done.err) == (130, "")


def detail(address: str) -> Any:
    """The first study as the dashboard's page is told of it."""
    with urlopen(f"{address}api/studies/1") as answer:  # noqa: S310
        return json.load(answer)


def until(condition: Callable[[], object]) -> None:
    """Waits for a condition that costs the dashboard something to look at."""

    def looked() -> object:
        time.sleep(0.2)
        return condition()

    wait_until(looked, 3 * PATIENCE)  # it stands back for other processes


def note_has(address: str, words: str) -> bool:
    return words in detail(address)["note"]["body"]


def figures(address: str) -> list[str]:
    return sorted(one["id"] for one in detail(address)["plotly_graph_objects"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a finished study, whose column has a mean name."""
    folder = tmp_path_factory.mktemp("dashboard")
    write_small(folder)
    data = folder / "data.csv"
    data.write_text(data.read_text().replace("x\n", f"{EVIL}\n", 1))
    assert run(folder, "run", "--study", "small.toml", "--workers", 1).status == 0
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    """The address of a dashboard that shows the study."""
    with serving(folder) as address:
        until(lambda: note_has(address, "24 of 24 trials"))
        yield address
    assert not (folder / "studies" / "studies.db-wal").exists(), "a copy of the file is whole"


def clean(seen: Visit) -> None:
    """Nothing went wrong in the browser, and it spoke to nobody else."""
    assert seen.errors == []
    assert [
        address for address in seen.requests if not address.startswith(("http://127.0.0.1:", "data:", "blob:"))
    ] == []


def drawn(seen: Visit) -> dict[str, int]:
    """Our figures on the page, by their ids: how many shapes each has drawn."""
    script = f"""[...document.querySelectorAll("{PLOTS}")].filter(plot => plot.id.startsWith("user-defined-plot:"))
        .map(plot => [plot.id.split(":")[1], plot.querySelectorAll("path.js-line, path.point, .bars path").length])"""
    return dict(seen.page.evaluate(script))


def test_every_figure_fits_where_it_is_shown() -> None:
    found = searched(20)
    assert found.summary.best is not None
    points = [Point(value, make_outcome([value])) for value in (0.1, 1.0)]
    path = make_path(found.spec, found.facts.test_to_train, "weight_decay", found.summary.best.trial.params, points)
    drawn = draw_live(replace(found, paths=(path,)))
    assert len(drawn.figures) == 4
    assert {figure.layout.height for figure in drawn.figures.values()} == {CARD}
    # beneath its title lies an axis
    assert drawn.figures["tuner-path-weight_decay"].layout.margin.t > drawn.figures["tuner-effects"].layout.margin.t


# --- a finished study


def test_the_study_is_listed(served: str, browser: "Browser") -> None:
    with visit(browser, served) as seen:
        seen.page.get_by_text("1. small").wait_for()
        clean(seen)


def test_every_figure_is_drawn_beside_optuna_s_own(served: str, browser: "Browser") -> None:
    expected = figures(served)
    assert expected == ["tuner-effects", "tuner-overfitting-1", "tuner-overfitting-2", "tuner-rows"]
    with visit(browser, f"{served}dashboard/studies/1") as seen:
        until(lambda: sorted(drawn(seen)) == expected and all(drawn(seen).values()))
        titles = seen.page.locator(f"{PLOTS} .gtitle").all_text_contents()
        assert {"The data and what the network makes of them", "What matters"} <= {*titles}
        assert seen.page.get_by_text("loss", exact=True).count() > 0, "the metric's name"
        clean(seen)


def test_the_note_is_shown_and_names_in_it_are_text(served: str, browser: "Browser") -> None:
    with visit(browser, f"{served}dashboard/studies/1/note") as seen:
        seen.page.get_by_text("Next, ").wait_for()
        seen.page.get_by_text(f"The network sees {EVIL}").wait_for()
        clean(seen)


def test_trials_have_scalar_attributes_for_axes(served: str) -> None:
    names = {one["key"] for one in detail(served)["union_user_attrs"] if one["sortable"]}
    assert {"train_loss", "valid_loss", "gap", "se", "best_epoch", "zeros", "weights", "fold_epochs"} <= names
    assert detail(served)["directions"] == ["minimize"]
    assert detail(served)["objective_names"] == ["loss"]


# --- a run that goes on


def test_a_running_study_is_kept_up_to_date_and_comes_out_the_same(
    fresh_run, tmp_path: Path, browser: "Browser"
) -> None:
    write_small(tmp_path)
    begun = run(tmp_path, "run", "--study", "small.toml", "--trials", 3, "--workers", 1)
    assert begun.status == 0
    board = tmp_path / "board"
    board.mkdir()
    (board / "studies").symlink_to(tmp_path / "studies")
    with serving(board) as address:
        until(lambda: note_has(address, "3 of 3 trials"))
        with visit(browser, f"{address}dashboard/studies/1") as seen:
            until(lambda: drawn(seen))
            done = run(tmp_path, "run", "--study", "small.toml", "--workers", 1)
            assert (done.status, done.err) == (0, "")
            until(lambda: note_has(address, "24 of 24 trials"))
            clean(seen)
    assert dump(tmp_path) == dump(fresh_run.folder)


def test_nothing_is_drawn_before_somebody_looks(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "studies", tmp_path / "studies")
    drawn = "FROM study_system_attributes WHERE key LIKE 'dashboard:%'"
    with closing(sqlite3.connect(tmp_path / "studies/studies.db")) as store:
        store.execute(f"DELETE {drawn}")
        store.commit()
        with serving(tmp_path) as address:
            time.sleep(3)
            assert store.execute(f"SELECT count(*) {drawn}").fetchone() == (0,)
            until(lambda: note_has(address, "24 of 24 trials"))


def test_a_process_manager_ends_it_too(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "studies", tmp_path / "studies")
    command = start(tmp_path, "dashboard", "--port", free_port())
    wait_until(lambda: "Ctrl-C" in command.out)
    command.signal(signal.SIGTERM)
    assert command.wait().status == 130


# --- mistakes


def test_a_port_that_is_used_is_one_message(served: str, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "studies", tmp_path / "studies")
    port = int(served.rstrip("/").rpartition(":")[2])
    said = f"error: --port: the port {port} cannot be used: Address already in use"
    refused = run(tmp_path, "dashboard", "--port", port).refusal
    assert refused == f"{said}\n  name another: --port {port + 1}\n"
