"""Samples in an `.npz` file: sequences with an answer each, as the data set of a study."""

import hashlib
import io
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tuner.data.overlap import Placement, place_sequences
from tuner.data.sequences import Sequences, read_sequences
from tuner.data.series import Dataset, Floats, Ints, Samples, Series
from tuner.errors import UserError, listed
from tuner.files import display_path
from tuner.spec.sections import Spec
from tuner.spec.space import Constant

# Of all samples, what the largest stretch of them that share rows may hold, over the number of folds, to be one group.
LARGEST_GROUP = 0.5
# More classes than this share of the samples are values.
MOST_CLASSES = 0.5


def pack_samples(sequences: Sequences, arrays: Mapping[str, npt.NDArray[Any] | None]) -> bytes:
    """The contents of a file of samples.

    Args:
        sequences: the inputs.
        arrays: `y`, (n,) or (n, k); `groups`, (n,); `time`, (n,); `parts`, (folds, n); None for one that is not there.
    """
    present = {name: _plain(values) for name, values in arrays.items() if values is not None}
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, steps=sequences.steps, lengths=sequences.lengths, **present)
    return file.getvalue()


def load_samples(spec: Spec) -> Dataset:
    """The data set of a study on an `.npz` file, samples in the order of the rows that they were cut from.

    It holds `X`, (n, time, columns), or `steps`, (rows, columns), and `lengths`, (n,); `y`, classes of `classify` or
    values of `regress`, (n,) or (n, k); and, if need be, `groups` and `time`, (n,).

    Raises:
        UserError: it cannot be read, lacks something, or its parts do not fit together.
    """
    path = Path(str(spec.data.path))
    where, parts = display_path(path), read_arrays(path)
    if "y" not in parts:
        what = f"this holds {listed(sorted(parts)) or 'nothing'}"
        raise UserError(what, where=where, hint="it needs `y`, an answer for each sample")
    if spec.task.kind == "forecast":
        hint = 'set kind = "classify" where `y` holds classes, "regress" where it holds values'
        raise UserError("samples have answers, and nothing to forecast", where="[task] kind", hint=hint)
    if spec.space["synthetic"] != Constant(0.0):
        what = "the answer of a sample is of all its rows, and synthetic ones would keep it"
        raise UserError(what, where="[space] synthetic", hint="remove it")
    sequences = read_sequences(sequences_of(parts, path), parts["y"])
    for name in {"groups", "time"} & parts.keys():
        if parts[name].shape != (len(sequences),):
            what = f"`{name}` has the shape {parts[name].shape}, and there are {len(sequences):,} samples"
            raise UserError(what, where=where, hint="give one for each sample")
    return _dataset(spec, sequences, parts)


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an `.npz` file, by name.

    Raises:
        UserError: it is none.
    """
    where = display_path(path)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except FileNotFoundError:
        raise UserError("there is no such file", where=where, hint="paths start from the study file") from None
    except (OSError, ValueError, EOFError, TypeError, AttributeError, BadZipFile, zlib.error):
        hint = "write it by numpy.savez: `X`, or `steps` and `lengths`, of numbers"
        raise UserError("this cannot be read as samples in an .npz file", where=where, hint=hint) from None


def sequences_of(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> Any:  # noqa: ANN401 (an array, or a list)
    """The sequences in the arrays of a file: (n, time, columns), or a list of (time, columns).

    Raises:
        UserError: there are none, or their lengths are not those of their steps.
    """
    where, hint = display_path(path), "it needs `X`, or both `steps` and `lengths`"
    if "X" in arrays:
        return arrays["X"]
    if not {"steps", "lengths"} <= arrays.keys():
        raise UserError(f"this holds {listed(sorted(arrays)) or 'nothing'}", where=where, hint=hint)
    steps, lengths = arrays["steps"], arrays["lengths"]
    if lengths.dtype.kind not in "iu" or lengths.sum() != len(steps):
        what = f"`lengths` do not add up to the {len(steps):,} rows of `steps`"
        raise UserError(what, where=where, hint="give the number of rows of each sequence")
    return np.split(steps, np.cumsum(lengths)[:-1])


def _dataset(spec: Spec, sequences: Sequences, parts: dict[str, npt.NDArray[Any]]) -> Dataset:
    assert sequences.answers is not None  # noqa: S101 (it was read with them)
    classify = spec.task.kind == "classify"
    answers, classes = _classes(sequences.answers) if classify else (_values(sequences.answers), ())
    placement = place_sequences(sequences)
    rows, first, sizes = _lay(sequences, placement)
    order = np.lexsort((sequences.lengths, first))
    units = np.unique(placement.stretch, return_counts=True)[1]
    like_series = units.max() > LARGEST_GROUP * len(sequences) / spec.cv.folds
    group = None if like_series else _group(placement, parts.get("groups"))
    samples = Samples(
        first=first[order],
        lengths=sequences.lengths[order],
        answers=answers[order],
        classes=classes,
        group=None if group is None else group[order],
        time=np.unique(parts["time"], return_inverse=True)[1][order] if "time" in parts else None,
        parts=parts["parts"][:, order] if "parts" in parts else None,
    )
    series = tuple(
        Series(str(number), np.arange(len(part)), part, part[:, :0], None)
        for number, part in enumerate(np.split(rows, np.cumsum(sizes)[:-1]))
    )
    digest = hashlib.sha256(repr((rows.shape, answers.shape, classes, like_series)).encode())
    for array in (rows, samples.first, samples.lengths, samples.answers, samples.group, samples.time, samples.parts):
        digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    width = rows.shape[1]
    return Dataset(
        series=series,
        feature_names=tuple(f"x{column}" for column in range(width)) if width > 1 else ("x",),
        target_names=() if classify else tuple(f"y{column}" for column in range(answers.shape[1])),
        interpolated=0,
        digest=digest.hexdigest(),
        notes=_notes(placement, sequences, like_series=bool(like_series), groups="groups" in parts),
        samples=samples,
    )


def _lay(sequences: Sequences, placement: Placement) -> tuple[Floats, Ints, Ints]:
    """The rows that the sequences were cut from, the first row of each, and the rows of each stretch."""
    sizes = np.zeros(int(placement.stretch.max()) + 1, dtype=np.int64)
    np.maximum.at(sizes, placement.stretch, placement.place + sequences.lengths)
    first = (np.cumsum(sizes) - sizes)[placement.stretch] + placement.place
    rows = np.zeros((int(sizes.sum()), sequences.steps.shape[1]))
    rows[np.repeat(first - sequences.first, sequences.lengths) + np.arange(len(sequences.steps))] = sequences.steps
    return rows, first, sizes


def _group(placement: Placement, groups: npt.NDArray[Any] | None) -> Ints:
    """What must stay together, (n,): samples of one stretch, and of one group, and so on from one to the other."""
    if groups is None:
        return placement.stretch
    own = np.unique(groups, return_inverse=True)[1] + int(placement.stretch.max()) + 1
    count = int(own.max()) + 1
    graph = coo_array((np.ones(len(own)), (placement.stretch, own)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1][own], dtype=np.int64)


def _classes(y: npt.NDArray[Any]) -> tuple[Floats, tuple[str, ...]]:
    """A column a class, (n, classes), and their names."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise UserError(f"y has the shape {y.shape}", where="y", hint="give the class of each sample, (n,)")
    if y.dtype.kind == "f" and np.isnan(y).any():
        raise UserError("y has missing values", where="y", hint="drop these samples")
    known, own = np.unique(y, return_inverse=True)
    if len(known) < 2:
        raise UserError("y has one class only", where="y", hint="give samples of two classes at least")
    if len(known) > max(2, MOST_CLASSES * len(y)):
        hint = "give y as floats to learn values, or fewer classes"
        raise UserError(f"y has {len(known):,} classes for {len(y):,} samples", where="y", hint=hint)
    return np.eye(len(known))[own], tuple(str(one) for one in known.tolist())


