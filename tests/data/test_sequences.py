"""Sequences in memory: every form that users have them in is the same data; what is wrong is one message."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from tuner.data.sequences import read_sequences
from tuner.errors import UserError

X = np.random.default_rng(0).normal(size=(6, 5, 2))
Y = np.arange(6)


class Items:
    """A map-style dataset of sequences, something else and answers."""

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, number: int) -> tuple[Any, int, int]:
        return X[number], 5, Y[number]


FORMS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "array": lambda: (X, Y),
    "tensor": lambda: (torch.tensor(X, requires_grad=True), torch.tensor(Y)),
    "list of arrays": lambda: (list(X), list(Y)),
    "list of tensors": lambda: ([torch.tensor(x) for x in X], Y),
    "list of frames": lambda: ([pd.DataFrame(x) for x in X], pd.Series(Y)),
    "nested lists": lambda: (X.tolist(), Y.tolist()),
    "dataset": lambda: (TensorDataset(torch.tensor(X), torch.tensor(Y)), None),
    "dataset of three": lambda: (Items(), None),
    "loader": lambda: (DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), 4, shuffle=True), None),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_data(form) -> None:
    read = read_sequences(*FORMS[form]())
    assert read.steps.tolist() == X.reshape(-1, 2).tolist()
    assert read.lengths.tolist() == [5] * 6
    assert read.first.tolist() == [0, 5, 10, 15, 20, 25]
    assert read.answers is not None
    assert read.answers.tolist() == Y.tolist()
    assert len(read) == 6


def test_one_column_needs_no_axis_and_lengths_may_differ() -> None:
    assert read_sequences(pd.DataFrame(X[:, :, 0])).steps.shape == (30, 1)
    unequal = read_sequences([np.arange(3.0), np.arange(7.0)], ["a", "b"])
    assert unequal.lengths.tolist() == [3, 7]
    assert unequal.steps[:, 0].tolist() == [0, 1, 2, 0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        ([], None, "there are no sequences"),
        (np.zeros((0, 5, 2)), None, "there are no sequences"),
        (X, Y[:5], "y has the shape (5,), and there are 6 sequences"),
        (X, X, "y has the shape (6, 5, 2)"),
        (X[:, :, 0][0], Y, "this has the shape (5,)"),
        (X[None], Y, "this has the shape (1, 6, 5, 2)"),
        ([X[0], X[1][:, :1]], None, "sequence 1 has the shape (5, 1), sequence 0 (5, 2)"),
        ([X[0], X[1][:0]], None, "sequence 1 has the shape (0, 2)"),
        (np.where(X[3, 2, 1] == X, np.nan, X), None, "sequence 3 has a missing or infinite value"),
        (np.array([["a", "b"]]), None, "not numbers"),
        (TensorDataset(torch.tensor(X)), Y, "`y` is given beside a dataset"),
        ([[[1.0], [2.0, 3.0]]], None, "lists of unequal lengths"),
    ],
)
def test_what_does_not_fit_is_one_message(x, y, says) -> None:
    with pytest.raises(UserError) as raised:
        read_sequences(x, y)
    assert says in raised.value.what
    assert raised.value.hint
