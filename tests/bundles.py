"""Bundles of untrained networks, for the tests of scoring; and their scores by the plainest of loops."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch import nn

from tuner.bundle.archive import Bundle, bundle_files, read_bundle
from tuner.bundle.manifest import Columns, Manifest, Networks, SampleManifest
from tuner.bundle.rarity import Rarity
from tuner.data.folds import Scaling
from tuner.files import write_folder
from tuner.model.building import build_network
from tuner.model.lstm import Network
from tuner.spec.sections import ModelSection, TaskSection

MINUTE = 60e9  # nanoseconds
OURS = ModelSection()
SMALL = Networks(count=2, hidden_size=3, num_layers=1, normalization="none")


def make_manifest(
    *,
    kind: Literal["forecast", "classify"] = "forecast",
    window: int = 4,
    horizon: int = 1,
    difference: bool = False,
    features: Sequence[str] = ("a", "b"),
    targets: Sequence[str] = ("a",),
    time: str = "time",
    dated: bool = True,
    threshold: float | None = 0.5,
    networks: Networks = SMALL,
) -> Manifest:
    """A manifest of a study that never was, on rows a minute apart."""
    forecast = kind == "forecast"
    targets = tuple(targets) if forecast else ()
    return Manifest(
        study={"name": "made"},
        task=TaskSection(kind=kind, window=window, horizon=horizon if forecast else None, difference=difference),
        columns=Columns(
            time=(time,) if time else (),
            dated=dated,
            step=MINUTE if dated else 1.0,
            max_gap=10.0,
            features=tuple(features),
            targets=targets,
        ),
        features=Scaling(mean=(0.5,) * len(features), deviation=(2.0,) * len(features)),
        targets=Scaling(mean=(0.25,) * len(targets), deviation=(1.5,) * len(targets)) if forecast else None,
        networks=networks,
        residual=tuple(0.5 + number for number in range(len(targets))) if forecast else None,
        threshold=threshold,
        rows=1000,
        rarity=Rarity(tail=0.5, raw=(0.0, 0.5, 1.0, 4.0), score=(0.0, 0.3, 1.0, 3.0)),
        scores={"metric": "loss", "value": 0.5},
        holdout=None,
        data={"sha256": "0" * 64},
        versions={"tuner": "0"},
    )


def make_weights(manifest: Manifest) -> list[dict[str, Any]]:
    """Random weights for its networks, with the statistics of batch normalisation as if it had seen data."""
    torch.manual_seed(0)
    states = []
    networks = manifest.networks
    for _ in range(networks.count):
        shape = networks.model_dump(exclude={"count", "model"})
        cell = networks.model.cell
        state = Network(len(manifest.columns.features), manifest.outputs, cell=cell, **shape).state_dict()
        if "norm.running_var" in state:
            state["norm.running_mean"], state["norm.running_var"] = (
                torch.tensor([0.1] * networks.hidden_size),
                torch.tensor([0.3] * networks.hidden_size),
            )
        states.append({name: tensor.numpy() for name, tensor in state.items()})
    return states


def write_bundle(folder: Path, **changes: Any) -> Path:
    """A bundle of `make_manifest(**changes)` in a folder."""
    manifest = make_manifest(**changes)
    write_folder(folder, bundle_files(manifest, make_weights(manifest), "[study]\n"))
    return folder


def make_bundle(folder: Path, **changes: Any) -> Bundle[Manifest]:
    """The same, read back."""
    return read_bundle(write_bundle(folder / "bundle", **changes))


def write_sample_bundle(folder: Path, *, classes: Sequence[str] = (), model: ModelSection = OURS) -> Path:
    """A bundle of two untrained networks that answer samples of two columns: two values, or one of these classes."""
    shared = make_manifest().model_dump(include={*SampleManifest.model_fields} - {"task", "targets", "features"})
    manifest = SampleManifest.model_validate(
        shared
        | {
            "task": TaskSection(kind="classify" if classes else "regress", window=9),
            "features": Scaling(mean=(0.5, -1.0), deviation=(2.0, 3.0)),
            "targets": None if classes else Scaling(mean=(100.0, 5.0), deviation=(10.0, 0.5)),
            "classes": tuple(classes),
            "networks": SMALL.model_copy(update={"model": model}),
        }
    )
    torch.manual_seed(0)
    params = {"dropout": 0.0, "input_dropout": 0.0, "recurrent_dropout": 0.0, **SMALL.model_dump()}
    networks = [build_network(model, 2, manifest.outputs, params) for _ in range(2)]
    states = [{name: value.numpy() for name, value in network.state_dict().items()} for network in networks]
    write_folder(folder, bundle_files(manifest, states, "[study]\n"))
    return folder


def make_frame(rows: int, *, seed: int = 0, columns: Sequence[str] = ("a", "b")) -> pd.DataFrame:
    """Rows of noise, a minute apart."""
    noise = np.random.default_rng(seed).normal(size=(rows, len(columns))).round(4)
    frame = pd.DataFrame(noise, columns=list(columns))
    frame.insert(0, "time", pd.date_range("2024-05-01", periods=rows, freq="min"))
    return frame


def plain_outputs(bundle: Bundle[Manifest], features: np.ndarray) -> np.ndarray:
    """The mean output of the networks for each full window of consecutive rows, one window at a time."""
    manifest = bundle.manifest
    window, scaling, shape = manifest.task.window, manifest.features, manifest.networks
    scaled = ((features - scaling.mean) / scaling.deviation).astype(np.float32)
    outputs = []
    for first in range(len(scaled) - window + 1):
        x = torch.from_numpy(scaled[first : first + window])
        each = []
        for network in bundle.networks:
            lstm = nn.LSTM(x.shape[1], shape.hidden_size, shape.num_layers)
            head = nn.Linear(shape.hidden_size, manifest.outputs)
            state = network.state_dict()
            lstm.load_state_dict({name[5:]: value for name, value in state.items() if name.startswith("lstm.")})
            head.load_state_dict({name[5:]: value for name, value in state.items() if name.startswith("head.")})
            with torch.no_grad():
                last = lstm(x[:, None])[0][-1]
                if shape.normalization == "batch":
                    mean, var = state["norm.running_mean"], state["norm.running_var"]
                    last = (last - mean) / torch.sqrt(var + 1e-5) * state["norm.weight"] + state["norm.bias"]
                each.append(head(last)[0].numpy())
        outputs.append(np.mean(each, axis=0))
    return np.array(outputs)


# Every shape of network and task that can be exported, as changes of a manifest.
EXPORTS: dict[str, dict[str, Any]] = {
    "forecast": {},
    "change": {"difference": True, "horizon": 3},
    "other targets": {"targets": ("c", "a"), "difference": True},
    "no threshold": {"targets": ("c",), "threshold": None},
    "batch": {"networks": Networks(count=3, hidden_size=5, num_layers=2, normalization="batch")},
    "layer": {"networks": Networks(count=1, hidden_size=5, num_layers=3, normalization="layer"), "window": 1},
    "classify": {"kind": "classify", "networks": Networks(count=2, hidden_size=4, num_layers=1, normalization="batch")},
    "gru": {
        "networks": Networks(count=2, hidden_size=4, num_layers=2, normalization="none", model=ModelSection(cell="gru"))
    },
    "classify deep": {
        "kind": "classify",
        "networks": Networks(count=2, hidden_size=4, num_layers=2, normalization="none"),
    },
}


def load_module(path: Path) -> Any:
    """A Python file, run."""
    described = importlib.util.spec_from_file_location("exported", path)
    assert described is not None and described.loader is not None
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return module
