"""A loss of the user's own, sample by sample."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def each_loss(loss: Callable[[Tensor, Tensor], Any], output: Tensor, answer: Tensor) -> Tensor:
    """The loss of each sample by itself, (n,).

    Args:
        loss: of a batch: of torch's, or any function of outputs and answers; it is their mean, or one value a sample.
        output: (n, outputs).
        answer: (n, outputs) values, or (n,) classes.
    """

    def alone(output: Tensor, answer: Tensor) -> Tensor:
        return torch.as_tensor(loss(output[None], answer[None])).mean()

    try:
        each: Tensor = torch.func.vmap(alone)(output, answer)
    except RuntimeError:  # not every operation can be done on many at once
        each = torch.stack([alone(*one) for one in zip(output, answer, strict=True)])
    return each
