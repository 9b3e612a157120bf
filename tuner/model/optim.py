"""Adam on a network's parameters as two vectors, and what acts beside it: clipping, and the proximal step of L1.

A step's cost on a small network is calls, not arithmetic: so all of this runs once per vector instead of once per
tensor. The steps are those of `torch.optim`, by the functions behind it: its classes import torch's compiler with the
first optimiser of a process, which doubles the time that a worker needs to start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim.adam import adam
from torch.optim.adamw import adamw

from tuner.model.proximal import soft_threshold

BETA2, EPSILON = 0.999, 1e-8
FIXED: Any = {"beta1": 0.9, "beta2": BETA2, "eps": EPSILON, "fused": True, "amsgrad": False, "maximize": False}


@dataclass(frozen=True)
class Moments:
    """A vector of parameters, the running means of its gradient and of that squared, all (n,), and its steps, ()."""

    vector: nn.Parameter
    gradient: Tensor
    mean: Tensor
    square: Tensor
    steps: Tensor

    @staticmethod
    def of(parameters: Sequence[nn.Parameter]) -> "Moments":
        """Those before the first step; the parameters, and their gradients, become views of one vector."""
        # a network of one's own may have none of a kind
        parts = [parameter.detach().reshape(-1) for parameter in parameters] or [torch.empty(0)]
        vector = nn.Parameter(torch.cat(parts))
        gradient, mean, square = (torch.zeros_like(vector) for _ in range(3))
        sizes = [parameter.numel() for parameter in parameters]
        views = zip(parameters, vector.detach().split(sizes), gradient.split(sizes), strict=True)  # type: ignore[no-untyped-call]
        for parameter, values, own in views if parameters else ():
            parameter.data = values.view_as(parameter)
            # backward adds to a gradient that is there, in place
            parameter.grad = own.view_as(parameter)
        return Moments(vector, gradient, mean, square, torch.zeros((), device=vector.device))


class Adam:
    """AdamW that decays matrices only, or the classic Adam with L2 in the gradient of every parameter.

    Args:
        model: goes on working as before, on the same values.
        name: "adamw" (Loshchilov & Hutter, ICLR 2019) or "adam" (Kingma & Ba, ICLR 2015).
        learning_rate: step size.
        weight_decay: decoupled, a step shrinks matrices by learning_rate * weight_decay; for "adam" the L2 coefficient.

    Attributes:
        matrices: their state; penalties act on them.
        others: that of biases and gains, which are never decayed nor thinned out.
        learning_rate: of the next step.
    """

    def __init__(
        self, model: nn.Module, name: Literal["adamw", "adam"], learning_rate: float, weight_decay: float
    ) -> None:
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.matrices = Moments.of([parameter for parameter in parameters if parameter.ndim > 1])
        self.others = Moments.of([parameter for parameter in parameters if parameter.ndim <= 1])
        self.learning_rate = learning_rate
        self._take = adamw if name == "adamw" else adam
        self._decay = (weight_decay, 0.0 if name == "adamw" else weight_decay)

    def zero_grad(self) -> None:
        """Sets the gradients to zero, in place."""
        for moments in (self.matrices, self.others):
            moments.gradient.zero_()

    @torch.no_grad()
    def step(self) -> None:
        """One step along the gradients that are there."""
        for moments, decay in zip((self.matrices, self.others), self._decay, strict=True):
            settings = {"lr": self.learning_rate, "weight_decay": decay, **FIXED}
            self._take(
                [moments.vector], [moments.gradient], [moments.mean], [moments.square], [], [moments.steps], **settings
            )


@torch.no_grad()
def clip_gradient(optimizer: Adam, most: float) -> None:
    """Scales the gradient down to the Euclidean norm `most` if it is longer (Pascanu et al., ICML 2013)."""
    gradients = [optimizer.matrices.gradient, optimizer.others.gradient]
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))
    # the same guard against division by zero as torch.nn.utils.clip_grad_norm_
    scale = (most / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale)


def proximal_l1(optimizer: Adam, strength: float) -> None:
    """Soft-thresholds the matrices in place after a step of `optimizer`, for a penalty of `strength` * |w|."""
    moments = optimizer.matrices
    soft_threshold(
        moments.vector.detach(),
        moments.square,
        moments.steps.item(),
        rate=optimizer.learning_rate * strength,
        beta2=BETA2,
        epsilon=EPSILON,
    )
