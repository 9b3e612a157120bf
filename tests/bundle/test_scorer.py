"""Scoring rows and samples: as the plainest loop would, in chunks as at once, nothing where a window is not whole."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from tests.bundles import SMALL, make_bundle, make_frame, plain_outputs, write_sample_bundle
from tuner.bundle import scorer as module
from tuner.bundle.archive import bundle_files, read_bundle
from tuner.bundle.manifest import Networks
from tuner.bundle.scorer import SampleScorer, Scorer
from tuner.errors import UserError
from tuner.files import write_folder
from tuner.loading.chunks import read_chunks
from tuner.model.building import build_network, predict
from tuner.model.own import source_hash
from tuner.reading.opening import open_frame
from tuner.spec.sections import ModelSection

DEEP = Networks(count=2, hidden_size=5, num_layers=2, normalization="batch")


@pytest.mark.parametrize(("window", "horizon"), [(1, 1), (4, 1), (4, 3)])
@pytest.mark.parametrize("difference", [False, True])
def test_a_forecast_is_scored_as_a_plain_loop_would(tmp_path, window, horizon, difference) -> None:
    shape = {"window": window, "horizon": horizon, "difference": difference}
    bundle = make_bundle(tmp_path, networks=DEEP, targets=("a", "b"), **shape)
    frame = make_frame(30)
    scored = Scorer(bundle).score(frame)
    values = frame[["a", "b"]].to_numpy()
    reach = window - 1 + horizon
    forecast = plain_outputs(bundle, values)[: 30 - reach] * 1.5 + 0.25
    forecast += values[window - 1 : 30 - horizon] if difference else 0
    raw = np.sqrt(np.mean(((forecast - values[reach:]) / [0.5, 1.5]) ** 2, axis=1))
    expected = bundle.manifest.rarity.apply(raw)
    assert list(scored) == ["time", "score", "flag", "forecast_a", "forecast_b"]
    assert scored[:reach].drop(columns="time").isna().all(axis=None)
    np.testing.assert_allclose(scored[["forecast_a", "forecast_b"]][reach:], forecast, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scored["score"][reach:], expected, rtol=1e-4, atol=1e-5)
    assert (scored["flag"][reach:] == (scored["score"][reach:] >= 0.5)).all()
    assert 0 < scored["flag"].mean() < 1


def test_a_classifier_scores_a_window_at_its_last_row(tmp_path) -> None:
    bundle = make_bundle(tmp_path, kind="classify")
    frame = make_frame(20)
    scored = Scorer(bundle).score(frame)
    raw = plain_outputs(bundle, frame[["a", "b"]].to_numpy())[:, 0]
    assert list(scored) == ["time", "score", "flag"]
    assert scored["score"][:3].isna().all()
    expected = bundle.manifest.rarity.apply(raw.astype(float))
    np.testing.assert_allclose(scored["score"][3:], expected, rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    return Scorer(make_bundle(tmp_path_factory.mktemp("scorer"), horizon=2))


def test_columns_are_matched_by_name_and_others_ignored(scorer) -> None:
    frame = make_frame(20)
    usual = scorer.score(frame)
    assert usual["score"].notna().sum() == 15
    pd.testing.assert_frame_equal(scorer.score(frame[["b", "time", "a"]]), usual)
    pd.testing.assert_frame_equal(scorer.score(frame.assign(c="text", a2=np.nan)), usual)
    assert (scorer.score(frame.rename(columns={"a": "b", "b": "a"}))["score"] != usual["score"])[5:].all()


def test_the_index_is_kept_and_may_be_the_time(scorer) -> None:
    frame = make_frame(20)
    usual = scorer.score(frame)
    indexed = scorer.score(frame.set_index("time"))
    assert indexed.index.equals(frame.set_index("time").index)
    pd.testing.assert_frame_equal(indexed.reset_index(drop=True), usual)
    odd = frame.set_axis(np.arange(20) * 7 % 20)
    assert scorer.score(odd).index.equals(odd.index)
    assert scorer.score(frame.set_axis([3] * 20))["score"].tolist()[5:] == usual["score"].tolist()[5:]


def test_the_result_has_types_that_can_be_worked_with(scorer) -> None:
    scored = scorer.score(make_frame(20))
    time = "datetime64[us]" if int(pd.__version__.partition(".")[0]) >= 3 else "datetime64[ns]"
    assert scored.dtypes.astype(str).tolist() == [time, "float64", "Int8", "float64"]
    assert scored["time"].tolist() == make_frame(20)["time"].tolist()
    assert scorer.score(make_frame(0)).shape == (0, 4)
    assert scorer.score(make_frame(3))["score"].isna().all()


def test_missing_columns_are_named_in_one_message(scorer) -> None:
    with pytest.raises(UserError, match="no column `time`, `b`"):
        scorer.score(make_frame(20)[["a"]])
    with pytest.raises(UserError, match=r"no column `b`(.|\n)*did you mean `bb`"):
        scorer.score(make_frame(20).rename(columns={"b": "bb"}))


def test_without_its_target_a_forecast_is_given_and_not_scored(tmp_path) -> None:
    frame = make_frame(20, columns=("a", "b", "c"))
    scorer = Scorer(make_bundle(tmp_path, targets=("c",)))
    usual, without = scorer.score(frame), scorer.score(frame.drop(columns="c"))
    pd.testing.assert_series_equal(without["forecast"], usual["forecast"])
    assert without["forecast"].notna().sum() == 16
    assert without[["score", "flag"]].isna().all(axis=None)
    one_gone = scorer.score(frame.assign(c=frame["c"].where(frame.index != 10)))
    assert one_gone["score"].isna().tolist() == [index < 4 or index == 10 for index in range(20)]
    changes = Scorer(make_bundle(tmp_path, targets=("c",), difference=True))
    with pytest.raises(UserError, match="no column `c`"):
        changes.score(frame.drop(columns="c"))
    started = changes.score(frame.assign(c=frame["c"].where(frame.index != 10)))
    assert started["forecast"].isna().tolist() == [index < 4 or index == 11 for index in range(20)]


def test_windows_with_a_missing_value_are_empty(scorer) -> None:
    frame = make_frame(30)
    for value in (np.nan, np.inf, 1e39):
        holed = frame.assign(b=frame["b"].where(frame.index != 12, value))
        scored = scorer.score(holed)
        # windows of 4 rows that answer 2 rows on
        assert scored["score"].isna().tolist() == [index < 5 or 14 <= index <= 17 for index in range(30)]
        kept = scored["score"].notna()
        np.testing.assert_array_equal(scored["score"][kept], scorer.score(frame)["score"][kept])


@pytest.mark.parametrize(("steps", "cut"), [(10, False), (10.5, True)])
def test_a_gap_longer_than_usual_ends_a_series(scorer, steps, cut) -> None:
    frame = make_frame(30)
    late = frame["time"] + pd.to_timedelta(np.where(frame.index >= 12, steps - 1, 0), unit="min")
    scored = scorer.score(frame.assign(time=late))
    assert scored["score"].isna().tolist() == [index < 5 or (cut and 12 <= index < 17) for index in range(30)]


def test_the_usual_step_is_that_of_the_training_data(scorer) -> None:
    hourly = make_frame(20).assign(time=pd.date_range("2024-05-01", periods=20, freq="h"))
    assert scorer.score(hourly)["score"].isna().all()


@settings(max_examples=12)
@given(st.integers(1, 40), st.integers(0, 120), st.randoms(use_true_random=False))
def test_chunks_of_any_size_give_what_the_whole_gives(scorer, rows, length, random) -> None:
    frame = make_frame(length, seed=random.randrange(1000))
    for _ in range(random.randrange(4) if length else 0):
        frame.loc[random.randrange(length), random.choice("ab")] = np.nan
    wait = np.cumsum([random.choice([0] * 15 + [20]) for _ in range(length)])
    frame["time"] += pd.to_timedelta(wait, unit="min")
    whole = scorer.score(frame)
    chunks = read_chunks(open_frame(frame), scorer.manifest.wanted, rows)
    parts = list(scorer.chunks(chunks))
    for name in scorer.names[1:]:
        found = np.concatenate([[], *(part[name] for part in parts)])
        np.testing.assert_allclose(found, whole[name].astype(float), rtol=1e-6, atol=1e-6)


def test_the_same_rows_give_the_same_bits_from_a_file(scorer, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 64)
    frame = make_frame(1000)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_parquet(tmp_path / "rows.parquet")
    expected = scorer.score(frame)
    for name in ("rows.csv", "rows.parquet"):
        parts = list(scorer.score_file(Path(tmp_path / name)))
        assert [len(part) for part in parts] == [64] * 15 + [40]
        np.testing.assert_array_equal(pd.concat(parts)["score"], expected["score"])


def test_nothing_is_left_to_rows_without_times(tmp_path) -> None:
    scorer = Scorer(make_bundle(tmp_path, time="", dated=False, threshold=None))
    scored = scorer.score(make_frame(20)[["a", "b"]])
    assert scored["time"].tolist() == list(range(20))
    assert scored["score"].notna().sum() == 16
    assert scored["flag"].isna().all()


# --- samples

SEQUENCES = [np.random.default_rng(number).normal(size=(4 + number % 3, 2)) for number in range(7)]


class Pooling(nn.Module):
    """A network of one's own: the mean of its steps, with more inside than its weights."""

    def __init__(self, n_features: int, hidden_size: int, num_classes: int) -> None:
        super().__init__()
        self.gru, self.out = nn.GRU(n_features, hidden_size, batch_first=True), nn.Linear(hidden_size, num_classes)
        self.register_buffer("one", torch.ones(1), persistent=False)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        steps = self.gru(x)[0] * (torch.arange(x.shape[1]) < lengths[:, None])[..., None]
        out: torch.Tensor = self.out(steps.sum(dim=1) / lengths[:, None]) * self.one
        return out


