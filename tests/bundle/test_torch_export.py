"""The PyTorch file scores, with torch alone, as the bundle does, and trains as the tuner does; ONNX scores so too."""

import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch.nn import functional as F

from tests.bundles import EXPORTS, load_module, make_bundle, make_frame, make_manifest, make_weights
from tests.making import make_small_problem, make_spec, params
from tuner.bundle.manifest import Manifest, Networks, parse_manifest
from tuner.bundle.scorer import Scorer
from tuner.bundle.torch_export import onnx_graph, torch_file, torch_weights
from tuner.training.learner import Learner

# far enough out for scores beyond all that were known
FRAME = make_frame(60, columns=("a", "b", "c")).assign(a=lambda rows: rows["a"] * 8)
ALONE = """
import importlib, json, pathlib, sys, torch
found = {}
for folder in map(str, pathlib.Path.cwd().iterdir()):
    sys.path.insert(0, folder)
    exported = importlib.reload(sys.modules["exported"]) if "exported" in sys.modules else __import__("exported")
    rows = torch.tensor(json.load(open(f"{folder}/rows.json")), dtype=torch.float64)
    scores = exported.score(exported.load(), rows)
    found[pathlib.Path(folder).name] = [scores.tolist(), exported.THRESHOLD, exported.COLUMNS]
print(json.dumps(found))
others = {"numpy", "pandas", "tuner", "onnx", "safetensors"}
assert not others & set(sys.modules), others & set(sys.modules)
"""


def values(**training: Any) -> dict[str, Any]:
    """The configuration of a study that never was."""
    return {
        "study": {"name": "made", "trial": 7},
        "data": {"rows": 1000},
        "parameters": params(**training.pop("params", {})),
        "training": {"steps": 12, "clip": 1.0, "optimizer": "adamw", "precision": "fp32", **training},
    }


def write_file(folder: Path, manifest: Manifest, **training: Any) -> None:
    """The exported file and its weights, in a folder."""
    (folder / "exported.py").write_text(torch_file(manifest, values(**training)))
    (folder / "exported.pt").write_bytes(torch_weights(manifest, make_weights(manifest)))


