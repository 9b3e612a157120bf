"""Labelled sequences of the public archives, where they are there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tuner.data.series import Floats

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "sequences"


@dataclass(frozen=True)
class Part:
    """Sequences, each (time, columns), and their classes or values."""

    steps: list[Floats]
    y: npt.NDArray[Any]


def read_archive(name: str) -> tuple[Part, Part]:
    """The training and the test part of a set; skips the test where it is not there."""
    if not (FOLDER / f"{name}.npz").exists():
        pytest.skip(f"{FOLDER} is not there")
    with np.load(FOLDER / f"{name}.npz") as file:
        steps, y, split = np.split(file["steps"], np.cumsum(file["lengths"])[:-1]), file["y"], file["split"]
    train, test = (
        Part([step for step, own in zip(steps, split, strict=True) if own == part], y[split == part])
        for part in ("train", "test")
    )
    return train, test
