"""Other systems, as far as this one can play them; a wheel in an empty place; scripts without a main guard."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from multiprocessing import get_all_start_methods
from pathlib import Path

import pytest

from tests.processes import PATIENCE, Done
from tests.studies import write_small
from tuner.terminal import cores

ROOT = Path(__file__).parents[1]
# what lacks all that Windows lacks
WINDOWS = {"PYTHONPATH": str(ROOT / "tests" / "windows")}

UNGUARDED = """
import tuner
found = tuner.run_study("small.toml", trials=2, workers=2)
print(found.summary.complete, "complete")
"""


def call(folder: Path, *command: object, given: str | None = None, **variables: str) -> Done:
    """Runs a command to its end in a folder, with `given` as its standard input."""
    environment = {name: value for name, value in os.environ.items() if name != "TUNER_STORAGE"} | variables
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=environment, input=given or "", capture_output=True,
        text=True, timeout=PATIENCE,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


# --- from Python


def test_a_script_without_a_main_guard_runs_its_study_once(tmp_path) -> None:
    write_small(tmp_path)
    (tmp_path / "script.py").write_text(UNGUARDED)
    assert call(tmp_path, sys.executable, "script.py") == Done(0, "2 complete\n", "")


def test_so_does_one_on_standard_input_where_all_processes_start_anew_and_nothing_of_posix_is_there(tmp_path) -> None:
    write_small(tmp_path)
    assert call(tmp_path, sys.executable, given=UNGUARDED, **WINDOWS) == Done(0, "2 complete\n", "")


# --- another system


def test_what_is_played_is_missing_for_the_tuner_alone(tmp_path) -> None:
    (tmp_path / "tuner_of_mine.py").write_text("import fcntl, signal; signal.SIGALRM; print('here')")
    (tmp_path / "tuner").mkdir()
    (tmp_path / "tuner" / "__init__.py").touch()
    (tmp_path / "tuner" / "one.py").write_text("import sys; print(sys.platform)\nimport signal; signal.SIGALRM")
    (tmp_path / "tuner" / "two.py").write_text("import fcntl")
    variables = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{WINDOWS['PYTHONPATH']}"}
    assert call(tmp_path, sys.executable, "-c", "import tuner_of_mine", **variables).out == "here\n"
    one, two = (call(tmp_path, sys.executable, "-c", f"import tuner.{name}", **variables) for name in ("one", "two"))
    assert (one.out, "has no attribute 'SIGALRM'" in one.err) == ("win32\n", True)
    assert "there is no fcntl" in two.err


def test_a_console_in_cp1252_can_show_all_that_it_is_told(tmp_path) -> None:
    write_small(tmp_path)
    arguments = ("run", "--study", "small.toml", "--check")
    done = call(tmp_path, sys.executable, "-m", "tuner", *arguments, PYTHONIOENCODING="cp1252", **WINDOWS)
    assert (done.status, done.err) == (0, "")
    assert "\\u" not in done.out, "no character is written as its number"


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ({"process_cpu_count": lambda: 3, "cpu_count": lambda: 8}, 3),
        ({"sched_getaffinity": lambda _: {0, 5}, "cpu_count": lambda: 8}, 2),
        ({"cpu_count": lambda: 8}, 8),
        ({"cpu_count": lambda: None}, 1),
    ],
)
def test_cores_are_those_that_may_be_used_as_far_as_the_system_says(monkeypatch, offered, expected) -> None:
    if "sched_getaffinity" in offered and get_all_start_methods() == ["spawn"]:
        pytest.skip("where Windows is played it is missing, whoever offers it")
    for name in ("process_cpu_count", "sched_getaffinity", "cpu_count"):
        monkeypatch.delattr(os, name, raising=False)
    for name, function in offered.items():
        monkeypatch.setattr(os, name, function, raising=False)
    assert cores() == expected


# --- a wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for module in ("build", "hatchling"):
        pytest.importorskip(module, reason=f"{module} is not installed")
    folder = tmp_path_factory.mktemp("dist")
    done = call(ROOT, sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    assert done.status == 0, done.err
    return next(folder.glob("*.whl"))


def test_a_wheel_holds_what_the_package_needs_and_nothing_else(wheel) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"tuner/py.typed", "tuner/proposal/study.toml.j2", "tuner/report/templates/study.html"} <= names
    studies = {path.name for path in (ROOT / "studies").glob("*.toml")}
    assert {name.rpartition("/")[2] for name in names if name.startswith("tuner/studies/")} == studies
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"tuner"}
    assert any(name.endswith("licenses/tuner/LICENSE.md") for name in names)
    assert not [name for name in names if "pycache" in name or name.endswith(".db")]


def test_from_a_wheel_everything_runs_in_an_empty_folder(wheel, tmp_path) -> None:
    """What it depends on is that of this environment, which takes minutes to install."""
    venv, folder = tmp_path / "venv", tmp_path / "empty"
    folder.mkdir()
    assert call(tmp_path, sys.executable, "-m", "venv", "--without-pip", venv).status == 0
    paths = {"base": str(venv), "platbase": str(venv)}
    site, scripts = (Path(sysconfig.get_path(name, "venv", paths)) for name in ("purelib", "scripts"))
    pip = (sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--quiet", "--no-deps", "--no-index")
    assert call(tmp_path, *pip, wheel).status == 0
    (site / "others.pth").write_text(sysconfig.get_path("purelib"))

    tiny = [f"--set={key}" for key in ("train.max_epochs=1", "cv.folds=2", "search.repeats=0", "space.hidden_size=4")]
    (folder / "data.csv").write_text((write_small(tmp_path).parent / "data.csv").read_text())
    for arguments, said in {
        ("run", "--study", "demo", "--trials", "2", *tiny): "report: studies/demo/report.html",
        ("export", "--study", "demo"): "hidden_size = 4",
        ("status",): "demo",
        ("init", "data.csv"): "studies/data.toml",
    }.items():
        done = call(folder, scripts / "tuner", *arguments)
        assert (done.status, done.err) == (0, ""), done
        assert said in done.out
    left = {"demo", "data.toml", "studies.db", "studies.db.demo.lock"}
    assert {path.name for path in (folder / "studies").iterdir()} == left
