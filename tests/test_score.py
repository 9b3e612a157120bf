"""From a finished study to scores of new rows, by the commands: `export --bundle`, then `score`."""

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.bundles import load_module, make_frame, write_bundle
from tests.processes import Done, run
from tests.studies import write_small
from tuner.bundle.archive import read_bundle
from tuner.evaluation.detection import choose_threshold
from tuner.search.evaluate import MEMBERS
from tuner.search.study import findings, prepare
from tuner.storage.store import Store

CLASSIFY = """
[study]
trials = 2
[data]
path = "labelled.csv"
[task]
kind = "classify"
window = 4
[cv]
folds = 3
holdout = 0.0
[train]
max_epochs = 8
precision = "fp32"
[search]
repeats = 0
[space]
hidden_size = 8
num_layers = 1
batch_size = 32
learning_rate = 0.01
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study, its bundle, and the scores of its own rows."""
    folder = tmp_path_factory.mktemp("bundled")
    write_small(folder)
    assert run(folder, "run", "--study", "small.toml", "--trials", 4, "--workers", 1, "--quiet").status == 0
    done = run(folder, "export", "--study", "small", "--bundle", "bundle")
    assert done.status == 0, done.err
    (folder / "said").write_text(done.out)
    (folder / "progress").write_text(done.err)
    score = ("score", "--bundle", "bundle", "--data", "data.csv", "--out", "scores.csv", "--report", "scores.html")
    done = run(folder, *score)
    assert (done.status, done.err) == (0, "")
    said = "scores.csv: 394 of 400 rows scored, none flagged (no labels, so no threshold)"
    assert done.out.splitlines() == [said, "report: scores.html"]
    assert "the threshold on" not in (folder / "scores.html").read_text()
    return folder


def test_export_says_what_it_does_and_what_comes_next(finished) -> None:
    assert "bundle: trial" in (finished / "said").read_text()
    assert "next: python -m tuner.score --bundle bundle" in (finished / "said").read_text()
    assert "networks trained" in (finished / "progress").read_text()
    assert sorted(path.name for path in (finished / "bundle").iterdir()) == [
        "config.toml",
        "manifest.json",
        "model.safetensors",
    ]


def test_a_bundle_holds_what_the_study_found(finished) -> None:
    config = tomllib.loads((finished / "bundle" / "config.toml").read_text())
    assert config == tomllib.loads(run(finished, "export", "--study", "small").out)
    manifest = read_bundle(finished / "bundle").manifest
    assert manifest.study == config["study"]
    assert manifest.scores == config["score"]
    assert manifest.versions == config["versions"]
    assert manifest.data["sha256"] == config["data"]["sha256"]
    x = pd.read_csv(finished / "data.csv")["x"].to_numpy()
    assert manifest.columns.model_dump() == {
        "time": (),
        "dated": False,
        "step": 1.0,
        "max_gap": 10.0,
        "every": None,
        "features": ("x",),
        "targets": ("x",),
        "lowest": (x.min(),),
        "highest": (x.max(),),
    }
    np.testing.assert_allclose(manifest.features.mean, x[:-1].mean())
    assert manifest.targets is not None
    np.testing.assert_allclose(manifest.targets.deviation, x[6:].std())
    assert (manifest.networks.count, manifest.networks.hidden_size) == (MEMBERS, 4)


def test_the_scores_are_those_of_a_plain_loop_over_the_refitted_networks(finished) -> None:
    manifest = json.loads((finished / "bundle" / "manifest.json").read_text())
    state = load_file(finished / "bundle" / "model.safetensors")
    x = pd.read_csv(finished / "data.csv")["x"].to_numpy()
    scaled = ((x - manifest["features"]["mean"][0]) / manifest["features"]["deviation"][0]).astype(np.float32)
    forecasts = []
    for number in range(MEMBERS):
        lstm, head = nn.LSTM(1, 4), nn.Linear(4, 1)
        for part, name in ((lstm, "lstm"), (head, "head")):
            part.load_state_dict({key: state[f"{number}.{name}.{key}"] for key in part.state_dict()})
        with torch.no_grad():
            each = [head(lstm(torch.from_numpy(scaled[row : row + 6, None, None]))[0][-1]).item() for row in range(394)]
        forecasts.append(each)
    forecast = np.mean(forecasts, axis=0) * manifest["targets"]["deviation"][0] + manifest["targets"]["mean"][0]
    raw = np.abs(forecast - x[6:]) / manifest["residual"][0]
    rarity = manifest["rarity"]
    scores = pd.read_csv(finished / "scores.csv")
    assert list(scores) == ["time", "score", "flag", "forecast"]
    assert scores["time"].tolist() == list(range(400))
    assert scores["flag"].isna().all()
    np.testing.assert_allclose(scores["forecast"][6:], forecast, rtol=1e-5, atol=1e-6)
    inside = (raw >= rarity["raw"][0]) & (raw <= rarity["raw"][-1])
    expected = np.interp(raw, rarity["raw"], rarity["score"])
    assert inside.mean() > 0.9
    np.testing.assert_allclose(scores["score"][6:][inside], expected[inside], rtol=1e-4, atol=1e-5)
    assert (finished / "scores.csv").read_text().splitlines()[1:7] == [f"{row},,," for row in range(6)]


