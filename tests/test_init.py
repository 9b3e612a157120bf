"""`init` writes a study file that runs as it is, and never over another."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.data.reading import SHARED, needs_shared
from tests.processes import run
from tuner.data.problems import make_problem
from tuner.data.series import runs as spans
from tuner.errors import UserError
from tuner.init import _seen_from, app, study_name
from tuner.loading.dataset import load_dataset
from tuner.spec.file import read_spec, read_spec_dict
from tuner.spec.sections import Spec

STUDIES = Path(__file__).parents[1] / "studies"

# what the file that shows every key cannot leave at its default
DIFFERENT = {
    ("study", "name"): "is the file's stem",
    ("data", "source"): "there is no default for the data",
    ("data", "path"): "excludes `source`, so it is a comment",
    ("data", "time"): "by default recognised; here the name that is",
    ("data", "features"): "by default all; the derived ones look back, so that more rows are purged",
    ("data", "target"): "by default the first feature; here one that can be forecast",
    ("data", "label"): "by default recognised; here the name that is",
    ("task", "horizon"): "by default that of the kind of task: 1 for a forecast",
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def csv(name: str = "data.csv", rows: int = 600, **columns: Any) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"time": pd.date_range("2024", periods=rows, freq="min"), "a": rng.normal(size=rows)})
    path = Path(name)
    path.parent.mkdir(exist_ok=True, parents=True)
    frame.assign(**columns).to_csv(path, index=False)
    return path


def init(*args: object) -> str:
    """What the command prints; a refusal is raised."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    if result.exception is not None:
        raise result.exception
    return result.output


def runs(path: Path) -> Spec:
    """The Spec of a study file of which everything up to training can be made."""
    spec = read_spec(path)
    make_problem(spec, load_dataset(spec)).folds()
    return spec


def test_a_study_file_that_runs_is_written_and_the_next_command_named() -> None:
    output = init(csv("my data.csv"))
    assert "python -m tuner.run --study my-data" in output
    spec = runs(Path("studies/my-data.toml"))
    assert spec.study.name == "my-data"
    assert spec.data.features == ("a",)
    assert (spec.data.time, spec.task.kind) == (("time",), "forecast")


def test_the_path_is_relative_to_the_study_file(tmp_path: Path) -> None:
    init(csv("deep/data.csv"), "--out", "other/place.toml")
    assert tomllib.loads(Path("other/place.toml").read_text())["data"]["path"] == "../deep/data.csv"
    tmp_path.rename(tmp_path.with_name("moved"))
    os.chdir(tmp_path.with_name("moved"))
    runs(Path("other/place.toml"))


def test_a_file_on_another_drive_is_named_whole(monkeypatch) -> None:
    def refuse(*_: object) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr("tuner.init.relpath", refuse)
    assert _seen_from(Path("/studies"), Path("/data/x.csv")) == "/data/x.csv"


def test_a_study_file_is_not_overwritten_unless_forced() -> None:
    path = csv()
    target = Path("studies/data.toml")
    target.parent.mkdir()
    target.write_text("mine")
    with pytest.raises(UserError, match="already"):
        init(path)
    assert target.read_text() == "mine"
    init(path, "--force")
    runs(target)


def test_missing_values_are_interpolated_and_said() -> None:
    values = np.random.default_rng(0).normal(size=600)
    values[[50, 51]] = np.nan
    init(csv(a=values))
    assert runs(Path("studies/data.toml")).data.missing == "interpolate"
    assert "2 of 600 values are missing" in " ".join(Path("studies/data.toml").read_text().split())


