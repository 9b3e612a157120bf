"""Bad input: exit status 2, one message with what, where and how to mend, and nothing created or changed."""

import hashlib
import re
import shutil
import sqlite3
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path

import optuna
import pytest

from tests.bad.bundles import BUNDLES
from tests.bad.cases import STORE, Case
from tests.bad.commands import COMMANDS
from tests.bad.data import DATA_FILES
from tests.bad.stores import STORES
from tests.bad.studies import NAMES, STUDY_FILES
from tests.bundles import write_bundle
from tuner.search.workers import LocalProcesses
from tuner.spec.sections import FLOAT32
from tuner.terminal import execute
from tuner.training.machine import Machine

TABLES = {
    "study file": STUDY_FILES,
    "name": NAMES,
    "data file": DATA_FILES,
    "command": COMMANDS,
    "store": STORES,
    "bundle": BUNDLES,
}
CASES = [pytest.param(case, id=f"{kind}: {name}") for kind, cases in TABLES.items() for name, case in cases.items()]


@pytest.fixture(scope="session")
def finished(fresh_run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished study, a bundle, and databases of others."""
    folder = tmp_path_factory.mktemp("finished")
    for path in ("data.csv", "small.toml", STORE, "studies/small/report.html"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(fresh_run.folder / path, folder / path)
    write_bundle(folder / "bundle")
    with closing(sqlite3.connect(folder / "other.db")) as other:
        other.execute("CREATE TABLE notes (studies TEXT)")
    other_tool = f"sqlite:///{folder / 'optuna.db'}"
    optuna.create_study(study_name="small", storage=other_tool).optimize(
        lambda trial: trial.suggest_float("x", 0, 1), 1
    )
    return folder


@pytest.fixture
def folder(finished: Path, elsewhere: Path) -> Path:
    shutil.copytree(finished, elsewhere, dirs_exist_ok=True)
    return elsewhere


def held(folder: Path) -> dict[str, str]:
    """Each file below the folder with a hash of what it holds; folders too. A lock's says who was there last."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
        if path.suffix != ".lock"
    }


def prepare(folder: Path, case: Case) -> None:
    for name, content in case.files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    for name in case.gone:
        (folder / name).unlink()
    if case.sql:
        with closing(sqlite3.connect(folder / STORE)) as store:
            for statement in case.sql:
                store.execute(statement)
            store.commit()


def message(text: str) -> str:
    """A message in one line; a wrong flag's is drawn as a box below how the command is used."""
    text = re.sub(r"[│╭╮╰╯─]", " ", text.partition("─ Error ")[2]) if text.startswith("Usage") else text
    return " ".join(text.split())


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_message_and_changes_nothing(case: Case, folder, monkeypatch, capsys) -> None:
    prepare(folder, case)
    before = held(folder)
    # such a run must end before anything is trained; the class itself, as who imports it meanwhile keeps it
    for method, result in (("__init__", None), ("probe", Machine(FLOAT32, False, {})), ("close", None)):
        monkeypatch.setattr(LocalProcesses, method, lambda *_, result=result: result)
    monkeypatch.setattr(sys, "argv", [f"tuner {case.line[0]}", *case.line[1:]])
    with pytest.raises(SystemExit) as ended:
        execute(import_module(f"tuner.{case.line[0]}").app)
    out, err = capsys.readouterr()
    assert ended.value.code == 2, err
    assert case.says in message(err)
    assert "Traceback" not in err
    assert "secret" not in err
    assert len(err) < 1500
    lines = err.rstrip("\n").split("\n")
    if not err.startswith("Usage"):
        assert lines[0].startswith("error: ")
        assert len(lines) == 2 or "should" in err, "how to mend it"
        assert ": " in lines[0].removeprefix("error: "), "where it is"
    assert "--json" not in case.line or out == ""
    assert held(folder) == before


def test_the_table_is_long_and_its_messages_differ() -> None:
    says = {re.sub(r"`[^`]*`|'[^']*'|[\d.]+", "…", case.says) for cases in TABLES.values() for case in cases.values()}
    assert len(CASES) >= 80
    assert len(says) >= 60