@pytest.fixture(scope="module")
def scored_alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each of the EXPORTS gives where there are torch and what it requires, and nothing else."""
    packages, files = tmp_path_factory.mktemp("packages"), tmp_path_factory.mktemp("files")
    names, done = ["torch"], set()
    while names:
        name = names.pop()
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        done.add(name)
        needed = [one for one in found.requires or [] if "extra ==" not in one]
        names += {re.split(r"[^\w.-]", one)[0] for one in needed} - done
        for top in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(str(found.locate_file(top)))
    for name, changes in EXPORTS.items():
        manifest = make_manifest(**changes)
        (files / name).mkdir()
        write_file(files / name, manifest)
        (files / name / "rows.json").write_text(json.dumps(FRAME[list(manifest.inputs)].to_numpy().tolist()))
    # -S: without the packages of this environment
    command = [sys.executable, "-S", "-W", "ignore", "-c", ALONE]
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    ended = subprocess.run(command, cwd=files, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


@pytest.mark.parametrize("name", EXPORTS)
def test_with_torch_alone_it_scores_as_the_bundle_does(tmp_path, scored_alone, name) -> None:
    bundle = make_bundle(tmp_path, **EXPORTS[name])
    scores, threshold, columns = scored_alone[name]
    assert (threshold, tuple(columns)) == (bundle.manifest.threshold, bundle.manifest.inputs)
    np.testing.assert_allclose(scores, Scorer(bundle).score(FRAME)["score"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("changes", EXPORTS.values(), ids=EXPORTS)
def test_onnxruntime_gives_what_the_bundle_does(tmp_path, changes) -> None:
    bundle = make_bundle(tmp_path, **changes)
    manifest, window = bundle.manifest, bundle.manifest.task.window
    content = onnx_graph(manifest, values(), make_weights(manifest))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    rows = np.lib.stride_tricks.sliding_window_view(FRAME[list(manifest.inputs)].to_numpy(), window, axis=0)
    (found,) = session.run(None, {"rows": np.ascontiguousarray(rows.transpose(0, 2, 1))})
    scored = Scorer(bundle).score(FRAME)
    expected = scored[[name for name in map(str, scored) if name.startswith("forecast")] or "score"].dropna().to_numpy()
    assert len(expected) == 60 - window + 1 - manifest.task.ahead
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-5, atol=1e-5)
    assert parse_manifest(json.loads(session.get_modelmeta().custom_metadata_map["manifest"]), "here") == manifest


@pytest.mark.parametrize(
    ("optimizer", "changes"),
    [
        ("adamw", {"weight_decay": 3.0, "l1": 0.01, "num_layers": 2, "normalization": "layer"}),
        ("adam", {"weight_decay": 0.1, "normalization": "batch"}),
    ],
)
@pytest.mark.parametrize(("kind", "cell"), [("forecast", "lstm"), ("classify", "lstm"), ("forecast", "gru")])
def test_a_step_is_the_step_that_the_tuner_takes(tmp_path, optimizer, changes, kind, cell) -> None:
    labels = np.arange(60) % 5 == 0 if kind == "classify" else None
    task = {"window": 4, "kind": kind}
    data = make_small_problem(labels=labels, task=task).whole()
    spec = make_spec(task=task, train={"optimizer": optimizer}, model={"cell": cell})
    learner = Learner(spec, data, params(**changes), key=(0,))
    shape = {name: params(**changes)[name] for name in ("hidden_size", "num_layers", "normalization")}
    manifest = make_manifest(kind=kind, networks=Networks.model_validate({"count": 1, "model": spec.model, **shape}))
    write_file(tmp_path, manifest, params=changes, optimizer=optimizer)
    exported = load_module(tmp_path / "exported.py")
    network = exported.Network()
    network.load_state_dict(learner.weights())
    steps = exported.new_optimizer(network)
    weight = torch.tensor(data.class_weight)
    loss = torch.nn.MSELoss() if kind == "forecast" else torch.nn.BCEWithLogitsLoss(pos_weight=weight)
    for done, batch in enumerate(torch.from_numpy(data.train).tensor_split(7)):
        learner.step(batch)
        for group in steps.param_groups:
            group["lr"] = exported.learning_rate(done)
        rows = torch.from_numpy(data.rows)[torch.from_numpy(data.first)[batch] + torch.arange(4)[:, None]]
        network.train()
        exported.step(network, steps, loss(network(rows), torch.from_numpy(data.answers)[batch]))
    for name, tensor in learner.weights().items():
        torch.testing.assert_close(network.state_dict()[name], tensor, rtol=1e-4, atol=1e-5)
    if changes.get("l1"):
        assert any((tensor == 0).any() for name, tensor in network.named_parameters() if tensor.ndim > 1)


def test_it_can_be_trained_again(tmp_path) -> None:
    regularised = {"dropout": 0.1, "input_dropout": 0.01, "recurrent_dropout": 0.1, "jitter": 0.01}
    shape = Networks(count=1, hidden_size=12, num_layers=1, normalization="none")
    write_file(tmp_path, make_manifest(window=3, networks=shape), params=regularised, steps=300)
    exported = load_module(tmp_path / "exported.py")
    assert (exported.STEPS, exported.DROPOUT, exported.JITTER) == (300, 0.1, 0.01)
    rows = torch.tensor(make_frame(200)[["a", "b"]].to_numpy())
    windows = rows.unfold(0, 3, 1).transpose(1, 2)
    answers = windows[:, -1, :1] + windows[:, 0, 1:]  # what was seen
    torch.manual_seed(0)
    network = exported.train(windows, answers)
    with torch.no_grad():
        output = network(exported.scaled(windows)).double() * exported.TARGET_DEVIATION + exported.TARGET_MEAN
    assert not network.training
    assert F.mse_loss(output, answers) < 0.2 * answers.var()


def test_what_it_leaves_out_is_said(tmp_path) -> None:
    write_file(tmp_path, make_manifest(), params={"time_shift": 2, "synthetic": 0.3}, precision="bf16")
    text = (tmp_path / "exported.py").read_text()
    assert re.findall(r"# Not in this file: .*(2 rows|0\.3|bfloat16)", text) == ["2 rows", "0.3", "bfloat16"]


def test_names_of_columns_are_only_text(tmp_path) -> None:
    odd = ('"""', "a\\n\nb", "{{ x }}", "ü" * 90)
    write_file(tmp_path, make_manifest(features=odd, targets=odd[:1]))
    assert tuple(load_module(tmp_path / "exported.py").COLUMNS) == odd