OWN = ModelSection.model_validate({"class": f"{__name__}:Pooling", "sha256": source_hash(Pooling)}).with_given(Pooling)


@pytest.mark.parametrize("model", [ModelSection(), ModelSection(cell="gru"), OWN])
@pytest.mark.parametrize("classes", [(), ("calm", "a, b", "3")])
def test_samples_are_answered_as_a_plain_loop_over_the_networks_would(tmp_path, model, classes) -> None:
    folder = write_sample_bundle(tmp_path / "bundle", classes=classes, model=model)
    given = Pooling if model is OWN else None
    manifest, scorer = read_bundle(folder, given).manifest, SampleScorer(read_bundle(folder, given))
    state, params = load_file(folder / "model.safetensors"), dict.fromkeys(("input_dropout", "dropout"), 0.0)
    outputs = []
    for number in range(2):
        network = build_network(model, 2, manifest.outputs, params | {"recurrent_dropout": 0.0, **SMALL.model_dump()})
        network.load_state_dict({name[2:]: value for name, value in state.items() if name[0] == str(number)})
        scaled = [torch.from_numpy(manifest.features.inputs(one))[:, None] for one in SEQUENCES]
        with torch.no_grad():
            outputs.append(np.concatenate([predict(network.eval(), one).numpy() for one in scaled]))
    expected = np.mean(outputs, axis=0)
    found, scored = scorer.predict(SEQUENCES), scorer.score(SEQUENCES)
    if classes:
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        probabilities = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
        assert list(scored) == ["sample", "class", "probability_calm", "probability_a, b", "probability_3"]
        np.testing.assert_allclose(scored.iloc[:, 2:], probabilities, rtol=1e-4, atol=1e-5)
        assert scored["class"].tolist() == [classes[at] for at in expected.argmax(axis=1)]
    else:
        np.testing.assert_allclose(found, expected * [10.0, 0.5] + [100.0, 5.0], rtol=1e-5)
        assert list(scored) == ["sample", "y0", "y1"]
        np.testing.assert_array_equal(scored[["y0", "y1"]], found.astype(float))