def _values(y: npt.NDArray[Any]) -> Floats:
    """Values, (n, outputs)."""
    if y.dtype.kind not in "fiub":
        raise UserError(f"y holds {y.dtype}, not numbers", where="y", hint='set kind = "classify" to learn classes')
    values = y.astype(np.float64)
    if not np.isfinite(values).all():
        raise UserError("y has a missing or infinite value", where="y", hint="drop these samples")
    if (np.ptp(values, axis=0) == 0).any():
        raise UserError("y never changes", where="y", hint="give answers that differ")
    return values if values.ndim == 2 else values[:, None]


def _notes(placement: Placement, sequences: Sequences, *, like_series: bool, groups: bool) -> tuple[str, ...]:
    length = int(np.median(sequences.lengths))
    if like_series and groups:
        what = f"samples of different groups hang together: they share {placement.shared} of {length} rows"
        hint = "leave `groups` out: folds are then blocks, purged of samples that share rows"
        raise UserError(what, where="groups", hint=hint)
    if like_series:
        said = f"Samples overlap by {placement.shared} of {length} rows: folds are blocked and purged of such."
        return (said,)
    units = np.unique(placement.stretch, return_counts=True)[1]
    if (shared := int(units[units > 1].sum())) > 0:
        return (f"{shared:,} of {len(sequences):,} samples share rows with others: these stay in one fold.",)
    return ()


def _plain(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Values without Python objects, which could not be read back without unpickling them."""
    return values.astype(str) if values.dtype.kind == "O" else values