def test_errors_are_in_units_of_the_fold_models_residuals(finished) -> None:
    with Store(f"sqlite:///{finished}/studies/studies.db", create=False) as store:
        study = store.open("small")
        losses = findings(study).chosen("shipped").trial.outcome.at_best("train_loss")
    unit = prepare(study.spec).problem.unit[0]
    assert read_bundle(finished / "bundle").manifest.residual == pytest.approx((np.mean(np.sqrt(losses)) * unit,))


def test_the_scale_is_that_of_the_out_of_fold_scores(finished) -> None:
    manifest = read_bundle(finished / "bundle").manifest
    scores = pd.read_csv(finished / "scores.csv")["score"].dropna()
    # fitted on these rows, so rather less than one in ten reaches 1
    assert 0.02 < (scores >= 1).mean() < 0.15
    with Store(f"sqlite:///{finished}/studies/studies.db", create=False) as store:
        trained = sum(fold.valid for fold in store.open("small").facts.folds)
    assert manifest.rows == trained
    assert manifest.rarity.score[-1] == pytest.approx(np.log10(trained))


def test_exported_again_it_is_the_same_bundle_and_replaces_the_old_one(finished) -> None:
    before = {path.name: path.read_bytes() for path in (finished / "bundle").iterdir()}
    (finished / "bundle" / "config.toml").write_text("damaged")
    message = run(finished, "export", "--study", "small", "--bundle", "bundle").refusal
    assert "bundle: this already exists use --force" in " ".join(message.split())
    assert run(finished, "export", "--study", "small", "--bundle", "bundle", "--force").status == 0
    assert {path.name: path.read_bytes() for path in (finished / "bundle").iterdir()} == before


def test_the_same_networks_are_written_for_torch_and_for_onnx(finished) -> None:
    """As files to be used without the tuner: their scores and forecasts are the bundle's."""
    for form, name in (("pytorch", "model.py"), ("onnx", "model.onnx")):
        done = run(finished, "export", "--study", "small", "--format", form, "--out", f"other/{name}")
        assert (done.status, done.out.split(":")[0]) == (0, f"other/{name}"), done.err
    assert sorted(path.name for path in (finished / "other").iterdir()) == ["model.onnx", "model.pt", "model.py"]
    scored = pd.read_csv(finished / "scores.csv")
    rows = torch.tensor(pd.read_csv(finished / "data.csv").to_numpy())
    exported = load_module(finished / "other" / "model.py")
    np.testing.assert_allclose(exported.score(exported.load(), rows), scored["score"], rtol=1e-4, atol=1e-4)
    assert tomllib.loads((finished / "bundle" / "config.toml").read_text())["training"]["steps"] == exported.STEPS
    windows = rows.unfold(0, 6, 1).transpose(1, 2).contiguous().numpy()
    session = onnxruntime.InferenceSession(finished / "other" / "model.onnx", providers=["CPUExecutionProvider"])
    (forecasts,) = session.run(None, {"rows": windows})
    np.testing.assert_allclose(forecasts[:-1, 0], scored["forecast"][6:], rtol=1e-5, atol=1e-5)


def test_data_that_are_not_as_they_were_are_refused(finished) -> None:
    whole = (finished / "data.csv").read_text()
    try:
        (finished / "data.csv").write_text(whole.replace("\n0.", "\n1.", 1))
        assert "the data have changed" in run(finished, "export", "--study", "small", "--bundle", "new").refusal
        (finished / "data.csv").unlink()
        assert "no such file" in run(finished, "export", "--study", "small", "--bundle", "new").refusal
    finally:
        (finished / "data.csv").write_text(whole)
    assert not (finished / "new").exists()