def test_a_class_is_the_one_that_was_trained(tmp_path) -> None:
    folder = write_sample_bundle(tmp_path / "bundle", model=OWN)
    with pytest.raises(UserError, match="Pooling has changed since"):
        read_bundle(folder, type("Pooling", (Pooling,), {"forward": lambda self, x, lengths: x}))
    with pytest.raises(UserError, match="our own networks"):
        read_bundle(write_sample_bundle(tmp_path / "ours"), Pooling)
    with pytest.raises(UserError, match="3 columns, and the network was trained on 2"):
        SampleScorer(read_bundle(folder, Pooling)).predict(np.zeros((2, 5, 3)))


@pytest.mark.parametrize(
    ("reference", "args", "says"),
    [
        ("subprocess:Popen", {"args": ["touch", "ran"]}, "`Popen` is no class of nn.Module"),
        ("os:system", {"command": "touch ran"}, "`system` is no class of nn.Module"),
        ("bundle/code.py:Net", {}, "`bundle/code.py` may have come with the bundle"),
        ("PLACE/bundle/code.py:Net", {}, "may have come with the bundle"),
        ("elsewhere.py:Net", {}, "may have come with the bundle"),
        ("bundle.code:Net", {}, "may have come with the bundle"),
        ("around.bundle.code:Net", {}, "may have come with the bundle"),
    ],
)
def test_a_bundle_brings_no_code(tmp_path, monkeypatch, reference, args, says) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # as `python -m` does
    (tmp_path / "around").symlink_to(tmp_path)
    read = read_bundle(write_sample_bundle(tmp_path / "bundle"))
    model = ModelSection.model_validate({"class": reference.replace("PLACE", str(tmp_path)), "args": args})
    networks = read.manifest.networks.model_copy(update={"model": model})
    states = [{name: value.numpy() for name, value in net.state_dict().items()} for net in read.networks]
    files = bundle_files(read.manifest.model_copy(update={"networks": networks}), states, "[study]\n")
    write_folder(tmp_path / "bundle", files)
    (tmp_path / "bundle/code.py").write_text("open('ran', 'w')\nfrom torch.nn import Linear as Net\n")
    with pytest.raises(UserError, match=says) as raised:
        read_bundle(tmp_path / "bundle")
    assert "tuner.load(DIR, model=" in raised.value.hint
    assert not (tmp_path / "ran").exists()
