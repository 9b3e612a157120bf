"""A bundle: a folder of three files that hold all that scoring needs. Nothing in it is unpickled."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tuner.bundle.manifest import AGAIN, MANIFEST, Manifest, Member, read_manifest
from tuner.errors import UserError
from tuner.model.lstm import Network

WEIGHTS, CONFIG = "model.safetensors", "config.toml"
FILES = frozenset({MANIFEST, WEIGHTS, CONFIG})


@dataclass(frozen=True)
class Bundle:
    """A bundle in memory: what it says of itself, and its networks, in evaluation mode."""

    manifest: Manifest
    networks: tuple[Network, ...]


def bundle_files(
    manifest: Manifest, weights: Sequence[Mapping[str, npt.NDArray[np.float32]]], config: str
) -> dict[str, bytes]:
    """The contents of a bundle's files by name; checksums are put into the manifest."""
    from safetensors.numpy import save

    tensors = {f"{number}.{name}": array for number, state in enumerate(weights) for name, array in state.items()}
    files = {WEIGHTS: save(tensors), CONFIG: config.encode()}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return {**files, MANIFEST: manifest.model_copy(update={"files": sums}).to_json().encode()}


def read_bundle(folder: Path) -> Bundle:
    """The bundle in a folder.

    Raises:
        UserError: a file is missing, damaged or was changed, or is of a format that this version does not know.
    """
    manifest = read_manifest(_read(folder, MANIFEST), str(folder / MANIFEST))
    contents = {name: _read(folder, name) for name in (WEIGHTS, CONFIG)}
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != manifest.files.get(name):
            fault = f"it does not match its checksum in {MANIFEST}: damaged, or changed by hand"
            raise UserError(fault, where=str(folder / name), hint=AGAIN)
    tensors = _tensors(contents[WEIGHTS], str(folder / WEIGHTS))
    networks = tuple(_blank(manifest, member) for member in manifest.members)
    expected = {
        f"{number}.{name}": value for number, net in enumerate(networks) for name, value in net.state_dict().items()
    }
    _check(tensors, expected, str(folder / WEIGHTS))
    for number, network in enumerate(networks):
        state = {name: tensors[f"{number}.{name}"] for name in network.state_dict()}
        network.load_state_dict(state, assign=True)
        network.eval()
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


def _blank(manifest: Manifest, member: Member) -> Network:
    """A network of the member's shape, without memory for its weights."""
    with torch.device("meta"):
        return Network(
            len(manifest.columns.features),
            manifest.outputs,
            hidden_size=member.hidden_size,
            num_layers=member.num_layers,
            normalization=member.normalization,
        )


def _tensors(content: bytes, where: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise UserError(f"these are not weights: {error}", where=where, hint=AGAIN) from None


def _check(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], where: str) -> None:
    for name in sorted(tensors.keys() | expected.keys()):
        found, wanted = (
            "missing" if side.get(name) is None else f"{side[name].dtype} {tuple(side[name].shape)}"
            for side in (tensors, expected)
        )
        if found != wanted:
            raise UserError(f"`{name}` is {found} where {MANIFEST} has {wanted}", where=where, hint=AGAIN)
