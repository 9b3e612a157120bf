"""The check-up of a network, its data and its optimiser: in seconds, without training."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import nn
from torch.optim import Optimizer

from tuner.data.sequences import Sequences, read_sequences
from tuner.doctor.data_faults import find_absent_classes, find_own_statistics, find_shared_rows
from tuner.doctor.network_faults import (
    find_activation_before_loss,
    find_carried_state,
    find_dead_dropout,
    find_mixed_samples,
    find_random_evaluation,
    find_unread_steps,
)
from tuner.doctor.optimizer_faults import find_decayed_biases, find_l2, find_weak_decay
from tuner.doctor.probe import Finding, make_probe


class Checkup(list[Finding]):
    """The findings of a check-up, none if all is well; printed, they say what was not looked for too.

    Attributes:
        skipped: what was not looked for, and the argument that it needs.
    """

    def __init__(self, findings: list[Finding], skipped: tuple[str, ...]) -> None:
        super().__init__(findings)
        self.skipped = skipped

    def __repr__(self) -> str:
        lines = [f"{found.code}: {found.said}\n  {found.hint}" for found in self] or ["No mistake found."]
        return "\n".join([*lines, *(f"Not looked for: {each}." for each in self.skipped)])


def check(
    model: nn.Module,
    train: Any,  # noqa: ANN401 (whatever the user has)
    valid: Any = None,  # noqa: ANN401 (whatever the user has)
    *,
    loss: Callable[..., Any] | None = None,
    optimizer: Optimizer | None = None,
    epochs: int | None = None,
    cv: Any = None,  # noqa: ANN401 (what scikit-learn takes)
) -> Checkup:
    """Looks for mistakes that make an LSTM overfit, or its scores lie, without training it.

    >>> import torch
    >>> import tuner
    >>> network = torch.nn.LSTM(3, 16)
    >>> [found.code for found in tuner.check(network, torch.randn(50, 20, 3))]
    ['mixed_samples']

    Args:
        model: the network; copies of it are run.
        train: what it is trained on: a DataLoader, a map-style Dataset, (X, y), or X alone.
        valid: likewise, what it is validated on.
        loss: a loss of torch's, a class of `nn` or a function of `nn.functional`.
        optimizer: of the network.
        epochs: that it will be trained for.
        cv: folds as scikit-learn takes them: a splitter, a number, or pairs of row numbers.

    Raises:
        UserError: the network cannot be run on the data, or the data are no sequences.
    """
    probe, skipped = make_probe(model, train), []
    found = [find_carried_state(probe)]
    if not found[0]:
        found += [find_random_evaluation(probe), find_dead_dropout(probe), find_unread_steps(probe)]
        if not found[1]:
            found += [find_mixed_samples(probe)]
        found += [] if loss is None else [find_activation_before_loss(probe, loss)]
    if loss is None:
        skipped.append("softmax or sigmoid before a loss that has its own (give `loss`)")
    if valid is None:
        skipped.append("rows shared with validation data, and data scaled by themselves (give `valid`)")
    else:
        training, validation = _read(train), _read(valid)
        found += [find_shared_rows(training, validation), find_own_statistics(training, validation)]
    if optimizer is None:
        skipped.append("what the optimiser decays (give `optimizer`)")
    else:
        found += [find_decayed_biases(model, optimizer), find_l2(optimizer)]
    batches = len(train) if hasattr(train, "batch_size") and hasattr(train, "__len__") else None
    if optimizer is None or epochs is None or batches is None:
        skipped.append("decay too weak to act (give `optimizer`, `epochs`, and a DataLoader as `train`)")
    else:
        found += [find_weak_decay(optimizer, epochs * batches)]
    answers = None if cv is None else _read(train).answers
    if answers is None:
        skipped.append("classes that folds lack (give `cv`, and `train` with its classes)")
    elif answers.ndim == 1 and not np.issubdtype(answers.dtype, np.floating):
        found += [find_absent_classes(answers, cv)]
    return Checkup([each for each in found if each is not None], tuple(skipped))


def _read(data: Any) -> Sequences:  # noqa: ANN401 (whatever the user has)
    return read_sequences(*data) if isinstance(data, tuple) else read_sequences(data)