def test_a_study_with_labels_flags_rows(tmp_path) -> None:
    """One in ten minutes is anomalous, in pairs, and shows it."""
    rng = np.random.default_rng(0)
    rows = np.arange(600)
    label = (rows % 20 < 2).astype(int)
    frame = pd.DataFrame({"when": pd.date_range("2024", periods=600, freq="min"), "label": label})
    frame["x"] = (rng.normal(size=600) + 4 * label).round(3)
    frame["y"] = rng.normal(size=600).round(3)
    frame.to_csv(tmp_path / "labelled.csv", index=False)
    (tmp_path / "c.toml").write_text(CLASSIFY)
    assert run(tmp_path, "run", "--study", "c.toml", "--workers", 1, "--quiet").status == 0
    assert "threshold" in run(tmp_path, "export", "--study", "c", "--bundle", "out/bundle").out
    new = frame.drop(columns="label")[["y", "x", "when"]].assign(more="text, with a comma")
    new.loc[100, "y"] = np.nan
    new.loc[200:209, "x"] = 50.0
    new.loc[205:207, "y"] = -50.0
    new["when"] += pd.to_timedelta(np.where(rows < 300, 0, 60), unit="min")
    new[::-1].to_csv(tmp_path / "new.csv", index=False, sep=";")  # the latest row first, as exchanges give them
    score = ("score", "--bundle", "out/bundle", "--data", "new.csv", "--out", "out/scores.csv")
    done = run(tmp_path, *score, "--report", "out/scores.html")
    scores = pd.read_csv(tmp_path / "out" / "scores.csv")[::-1].reset_index(drop=True)
    assert (done.status, done.err) == (0, "")
    assert list(scores) == ["time", "score", "flag"]
    assert scores["time"].tolist() == new["when"].astype(str).tolist()
    lost = (rows < 3) | ((rows >= 100) & (rows < 104)) | ((rows >= 300) & (rows < 303))
    assert scores["score"].isna().tolist() == lost.tolist()
    assert scores["flag"].isna().tolist() == lost.tolist()
    flagged = scores["flag"] == 1
    assert f"590 of 600 rows scored, {flagged.sum()} flagged" in done.out
    manifest = read_bundle(tmp_path / "out" / "bundle").manifest
    page = (tmp_path / "out" / "scores.html").read_text()
    # the highest scores are those of rows that no network has seen the like of
    assert re.findall(r'<th scope="row">2024-01-01 (\d\d:\d)', page)[0] == "03:2"
    assert manifest.threshold is not None
    assert manifest.flag_share == 10**-manifest.threshold
    expected = f"{flagged.sum() / 590:.2%}; {manifest.flag_share:.2%} in cross-validation"
    warnings = [
        f"`{name}` leaves its range in training, {x.min():.4g} to {x.max():.4g}, in {many} of 600 rows"
        for name, x, many in (("x", frame["x"], 10), ("y", frame["y"], 3))
    ]
    assert "Rows from the threshold on are flagged." in page
    for text in (page, " ".join(done.out.split())):
        assert expected in text
        assert 0 < text.index(warnings[0]) < text.index(warnings[1]), "the worst first"
    label[200:210] = 1
    assert label[flagged].mean() > 0.8
    assert flagged[(label == 1) & ~lost].mean() > 0.8
    assert manifest.columns.time == ("when",)
    assert manifest.columns.step == 60e9
    assert (flagged == (scores["score"] >= manifest.threshold)).all()
    store = Store(f"sqlite:///{tmp_path}/studies/studies.db", create=False)
    study = store.open("c")
    best, rows_ = findings(study).chosen("shipped"), study.rows()
    judged = study.scores(best.trial.number)
    assert judged is not None and rows_ is not None
    chosen = choose_threshold(judged, rows_["label"][rows_["part"] >= 0])
    assert manifest.threshold == manifest.rarity.apply(np.array(chosen)), "chosen on all out-of-fold scores"
    store.close()


@pytest.fixture
def made(tmp_path) -> Path:
    """A bundle and rows for it."""
    folder: Path = tmp_path
    write_bundle(folder / "bundle")
    make_frame(20).to_csv(folder / "new.csv", index=False)
    return folder


def score(folder: Path, **flags: str) -> Done:
    usual = {"bundle": "bundle", "data": "new.csv", "out": "scores.csv"} | flags
    return run(folder, "score", *(part for name, value in usual.items() for part in (f"--{name}", value)))


def test_times_are_written_as_they_are_in_the_file(made) -> None:
    frame = make_frame(3)
    times = ["2024-05-01 00:00", "2024-05-01T00:01:00", " 2024-05-01 00:02:00.0 "]
    frame.assign(time=times).to_csv(made / "new.csv", index=False)
    assert score(made).status == 0
    assert (made / "scores.csv").read_text().splitlines() == ["time,score,flag,forecast", *(f"{t},,," for t in times)]
    (made / "new.csv").write_text('time,a,b\n"1 May 2024, 10:00",1,2\n"1 May 2024, 10:01",1,2\n')
    assert score(made).status == 0
    assert pd.read_csv(made / "scores.csv")["time"].tolist() == ["1 May 2024, 10:00", "1 May 2024, 10:01"]


@pytest.mark.parametrize("place", ["new.csv", "link.csv", "../{}/new.csv"])
def test_the_data_are_never_overwritten(made, place) -> None:
    (made / "link.csv").symlink_to("new.csv")
    before = (made / "new.csv").read_bytes()
    assert "the output would overwrite the data file" in score(made, out=place.format(made.name)).refusal
    assert (made / "new.csv").read_bytes() == before


def test_what_goes_wrong_half_way_leaves_the_old_scores(made) -> None:
    (made / "scores.csv").write_text("old")
    lines = (made / "new.csv").read_text().splitlines()
    (made / "new.csv").write_text("\n".join([*lines[:10], "2024-05-01 00:09:00,oops,1", *lines[11:]]))
    assert "new.csv:11 a: `oops` is not a number" in score(made).refusal
    assert (made / "scores.csv").read_text() == "old"
    assert sorted(path.name for path in made.iterdir() if path.name[:3] != "std") == ["bundle", "new.csv", "scores.csv"]
