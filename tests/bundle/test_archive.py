"""Bundles on disk: written whole, read back as they were, refused where anything is not as it was."""

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from tests.bundles import make_manifest, make_weights, write_bundle
from tests.making import refused
from tuner.bundle.archive import FILES, read_bundle
from tuner.bundle.manifest import Networks
from tuner.errors import UserError
from tuner.files import check_folder, write_folder


@pytest.mark.parametrize(("layers", "normalization"), [(1, "batch"), (2, "layer")])
def test_what_is_read_is_what_was_written(tmp_path, layers, normalization) -> None:
    networks = Networks(count=3, hidden_size=5, num_layers=layers, normalization=normalization)
    folder = write_bundle(tmp_path / "bundle", networks=networks)
    assert {path.name for path in folder.iterdir()} == FILES
    bundle = read_bundle(folder)
    assert bundle.manifest == make_manifest(networks=networks)
    assert len(bundle.networks) == 3
    for network, state in zip(bundle.networks, make_weights(bundle.manifest), strict=True):
        assert not network.training
        assert network.state_dict().keys() == state.keys()
        assert all(np.array_equal(value.numpy(), state[name]) for name, value in network.state_dict().items())


def test_nothing_is_unpickled(tmp_path, monkeypatch) -> None:
    folder = write_bundle(tmp_path / "bundle")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("unpickled")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, name, refuse)
    read_bundle(folder)


def refusal(folder: Path) -> str:
    error = refused(read_bundle, folder)
    assert error.hint, "it says how to mend it"
    return str(error)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_that_is_missing_cut_or_changed_is_found_out(tmp_path, name) -> None:
    folder = write_bundle(tmp_path / "bundle")
    whole = (folder / name).read_bytes()
    (folder / name).unlink()
    assert f"the bundle has no {name}" in refusal(folder)
    for content in (
        b"",
        whole[: len(whole) // 2],
        whole[:-1] + bytes([whole[-1] ^ 1]),
        b"\xff" + whole,
        b"[" * 100_000,
    ):
        (folder / name).write_bytes(content)
        assert "damaged" in refusal(folder)
    (folder / name).write_bytes(whole)
    read_bundle(folder)


def test_a_folder_without_a_bundle_says_how_to_write_one(tmp_path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        assert "there is no bundle" in refusal(folder)
        assert "tuner.export" in refusal(folder)


def change(folder: Path, **keys: object) -> None:
    """Changes the manifest, and the checksum with it, as nothing but another version of the tuner would."""
    path = folder / "manifest.json"
    values = json.loads(path.read_text()) | keys
    values.pop("sha256")
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for name in ("model.safetensors", "config.toml"):
        digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    path.write_text(json.dumps({**values, "sha256": digest.hexdigest()}))


@pytest.mark.parametrize("value", [1, 3, "2", None])
def test_a_format_of_another_version_is_refused(tmp_path, value) -> None:
    folder = write_bundle(tmp_path / "bundle")
    change(folder, format=value)
    assert f"format {value!r} is not known; this version reads 2" in refusal(folder)


def test_a_threshold_changed_by_hand_is_found_out(tmp_path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"threshold": 0.5', '"threshold": 0.6'))
    assert "do not match their checksum" in refusal(folder)


@pytest.mark.parametrize(
    "keys",
    [
        {"residual": None},
        {"residual": [1.0, 2.0]},
        {"targets": None},
        {"features": {"mean": [0.0], "deviation": [1.0]}},
        {"features": {"mean": [0.0, 0.0], "deviation": [1.0, 0.0]}},
        {"networks": {"count": 0, "hidden_size": 3, "num_layers": 1, "normalization": "none"}},
        {"networks": {"count": 2, "hidden_size": 10**9, "num_layers": 1, "normalization": "none"}},
        {"task": {"kind": "classify", "window": 4, "horizon": None, "difference": False}},
        {"rarity": {"tail": 1.0, "raw": [1.0, 0.0], "score": [0.0, 1.0]}},
        {"rarity": {"tail": 1.0, "raw": [0.0], "score": [0.0, 1.0]}},
        {"rarity": {"tail": 0.0, "raw": [0.0, 1.0], "score": [0.0, 1.0]}},
        {"threshold": "high"},
        {"more": 1},
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(tmp_path, keys) -> None:
    folder = write_bundle(tmp_path / "bundle")
    change(folder)
    read_bundle(folder)
    change(folder, **keys)
    assert "manifest.json" in refusal(folder)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"1.head.bias": None}, "`1.head.bias` is missing"),
        ({"extra": np.zeros(1, np.float32)}, "`extra` is torch.float32 (1,) where manifest.json has missing"),
        ({"0.head.weight": np.zeros((1, 9), np.float32)}, "(1, 9) where manifest.json has torch.float32 (1, 3)"),
        ({"0.head.weight": np.zeros((1, 3), np.float64)}, "torch.float64 (1, 3) where"),
    ],
)
def test_weights_of_other_shapes_or_types_are_refused(tmp_path, tensors, message) -> None:
    folder = write_bundle(tmp_path / "bundle")
    path = folder / "model.safetensors"
    there = load(path.read_bytes()) | tensors
    path.write_bytes(save({name: array for name, array in there.items() if array is not None}))
    change(folder)
    assert message in refusal(folder)


def test_files_whose_contents_changed_places_are_found_out(tmp_path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    one, other = folder / "model.safetensors", folder / "config.toml"
    contents = one.read_bytes(), other.read_bytes()
    one.write_bytes(contents[1])
    other.write_bytes(contents[0])
    assert "do not match their checksum" in refusal(folder)


# --- whole folders


def test_an_old_bundle_is_replaced_and_nothing_is_left_beside_it(tmp_path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    write_bundle(folder, window=9)
    assert read_bundle(folder).manifest.task.window == 9
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize("moment", ["while it is written", "as it takes the old one's place"])
def test_a_write_that_fails_leaves_the_old_folder(tmp_path, monkeypatch, moment) -> None:
    folder = write_bundle(tmp_path / "bundle")
    if moment == "as it takes the old one's place":
        rename = Path.rename
        monkeypatch.setattr(
            Path,
            "rename",
            lambda one, other: full() if other == folder and ".old" not in one.name else rename(one, other),
        )
    else:
        monkeypatch.setattr(Path, "write_bytes", lambda *_: full())
    with pytest.raises(UserError, match="No space left"):
        write_folder(folder, {"manifest.json": b"new"})
    assert read_bundle(folder).manifest.task.window == 4
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def full() -> None:
    raise OSError(28, "No space left on device")


def test_a_link_to_a_folder_stays_a_link(tmp_path) -> None:
    write_folder(tmp_path / "one", {"file": b"one"})
    (tmp_path / "link").symlink_to("one")
    write_folder(tmp_path / "link", {"file": b"two"})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "one" / "file").read_bytes() == b"two"


def test_other_peoples_folders_are_refused(tmp_path) -> None:
    check_folder(tmp_path / "new", FILES)
    (tmp_path / "empty").mkdir()
    check_folder(tmp_path / "empty", FILES)
    check_folder(write_bundle(tmp_path / "bundle"), FILES)
    (tmp_path / "bundle" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"notes\.txt"):
        check_folder(tmp_path / "bundle", FILES)
    with pytest.raises(UserError, match="a file of that name"):
        check_folder(tmp_path / "bundle" / "notes.txt", FILES)
