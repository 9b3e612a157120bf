"""The networks of a bundle as a Python file that needs torch alone, its weights in a file beside it; and as ONNX."""

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from jinja2 import StrictUndefined, Template

from tuner.bundle.manifest import Manifest
from tuner.data.folds import BOUND
from tuner.training.budget import DECAY, WARM_UP

NORMS = {"none": "Identity()", "batch": "BatchNorm1d({})", "layer": "LayerNorm({})"}
OPSET = 20  # the newest that torch writes

Weights = Sequence[Mapping[str, npt.NDArray[np.float32]]]


def torch_file(manifest: Manifest, values: Mapping[str, Any]) -> str:
    """The text of the Python file: the networks, their scaling, their scores and how they were trained.

    Args:
        manifest: of the bundle.
        values: the configuration, as `chosen_configuration` gives it.
    """
    params, training = values["parameters"], values["training"]
    left_out = {
        f"windows were shifted by up to {params['time_shift']} rows at random": params["time_shift"],
        f"a share of {params['synthetic']} of the windows was mixed from pieces of others": params["synthetic"],
        "the networks were trained in bfloat16, by torch.autocast": training["precision"] == "bf16",
    }
    source = files("tuner.bundle").joinpath("torch_file.py.j2").read_text(encoding="utf-8")
    settings: Any = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    text: str = Template(source, undefined=StrictUndefined, **settings).render(
        literal=_literal,
        manifest=manifest,
        task=manifest.task,
        forecast=manifest.targets is not None,
        shape=manifest.networks,
        cell=manifest.networks.model.cell,
        norm=NORMS[manifest.networks.normalization].format(manifest.networks.hidden_size),
        params=params,
        bound=BOUND,
        warm_up=WARM_UP,
        decay=DECAY,
        training=training,
        decoupled=training["optimizer"] == "adamw",
        left_out=[what for what, is_so in left_out.items() if is_so],
        study=values["study"],
        rows=values["data"]["rows"],
    )
    return text


def torch_weights(manifest: Manifest, weights: Weights) -> bytes:
    """The contents of the file of weights, which the Python file loads without unpickling anything else."""
    file = io.BytesIO()
    torch.save(_state(manifest, weights), file)
    return file.getvalue()


def onnx_graph(manifest: Manifest, values: Mapping[str, Any], weights: Weights) -> bytes:
    """The contents of an ONNX file: the ensemble of the Python file as one graph.

    Input: `rows`, (windows, window, columns), double, `manifest.inputs` in raw units. Output: `forecast`, (windows,
    targets), in raw units, or `score`, (windows,). The file's metadata hold the whole manifest, and so the threshold.
    """
    namespace: dict[str, Any] = {"__name__": "exported", "__file__": "exported.py"}
    exec(torch_file(manifest, values), namespace)  # noqa: S102 (our own template)
    model = namespace["Ensemble"]().eval()
    model.load_state_dict(_state(manifest, weights))
    rows = torch.zeros(2, manifest.task.window, len(manifest.inputs), dtype=torch.float64)
    names = ["rows"], ["score" if manifest.targets is None else "forecast"]
    options: dict[str, Any] = {
        "input_names": names[0],
        "output_names": names[1],
        "dynamic_axes": {name: {0: "windows"} for name in (*names[0], *names[1])},
        "opset_version": OPSET,
        "dynamo": False,
    }
    file = io.BytesIO()
    with warnings.catch_warnings():
        # that it will be replaced by the one of torch.export, which takes two seconds a network and eight to begin
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (rows,), file, **options)  # type: ignore[arg-type]  # it writes to files that are open, too
    graph = onnx.load_from_string(file.getvalue())
    onnx.helper.set_model_props(graph, {"manifest": manifest.model_dump_json(by_alias=True)})
    onnx.checker.check_model(graph, full_check=True)
    content: bytes = graph.SerializeToString()
    return content


def _state(manifest: Manifest, weights: Weights) -> dict[str, torch.Tensor]:
    scale = {"raw": manifest.rarity.raw, "rarity": manifest.rarity.score}
    return {name: torch.tensor(knots, dtype=torch.float64) for name, knots in scale.items()} | {
        f"networks.{number}.{name}": torch.tensor(array)
        for number, state in enumerate(weights)
        for name, array in state.items()
    }


def _literal(values: Sequence[object]) -> str:
    """A list of numbers or texts as Python writes it; a long one has a line for each."""
    items = [json.dumps(value, ensure_ascii=False) for value in values]
    text = ", ".join(items)
    return f"[{text}]" if len(text) < 80 else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
