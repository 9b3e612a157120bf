"""A bundle: a folder of three files that hold all that scoring needs. Nothing in it is unpickled."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import save
from safetensors.torch import load
from torch import Tensor, nn

from tuner.bundle.manifest import AGAIN, FORMAT, MANIFEST, Manifest, SampleManifest, parse_manifest
from tuner.errors import UserError
from tuner.model.building import build_network
from tuner.model.own import check_stranger
from tuner.training.scaling import scale_inside

WEIGHTS, CONFIG = "model.safetensors", "config.toml"
FILES = frozenset({MANIFEST, WEIGHTS, CONFIG})


Said = TypeVar("Said", Manifest, SampleManifest)


@dataclass(frozen=True)
class Bundle(Generic[Said]):
    """A bundle in memory: what it says, and its networks, in evaluation mode; for samples they take raw sequences."""

    manifest: Said
    networks: tuple[nn.Module, ...]


def bundle_files(
    manifest: Manifest | SampleManifest, weights: Sequence[Mapping[str, npt.NDArray[np.float32]]], config: str
) -> dict[str, bytes]:
    """The contents of a bundle's files by name; the manifest ends with a checksum of all of them."""
    tensors = {f"{number}.{name}": array for number, state in enumerate(weights) for name, array in state.items()}
    files = {WEIGHTS: save(tensors), CONFIG: config.encode()}
    values = json.loads(manifest.model_dump_json(by_alias=True))
    text = json.dumps({**values, "sha256": _checksum(values, files)}, indent=1)
    return {**files, MANIFEST: f"{text}\n".encode()}


def read_bundle(folder: Path, own: Callable[..., nn.Module] | None = None) -> Bundle[Any]:
    """The bundle in a folder.

    Args:
        folder: that `bundle_files` were written to.
        own: the class of its networks, if it is one of the user's own; by default it is imported by its name.

    Raises:
        UserError: a file is missing, damaged or was changed, or is of a format that this version does not know, or the
            class is not the one that was trained, or could be anybody's code.
    """
    where = str(folder / MANIFEST)
    values = _read_values(_read(folder, MANIFEST), where)
    files = {name: _read(folder, name) for name in (WEIGHTS, CONFIG)}
    if values.pop("sha256", None) != _checksum(values, files):
        fault = f"the files do not match their checksum in {MANIFEST}: one is damaged, or was changed by hand"
        raise UserError(fault, where=str(folder), hint=AGAIN)
    manifest = parse_manifest(values, where)
    if own is None and manifest.networks.model.own is not None:
        check_stranger(manifest.networks.model.own, folder)
    networks = tuple(_blank(manifest, own) for _ in range(manifest.networks.count))
    expected = {
        f"{number}.{name}": value for number, net in enumerate(networks) for name, value in net.state_dict().items()
    }
    tensors = _tensors(files[WEIGHTS], expected, str(folder / WEIGHTS))
    for number, network in enumerate(networks):
        state = {name: tensors[f"{number}.{name}"] for name in network.state_dict()}
        network.load_state_dict(state, assign=True)
        network.eval()
        if isinstance(manifest, SampleManifest):
            scale_inside(network, manifest.features, manifest.targets)
    return Bundle(manifest, networks)


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        there = folder.is_dir() and any((folder / other).exists() for other in FILES)
        what = f"the bundle has no {name}" if there else "there is no bundle"
        hint = AGAIN if there else "write one with `python -m tuner.export --study NAME --bundle DIR`"
        raise UserError(what, where=str(folder), hint=hint) from None
    except OSError as error:
        raise UserError(f"the file cannot be read: {error.strerror}", where=str(folder / name)) from None


def _read_values(text: bytes, where: str) -> dict[str, Any]:
    """The plain values of a manifest of this format."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise UserError("this is not a manifest: the file is damaged", where=where, hint=AGAIN)
    if values.get("format") != FORMAT:
        hint = "read it with the version of the tuner that wrote it, or write it again with this one"
        what = f"format {values.get('format')!r} is not known; this version reads {FORMAT}"
        raise UserError(what, where=where, hint=hint)
    return values


def _checksum(values: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """A checksum of the manifest's values and of the other files."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for name in (WEIGHTS, CONFIG):
        digest.update(hashlib.sha256(files[name]).digest())
    return digest.hexdigest()


def _blank(manifest: Manifest | SampleManifest, own: Callable[..., nn.Module] | None) -> nn.Module:
    """A network of the bundle's shape: ours without memory for its weights; one's own may have more than weights."""
    model = manifest.networks.model
    if own is not None:
        if model.own is None:
            raise UserError("the bundle holds our own networks", where="model", hint="leave `model` out")
        model = model.with_given(own)
    shape = manifest.networks.model_dump(exclude={"count", "model"})
    params = {"input_dropout": 0.0, "recurrent_dropout": 0.0, **shape}
    with torch.device("meta") if model.own is None else nullcontext(), torch.random.fork_rng():
        return build_network(model, len(manifest.features.mean), manifest.outputs, params)


def _tensors(content: bytes, expected: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """The tensors in a file, of the expected names, types and shapes."""
    try:
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise UserError(f"these are not weights: {error}", where=where, hint=AGAIN) from None
    for name in sorted(tensors.keys() | expected.keys()):
        found, wanted = (
            "missing" if side.get(name) is None else f"{side[name].dtype} {tuple(side[name].shape)}"
            for side in (tensors, expected)
        )
        if found != wanted:
            raise UserError(f"`{name}` is {found} where {MANIFEST} has {wanted}", where=where, hint=AGAIN)
    return tensors
