"""All commands under one name, and that asking for help loads nothing heavy."""

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.processes import fresh, run
from tests.studies import write_small

COMMANDS = ("demo", "init", "run", "path", "compare", "dashboard", "export", "score", "status", "delete")
HEAVY = {"torch", "optuna", "optuna_dashboard", "plotly", "pooch", "pandas"}
HEAVY |= {"sqlalchemy", "numpy", "sklearn", "scipy", "pyarrow"}


def test_the_console_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="tuner")
    assert command.value == "tuner.__main__:main"
    assert callable(command.load())


def test_it_lists_its_commands(tmp_path) -> None:
    done = run(tmp_path, "__main__", "--help")
    assert done.status == 0
    assert re.findall(r"^│ (\w+) ", done.out, re.MULTILINE) == list(COMMANDS)


def test_each_command_has_one_line_in_a_group_and_there_is_an_example(tmp_path) -> None:
    out = run(tmp_path, "__main__", "--help").out
    assert re.findall(r"^╭─ ([A-Z][a-z ]+) ─", out, re.MULTILINE)[1:] == ["Search", "Look", "Use", "Tidy up"]
    commands = out[out.index("╭─ Search") :]
    assert "│   " not in [line[:4] for line in commands.splitlines()], "no line is continued"
    assert re.search(r"tuner run --study pump +searches", out)


def test_without_a_command_it_shows_what_there_is(tmp_path) -> None:
    done = run(tmp_path, "__main__")
    assert all(command in done.out + done.err for command in COMMANDS)
    assert done.status == 2


def test_its_commands_are_the_modules(tmp_path: Path) -> None:
    write_small(tmp_path)
    for command in ("run", "path", "export", "status", "delete", "dashboard"):
        one, other = run(tmp_path, command, "--help"), run(tmp_path, "__main__", command, "--help")
        flags = [sorted(set(re.findall(r"--[a-z]+", done.out))) for done in (one, other)]
        assert flags[0] == flags[1]
        assert "--storage" in flags[0]
    assert "did you mean `small`?" in run(tmp_path, "__main__", "run", "--study", "smal.toml").err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(tmp_path, shell) -> None:
    done = completed(tmp_path, shell, "tuner ")
    assert [command for command in COMMANDS if command in done] == list(COMMANDS)
    assert "--storage" in completed(tmp_path, shell, "tuner status --s")


def completed(folder: Path, shell: str, typed: str) -> str:
    """What `tuner` offers to a shell in which this much is typed."""
    words = typed.split(" ")
    environment = {
        "_TUNER_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": typed,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    command = [str(Path(sys.executable).with_name("tuner"))]
    done = subprocess.run(command, env={**os.environ, **environment}, cwd=folder, capture_output=True, text=True)
    return done.stdout


@pytest.mark.parametrize("arguments", [["runn"], ["run"], ["run", "--study", "nope.toml"], ["export", "--study", "x"]])
def test_mistakes_end_with_2_and_no_traceback(tmp_path, arguments) -> None:
    assert run(tmp_path, "__main__", *arguments).refusal


@pytest.mark.parametrize("command", ["tuner", *(f"tuner.{command}" for command in COMMANDS)])
def test_help_loads_nothing_heavy(tmp_path, command) -> None:
    # -X importtime writes a line for each module that is imported
    done = fresh(tmp_path, "-X", "importtime", "-m", command, "--help").wait()
    imported = {line.rpartition("|")[2].strip() for line in done.err.splitlines()}
    assert done.status == 0
    assert "Usage" in done.out
    assert "typer" in imported, "the modules were seen"
    assert {name.partition(".")[0] for name in imported} & HEAVY == set()


IS_TORCH_THERE = """
import atexit, sys
atexit.register(lambda: print("torch" in sys.modules, file=sys.stderr))
sys.argv = ["tuner run", "--study", "small.toml", "--trials", "2", "--quiet"]
if __name__ == "__main__":
    from tuner.run import app
    app()
"""


def test_a_run_leaves_torch_to_its_workers(tmp_path) -> None:
    write_small(tmp_path)
    done = fresh(tmp_path, "-c", IS_TORCH_THERE).wait()
    assert (done.status, done.err) == (0, "False\n")
