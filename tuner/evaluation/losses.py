"""The loss of each window, from outputs that are there: of an ensemble, or of a model without a network."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.data.folds import FoldData
from tuner.data.series import Bools, Floats


def window_losses(
    data: FoldData, outputs: npt.NDArray[np.floating], own: Callable[..., Any] | None = None
) -> npt.NDArray[np.floating]:
    """The network's loss, or the user's own, of each validation window, (…, m), from its outputs, (…, m, outputs)."""
    answers = data.answers[data.valid]
    if own is not None:
        return _own_losses(data, outputs * data.error_scale, answers * data.error_scale, own)
    if data.has_classes:
        with np.errstate(invalid="ignore"):  # of networks that diverged
            logs = outputs - np.logaddexp.reduce(outputs.astype(np.float64), axis=-1, keepdims=True)
            return np.asarray(-np.sum(answers * logs, axis=-1))
    if data.targets is None:
        return cross_entropy(outputs[..., 0], answers[:, 0] > 0, data.class_weight)
    losses: npt.NDArray[np.floating] = np.mean(np.square((outputs - answers) * data.error_scale), axis=-1)
    return losses


def _own_losses(
    data: FoldData, outputs: npt.NDArray[np.floating], answers: npt.NDArray[np.floating], own: Callable[..., Any]
) -> npt.NDArray[np.floating]:
    import torch  # only a loss from Python needs it

    from tuner.model.own_loss import each_loss

    truth = torch.from_numpy(answers.argmax(axis=1) if data.has_classes else answers.astype(np.float32))
    members = outputs.reshape(-1, *answers.shape).astype(np.float32)
    found = np.stack([each_loss(own, torch.from_numpy(member), truth).numpy() for member in members])
    return found.reshape(outputs.shape[:-1])


def cross_entropy(logits: npt.NDArray[np.floating], labels: Bools, class_weight: float) -> Floats:
    """The network's loss of each window, (…, m), where it learns labels: anomalous windows are weighted."""
    with np.errstate(invalid="ignore"):  # of networks that diverged
        return np.asarray(np.where(labels, class_weight * np.logaddexp(0.0, -logits), np.logaddexp(0.0, logits)))
