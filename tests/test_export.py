"""`export`: the best configuration with everything that is needed to train it again, in three formats."""

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.processes import run
from tests.studies import write_small
from tuner.errors import UserError
from tuner.files import write_whole
from tuner.spec.space import PARAMETERS

PARTS = ["study", "parameters", "training", "score", "task", "data", "cv", "versions"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A finished study, and its result as `run --json` says it."""
    folder = tmp_path_factory.mktemp("finished")
    write_small(folder)
    done = run(folder, "run", "--study", "small.toml", "--trials", 12, "--set", "study.seed=3", "--json")
    return folder, done.events[-1]


def export(folder: Path, *arguments: object) -> str:
    done = run(folder, "export", "--study", "small", *arguments)
    assert (done.status, done.err) == (0, "")
    return done.out


def test_the_three_formats_say_the_same(finished) -> None:
    folder, _ = finished
    toml = tomllib.loads(export(folder))
    assert list(toml) == PARTS
    assert tomllib.loads(export(folder, "--format", "toml")) == toml
    assert json.loads(export(folder, "--format", "json")) == toml
    assert yaml.safe_load(export(folder, "--format", "yaml")) == toml


def test_every_part_is_there(finished) -> None:
    folder, best = finished[0], finished[1]["best"]
    values = json.loads(export(folder, "--rule", "best", "--format", "json"))
    assert values["study"] == {"name": "small", "seed": 3, "rule": "best", "trial": best["trial"], "trials": 12}
    assert values["parameters"] == best["params"]
    assert list(values["parameters"]) == list(PARAMETERS)
    training = values["training"]
    assert (training["epochs"], training["precision"]) == (best["epoch"], "fp32")
    assert {"steps", "weights", "optimizer", "clip", "patience", "max_epochs", "shrinkage", "zeros"} <= training.keys()
    score = values["score"]
    assert (score["metric"], score["value"], score["se"]) == ("loss", best["value"], best["se"])
    assert sum(score["folds"]) / 2 == pytest.approx(best["value"])
    assert {"train_loss", "valid_loss", "persistence"} <= score.keys()
    assert values["task"]["window"] == 6
    assert values["cv"]["folds"] == 2
    data = values["data"]
    assert (data["path"], data["rows"], data["features"]) == (str(folder / "data.csv"), 400, ["x"])
    assert len(data["sha256"]) == 64
    assert {"python", "torch", "numpy", "optuna", "tuner", "processor"} <= values["versions"].keys()


def test_out_writes_a_file_and_says_nothing(finished, tmp_path) -> None:
    folder, _ = finished
    target = tmp_path / "deep" / "best.yaml"
    assert export(folder, "--format", "yaml", "--out", target) == ""
    assert yaml.safe_load(target.read_text()) == tomllib.loads(export(folder))
    assert list(target.parent.iterdir()) == [target]


def test_a_study_with_nothing_complete_has_nothing_to_export(tmp_path) -> None:
    write_small(tmp_path)
    run(tmp_path, "run", "--study", "small.toml", "--timeout", 0)
    message = run(tmp_path, "export", "--study", "small").refusal
    assert "no trial of small has completed yet" in message
    assert "python -m tuner.run --study studies/small/study.toml" in message


# --- whole files


def test_a_write_that_fails_half_way_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch) -> None:
    target = tmp_path / "best.toml"
    target.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_reader_finds_the_old_file_or_the_new_one(tmp_path, monkeypatch) -> None:
    target = tmp_path / "best.toml"
    target.write_text("old")
    found: list[str] = []
    move = Path.replace

    def look_and_move(aside: Path, to: Path) -> Path:
        found.append(to.read_text())
        return move(aside, to)

    monkeypatch.setattr(Path, "replace", look_and_move)
    write_whole(target, "new")
    assert found == ["old"], "everything is written before the new file takes its place"
    assert target.read_text() == "new"


def test_a_written_file_has_the_mode_that_any_new_file_has(tmp_path) -> None:
    write_whole(tmp_path / "ours", "x")
    (tmp_path / "usual").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "closed", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "closed").stat().st_mode & 0o777 == 0o600


def test_the_most_regularised_trial_within_one_error_is_exported_on_demand(finished) -> None:
    folder, result = finished
    assert result["best"]["trial"] != result["one_se"]["trial"]
    for rule, chosen in (("best", result["best"]), ("1se", result["one_se"])):
        written = tomllib.loads(export(folder, "--rule", rule))
        assert (written["study"]["rule"], written["study"]["trial"]) == (rule, chosen["trial"])
        assert written["parameters"] == chosen["params"]
        assert written["score"]["value"] == chosen["value"]
        assert written["score"].get("repeat_mean") == chosen["repeat_mean"]
