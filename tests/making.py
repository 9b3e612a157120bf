"""Small studies, data sets and parameters for tests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pytest

from tuner.data.folds import Problem
from tuner.data.problems import make_problem
from tuner.data.series import Bools, Dataset, Floats, Series
from tuner.errors import UserError
from tuner.evaluation.detection import Detection
from tuner.evaluation.holdout import Holdout, Score
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.training.precision import trains_bf16

T = TypeVar("T")
ROWS = 1200  # of the signals
needs_bf16 = pytest.mark.skipif(not trains_bf16(), reason="this processor has no LSTM in bfloat16")

PLAIN: Mapping[str, Value] = {
    "dropout": 0.0,
    "input_dropout": 0.0,
    "recurrent_dropout": 0.0,
    "weight_decay": 0.0,
    "l1": 0.0,
    "hidden_size": 4,
    "num_layers": 1,
    "normalization": "none",
    "learning_rate": 0.01,
    "batch_size": 8,
    "jitter": 0.0,
    "time_shift": 0,
    "synthetic": 0.0,
}


def known(value: T | None) -> T:
    """A value that may be missing elsewhere."""
    assert value is not None
    return value


def params(**changes: Value) -> dict[str, Value]:
    """A small network with every regulariser off, but for the changes."""
    return {**PLAIN, **changes}


def make_spec(**sections: Mapping[str, Any]) -> Spec:
    """A Spec with the given keys, by section; a short window, few folds and no holdout unless they say otherwise."""
    usual: dict[str, dict[str, Any]] = {
        "study": {"name": "test"},
        "data": {"path": "test.csv"},
        "task": {"window": 4},
        "cv": {"folds": 3, "holdout": 0.0},
        "train": {"max_epochs": 3, "patience": 6, "precision": "fp32"},
    }
    return read_spec_dict({name: {**usual.get(name, {}), **sections.get(name, {})} for name in {**usual, **sections}})


def make_dataset(
    lengths: Sequence[int], labels: Bools | None = None, *, features: int = 2, interpolated: int = 0, seed: int = 0
) -> Dataset:
    """Series of random walks; the first feature is the target. The labels are of all rows, one series after another."""
    rng = np.random.default_rng(seed)
    series, start = [], 0
    for number, length in enumerate(lengths):
        walk = rng.normal(size=(length, features)).cumsum(axis=0)
        own = None if labels is None else labels[start : start + length]
        series.append(Series(f"s{number}", np.arange(length), walk, walk[:, :1], own))
        start += length
    return Dataset(tuple(series), tuple("abcdefgh"[:features]), ("a",), interpolated, digest="")


def without_targets(data: Dataset) -> Dataset:
    """The same data set as a classifier has it."""
    series = tuple(replace(one, targets=one.targets[:, :0]) for one in data.series)
    return replace(data, series=series, target_names=())


def marked(rows: int, *events: tuple[int, int]) -> Bools:
    """Labels of `rows` rows, anomalous in the given half-open intervals."""
    labels = np.zeros(rows, dtype=bool)
    for first, past in events:
        labels[first:past] = True
    return labels


def make_small_problem(lengths: Sequence[int] = (60,), labels: Bools | None = None, **sections: Any) -> Problem:
    """The problem of `make_spec(**sections)` on `make_dataset(lengths, labels)`."""
    return make_problem(make_spec(**sections), make_dataset(lengths, labels))


def make_score(name: str, trial: int | None, value: float | None, **changes: Any) -> Score:
    """A score of which nothing but its value is known, but for the changes."""
    return replace(Score(name, trial, value, *[None] * 10), **changes)


def make_holdout(*scores: Score, **changes: Any) -> Holdout:
    """A report of a holdout by its loss, but for the changes."""
    counts = {"members": 3, "trained": 200, "windows": 74, "blocks": 12, "anomalous": 0, "events": 0, "looks": 2}
    return Holdout(**{"metric": "loss", "scores": scores, "baseline": 0.5, **counts, **changes})


def make_detection(**changes: float) -> Detection:
    """A detection by hand, clearly better than guessing, but for the changes."""
    usual = dict.fromkeys(("average_precision", "precision", "recall", "f1", "reached", "threshold"), 0.5)
    found = Detection(interval=(0.4, 0.6), base_rate=0.1, caught=1, events=2, **usual)
    return replace(found, **changes)  # type: ignore[arg-type]  # their types differ


def refused(call: Callable[..., object], *arguments: Any, **keys: Any) -> UserError:
    """What a call is refused with."""
    with pytest.raises(UserError) as caught:
        call(*arguments, **keys)
    return caught.value


def noise(rows: int = ROWS, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=rows)


def wave(period: float, rows: int = ROWS) -> Floats:
    return np.asarray(np.sin(2 * np.pi * np.arange(rows) / period))


def walk(rows: int = ROWS) -> Floats:
    return np.cumsum(noise(rows))
