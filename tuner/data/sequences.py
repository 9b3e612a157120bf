"""Sequences as a user has them in memory: arrays, tensors, frames, lists, datasets, loaders."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.data.series import Floats, Ints
from tuner.errors import UserError

WHERE = "X"


@dataclass(frozen=True)
class Sequences:
    """Sequences, the steps of all laid one after the other.

    Attributes:
        steps: (rows, columns), finite.
        lengths: (n,) steps of each, at least 1.
        answers: (n,) or (n, k), one a sequence; None if they were not given.
    """

    steps: Floats
    lengths: Ints
    answers: npt.NDArray[Any] | None

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def first(self) -> Ints:
        """The first row of each, (n,)."""
        starts: Ints = np.cumsum(self.lengths) - self.lengths
        return starts


def is_dataset(data: object) -> bool:
    """True for a map-style dataset of torch's kind, or a loader of one: known by what it can do, so without torch."""
    if isinstance(data, np.ndarray | Sequence) or hasattr(data, "to_numpy") or hasattr(data, "detach"):
        return False
    return hasattr(data, "__getitem__") or hasattr(data, "dataset")


def read_sequences(x: Any, y: Any = None) -> Sequences:  # noqa: ANN401 (whatever the user has)
    """The sequences in `x` and their answers.

    Args:
        x: (n, time, columns) or (n, time) as an array, a tensor or a frame; a list of n arrays (time, columns) or
            (time,), of whatever lengths; a map-style dataset of (sequence, …, answer), or a loader, whose dataset is
            read once, in order.
        y: (n,) or (n, k); None where `x` has the answers, or there are none.

    Raises:
        UserError: the shapes do not fit each other, or a value is missing, infinite or no number.
    """
    if is_dataset(x):
        x, y = _read_items(getattr(x, "dataset", x), y)
    parts, answers = _parts(x), None if y is None else as_array(y)
    if not parts:
        raise UserError("there are no sequences", where=WHERE, hint="give at least one")
    for number, part in enumerate(parts):
        if part.ndim != 2 or part.shape[1] != parts[0].shape[1] or not len(part):
            what = f"sequence {number} has the shape {part.shape}, sequence 0 {parts[0].shape}"
            raise UserError(what, where=WHERE, hint="give each the shape (time, columns), with the same columns")
    steps = np.concatenate(parts)
    if not (finite := np.isfinite(steps).all(axis=1)).all():
        row = int(np.argmin(finite))
        number = int(np.searchsorted(np.cumsum([len(part) for part in parts]), row, side="right"))
        raise UserError(f"sequence {number} has a missing or infinite value", where=WHERE, hint="fill or drop it")
    if answers is not None and (answers.ndim not in (1, 2) or len(answers) != len(parts)):
        what = f"y has the shape {answers.shape}, and there are {len(parts):,} sequences"
        raise UserError(what, where="y", hint="give one answer for each sequence: (n,) or (n, k)")
    return Sequences(steps, np.array([len(part) for part in parts], dtype=np.int64), answers)


def _read_items(dataset: Any, y: Any) -> tuple[list[Any], Any]:  # noqa: ANN401 (a dataset of the user's)
    if not hasattr(dataset, "__len__"):
        raise UserError("the dataset has no length", where=WHERE, hint="give a map-style dataset, or arrays")
    if y is not None:
        raise UserError("`y` is given beside a dataset", where="y", hint="leave it out: the dataset has the answers")
    items = [dataset[number] for number in range(len(dataset))]
    if not items or not isinstance(items[0], tuple | list):
        return items, None
    if len(items[0]) == 1:
        return [item[0] for item in items], None
    return [item[0] for item in items], np.stack([as_array(item[-1]) for item in items])


def _parts(x: Any) -> list[Floats]:  # noqa: ANN401 (whatever the user has)
    if isinstance(x, list | tuple):
        return [_columns(_numbers(part)) for part in x]
    array = _numbers(x)
    if array.ndim not in (2, 3):
        what = f"this has the shape {array.shape}"
        raise UserError(what, where=WHERE, hint="give it the shape (n, time, columns), or (n, time) for one column")
    return [_columns(part) for part in array]


def _columns(part: Floats) -> Floats:
    return part[:, None] if part.ndim == 1 else part


def _numbers(values: Any) -> Floats:  # noqa: ANN401 (whatever the user has)
    array = as_array(values)
    if array.dtype.kind not in "fiub":
        raise UserError(f"this holds {array.dtype}, not numbers", where=WHERE, hint="convert text to numbers")
    return array.astype(np.float64)


def as_array(values: Any) -> npt.NDArray[Any]:  # noqa: ANN401 (whatever the user has)
    """The values of an array, a tensor on any device, a frame or nested lists."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    elif hasattr(values, "to_numpy"):
        values = values.to_numpy()
    try:
        return np.asarray(values)
    except ValueError:
        what = "this is a list of lists of unequal lengths"
        raise UserError(what, where=WHERE, hint="make each sequence an array of its own") from None
