"""Adam and AdamW on the two vectors of a flattened model, by the function behind torch's own optimisers.

`torch.optim.AdamW` computes the same. But a process's first optimiser imports torch's compiler, which takes longer than
many a trial on a small series.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.adamw import adamw

from tuner.model.flat import FlatParameters

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Moments:
    """A parameter, its gradient, the running means of that and of its square, all (n,), and the number of steps, ()."""

    parameter: Tensor
    gradient: Tensor
    mean: Tensor
    square: Tensor
    steps: Tensor

    @staticmethod
    def of(parameter: Tensor) -> "Moments":
        """Those of a parameter that has a gradient, before the first step."""
        assert parameter.grad is not None  # noqa: S101 (a flattened model has them from the start)
        none = torch.zeros_like(parameter), torch.zeros_like(parameter)
        return Moments(parameter, parameter.grad, *none, torch.zeros((), device=parameter.device))


class Adam:
    """AdamW that decays the matrices only, or the classic Adam with L2 in the gradient of every parameter.

    Args:
        flat: what is trained.
        name: "adamw" (Loshchilov & Hutter, ICLR 2019) or "adam" (Kingma & Ba, ICLR 2015).
        learning_rate: step size.
        weight_decay: decoupled, a step shrinks by learning_rate * weight_decay; for "adam" the L2 coefficient.

    Attributes:
        penalised: the state of the matrices.
        learning_rate: of the next step.
    """

    def __init__(
        self, flat: FlatParameters, name: Literal["adamw", "adam"], learning_rate: float, weight_decay: float
    ) -> None:
        self.penalised, self._free = Moments.of(flat.penalised), Moments.of(flat.free)
        self.learning_rate = learning_rate
        self._name, self._weight_decay = name, weight_decay

    def zero_grad(self) -> None:
        """Sets the gradients to zero, in place."""
        for moments in (self.penalised, self._free):
            moments.gradient.zero_()

    @torch.no_grad()
    def step(self) -> None:
        """One step along the gradients that are there."""
        if self._name == "adam":
            self._take((self.penalised, self._free), self._weight_decay)
        else:
            self._take((self.penalised,), self._weight_decay)
            self._take((self._free,), 0.0)

    def _take(self, group: Sequence[Moments], weight_decay: float) -> None:
        (adam if self._name == "adam" else adamw)(
            [moments.parameter for moments in group],
            [moments.gradient for moments in group],
            [moments.mean for moments in group],
            [moments.square for moments in group],
            [],
            [moments.steps for moments in group],
            fused=True,
            amsgrad=False,
            beta1=BETA1,
            beta2=BETA2,
            lr=self.learning_rate,
            weight_decay=weight_decay,
            eps=EPSILON,
            maximize=False,
        )