def test_labelled_files_are_learnt_by_file() -> None:
    for number in range(6):
        csv(f"days/{number}.csv", label=(np.arange(600) // 50 == number + 3).astype(int))
    init("days/*.csv")
    spec = runs(Path("studies/days.toml"))
    assert (spec.task.kind, spec.study.metric, spec.cv.scheme) == ("classify", "average_precision", "series")


def test_one_long_event_still_gives_a_study_that_runs() -> None:
    row = np.arange(1155)
    init(csv(rows=1155, a=np.sin(row / 7), label=((row >= 580) & (row < 982)).astype(int)))
    spec = runs(Path("studies/data.toml"))
    assert (spec.task.kind, spec.cv.holdout) == ("forecast", 0.5)


def test_a_holdout_without_events_is_said_by_init_check_and_result(tmp_path: Path) -> None:
    said = "The holdout has no labelled event, so held-out data say nothing about detection"
    assert f"warning: {said}" in init(csv(label=(np.arange(600) % 50 < 2 * (np.arange(600) < 400)).astype(int)))
    tiny = ("train.max_epochs=1", "search.repeats=0", "task.window=4", "space.hidden_size=4")
    tuner = ("run", "--study", "data", "--trials", "2", *(f"--set={key}" for key in tiny))
    assert f"warning: {said}" in " ".join(run(tmp_path, *tuner, "--check").out.split())
    out = " ".join(run(tmp_path, *tuner).out.split())
    assert out.count(said) == 2, "before the search and above the result"


def test_a_random_walk_is_forecast_by_its_change() -> None:
    init(csv(a=np.cumsum(np.random.default_rng(0).normal(size=600))))
    assert runs(Path("studies/data.toml")).task.difference


ROW = np.arange(1500)
WAVE = 5 * np.sin(2 * np.pi * ROW / 24) + np.random.default_rng(1).normal(size=1500)
LATER = {
    "drifts": (WAVE + 40 * (ROW - 1200) / 300, ROW % 97 < 4),
    "another rhythm": (50 * np.sin(2 * np.pi * ROW / 7), ROW % 97 < 4),
    "walks": (np.cumsum(WAVE), ROW % 97 < 4),
    "constant": (np.ones(1500), ROW % 97 < 4),
    "tells the label": (100 * (ROW % 97 < 4), ROW % 97 < 4),
    "nothing anomalous": (WAVE, ROW < 0),
    "often anomalous": (WAVE, ROW % 10 < 3),
}


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("later", LATER)
def test_no_choice_hangs_on_the_rows_of_the_holdout(labelled: bool, later: str) -> None:
    values, marks = LATER[later]
    for name, share in (("as.csv", 1.0), ("other.csv", 0.8)):
        kept = share * 1500 > ROW
        columns = {"b": np.where(kept, WAVE, values), "a": np.where(kept, np.roll(WAVE, 5), values[::-1])}
        marked = np.where(kept, ROW % 97 < 4, marks).astype(int)
        csv(name, 1500, **columns, **({"label": marked} if labelled else {}))
        init(name, "--out", f"{name}.toml", "--features", "a", "--features", "b")
    one, two = (tomllib.loads(Path(f"{name}.toml").read_text()) for name in ("as.csv", "other.csv"))
    assert {**one, "study": one["study"] | {"name": ""}, "data": one["data"] | {"path": ""}} == {
        **two,
        "study": two["study"] | {"name": ""},
        "data": two["data"] | {"path": ""},
    }


def test_columns_are_shown_by_their_part_and_each_decision_in_a_line() -> None:
    output = init(csv(rows=600, id=ROW[:600], label=np.where(ROW[:600] % 50 < 3, "bad", "ok"))).splitlines()
    assert [line.split()[:2] for line in output[:5]] == [
        *(["column", "role"], ["time", "time"], ["label", "label"], ["a", "feature"], ["id", "left"])
    ]
    assert "2024-01-01 to 2024-01-01 09:59" in output[1]
    assert "Using column `label` as the anomaly label (bad = anomalous; normal: ok)." in output
    assert "Left out as counters or clocks: `id`." in output


def test_what_init_is_told_stands_in_the_study_file() -> None:
    Path("x.csv").write_text(
        "\n".join(["at,state,m,u,v", *(f"{n % 600},{int(n % 100 < 3)},{n // 600},{n % 7},{n % 5}" for n in ROW[:1200])])
    )
    told = "--time at --label state --anomalous 1 --series m --features u --features v --target v --missing-marks -999"
    init("x.csv", *told.split())
    spec = runs(Path("studies/x.toml"))
    data = spec.data
    assert (data.time, data.label, data.series) == (("at",), "state", "m")
    assert (data.features, data.target, data.missing_marks) == (("u", "v"), ("v",), ("-999",))
    assert spec.task.kind == "forecast"
    assert len(load_dataset(spec).series) == 2
    init("x.csv", "--force", "--time", "", "--label", "", "--series", "")
    data = runs(Path("studies/x.toml")).data
    assert (data.time, data.label, data.series) == ((), "", "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--time at", "--time: there is no column `at`"),
        ("--label a", "`--anomalous"),
        ("--anomalous 1", "--anomalous: there is no label whose values could mean so\n  name it as --label"),
        ("--decimal x", "--decimal: 'x' is not possible"),
        ("--day-first --month-first", "name one of the two"),
        ("--features time", "the column holds dates, not numbers\n  name columns of numbers as --features"),
        ("--label time --anomalous 2", "is no label"),
    ],
)
def test_a_refusal_names_the_flag(line: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        init(csv(), *line.split())
    assert message in str(caught.value)
    assert "[data]" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/nyc_taxi.csv", "nyc_taxi"),
        ("a/valve1__*.csv", "valve1"),
        ("a/*.csv", "a"),
        ("_x y.parquet", "x-y"),
        ("*.csv", "study"),
        ("a" * 80 + ".csv", "a" * 64),
    ],
)
def test_study_name(path: str, name: str) -> None:
    assert study_name(Path(path)) == name


