"""`demo`: a built-in study that runs in an empty folder, and a browser where there is one to be seen."""

import re
import sys
import webbrowser
from pathlib import Path

import pytest
import typer

from tests.processes import run
from tuner import demo
from tuner.search.study import prepare
from tuner.spec import file
from tuner.spec.file import read_spec
from tuner.terminal import actions

STUDY = Path(__file__).parents[1] / "studies" / "demo.toml"
SMALL = {"trials": 2, "max_epochs": 1, "repeats": 0, "hidden_size": 4}


def make_small() -> None:
    """Has the command find the built-in study shrunk, in a folder that is not the working one."""
    text = STUDY.read_text()
    for key, value in SMALL.items():
        text = re.sub(rf"^{key} = \d+", f"{key} = {value}", text, flags=re.MULTILINE)
    Path("demo.toml").write_text(text)
    file.BUILT_IN = (Path("none"), Path())


def test_anywhere_it_ends_in_a_verdict_and_a_report_and_again_in_the_same(tmp_path) -> None:
    mine = tmp_path / "studies" / "demo.toml"
    mine.parent.mkdir()
    mine.write_text("another study of the same name")
    first, again = (run(tmp_path, "demo", before=make_small) for _ in range(2))
    assert [(done.status, done.err) for done in (first, again)] == [(0, "")] * 2
    assert (tmp_path / "studies" / "demo" / "report.html").exists()
    assert mine.read_text() == "another study of the same name"
    assert ["trial 1: loss" in done.out for done in (first, again)] == [True, False], "nothing is trained again"
    assert len({done.out[done.out.index("Held-out data") :] for done in (first, again)}) == 1


@pytest.mark.parametrize("missing", ["", "display", "terminal", "success", "reader"])
def test_the_report_opens_where_it_can_be_seen(tmp_path, monkeypatch, missing: str) -> None:
    opened: list[str] = []
    status = 130 if missing == "success" else 0
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(actions, "search_study", lambda *_, **__: status)
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: missing != "terminal")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", "" if missing == "display" else ":0")
    with pytest.raises(typer.Exit) as ended:
        demo.main(missing == "reader", "sqlite:///store.db")
    assert ended.value.exit_code == status
    assert opened == ([] if missing else [f"file://{tmp_path}/studies/demo/report.html"])


def test_its_data_are_always_the_same() -> None:
    one, other = (prepare(read_spec(STUDY)).facts for _ in range(2))
    assert (one.digest, one.targets, len(one.features), one.holdout) == (other.digest, ("load",), 81, 484)
