"""`delete`: asks, refuses while the study is run, and leaves the folder."""

import json
import os
import shutil
import sys
from io import StringIO
from pathlib import Path

import pytest

from tests.processes import run
from tuner.delete import main
from tuner.errors import UserError
from tuner.storage.lock import file_lock

STORE = "sqlite:///studies/studies.db"


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def folder(fresh_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a finished study."""
    shutil.copytree(fresh_run.folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def studies(folder: Path) -> list[str]:
    return [json.loads(line)["study"] for line in run(folder, "status", "--json").out.splitlines()]


def test_with_yes_it_is_deleted_and_its_folder_stays(folder) -> None:
    (folder / "studies" / "small").mkdir(exist_ok=True)
    done = run(folder, "delete", "--study", "small", "--yes")
    assert (done.status, done.err) == (0, "")
    assert done.out == "Deleted small and its 24 trials. Its folder remains: studies/small\n"
    assert studies(folder) == []
    assert (folder / "studies" / "small").exists()
    assert (folder / "small.toml").exists()
    assert {path.name for path in (folder / "studies").iterdir()} == {"small", "studies.db"}


def test_without_a_terminal_nobody_can_be_asked(folder) -> None:
    assert "--yes" in run(folder, "delete", "--study", "small").refusal
    assert studies(folder) == ["small"]


@pytest.mark.parametrize(
    ("answer", "left"), [("y\n", []), ("YES\n", []), ("n\n", ["small"]), ("\n", ["small"]), ("", ["small"])]
)
def test_on_a_terminal_it_asks_first(folder, monkeypatch, capsys, answer, left) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    main("small", False, STORE)
    said = capsys.readouterr().out
    assert said.startswith("Delete study small and its 24 trials for good? [y/N] ")
    assert ("Nothing was deleted." in said) == bool(left)
    assert studies(folder) == left


def test_a_study_that_is_being_run_is_refused_before_it_asks(folder, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    lock = file_lock(folder / "studies" / "studies.db.small.lock", "small")
    with lock, pytest.raises(UserError, match=f"the study small is being run by process {os.getpid()}"):
        main("small", False, STORE)
    assert capsys.readouterr().out == ""
    assert studies(folder) == ["small"]