def test_help_needs_no_heavy_import() -> None:
    heavy = ("numpy", "pandas", "pyarrow", "pydantic", "torch", "optuna")
    code = f"import sys, tuner.init; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_forecast_shows_every_key_with_its_default() -> None:
    text = (STUDIES / "forecast.toml").read_text()
    shown = tomllib.loads(text)
    defaults = read_spec_dict({"study": {"name": "forecast"}, "data": {"source": "market"}})
    for section, model in defaults:
        fields = {} if section == "space" else type(model).model_fields
        keys = model if section == "space" else [field.alias or name for name, field in fields.items()]
        assert set(shown[section]) <= set(keys)
        for key in keys:
            assert key in shown[section] or f"# {key} = " in text, f"[{section}] {key} is not shown"
    spec = read_spec_dict({**shown, "study": {**shown["study"], "name": "forecast"}})
    assert spec.space == defaults.space
    for section in ("study", "data", "task", "cv", "train", "search"):
        for key, value in getattr(defaults, section):
            same = getattr(getattr(spec, section), key) == value
            assert same or (section, key) in DIFFERENT, f"[{section}] {key} is not the default"


def test_anomaly_learns_from_few_rows_and_is_judged_by_many_events() -> None:
    specs = [read_spec(STUDIES / "anomaly.toml", sets) for sets in ([], ["data.source=market", "cv.holdout=0.2"])]
    one, other = (make_problem(spec, load_dataset(spec)) for spec in specs)
    assert [len(fold.train) for fold in one.split.folds] == [len(fold.train) for fold in other.split.folds]
    np.testing.assert_array_equal(one.features[: 8 * 390], other.features[: 8 * 390])
    assert one.labels is not None and len(spans(one.labels[one.windows.target[one.split.holdout]])) > 80


def test_forecast_runs() -> None:
    spec = runs(STUDIES / "forecast.toml")
    data = load_dataset(spec)
    assert data.series[0].labels is not None
    assert data.target_names == ("range",)


@needs_shared
@pytest.mark.parametrize(
    "name", ["NAB/realKnownCause__nyc_taxi.csv", "SKAB/valve1__*.csv", "SKAB/other__5.csv", "NASA_SMAP/P-1.csv"]
)
def test_real_files(name: str) -> None:
    init(SHARED / name, "--out", "study.toml")
    runs(Path("study.toml"))
