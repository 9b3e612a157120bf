"""AdamW on a network's parameters as two vectors, and what acts beside it: clipping, and the proximal step of L1.

A step's cost on a small network is calls, not arithmetic: so all of this runs once per vector instead of once per
tensor.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn
from torch.optim import Adam, AdamW, Optimizer


def make_optimizer(
    model: nn.Module, name: Literal["adamw", "adam"], learning_rate: float, weight_decay: float
) -> Optimizer:
    """Adam on the model's matrices, as the first vector, and on its biases and gains, which no penalty acts on.

    The model's parameters become views of these vectors, and so do their gradients, which have to be zeroed in place.

    Args:
        model: goes on working as before, on the same values.
        name: "adamw" (Loshchilov & Hutter, ICLR 2019) or "adam" (Kingma & Ba, ICLR 2015).
        learning_rate: step size.
        weight_decay: decoupled, a step shrinks matrices by learning_rate * weight_decay; for "adam" the L2 coefficient
            of every parameter.
    """
    parameters = list(model.parameters())
    matrices = _flatten([parameter for parameter in parameters if parameter.ndim > 1])
    others = _flatten([parameter for parameter in parameters if parameter.ndim <= 1])
    if name == "adam":
        return Adam([matrices, others], learning_rate, weight_decay=weight_decay, fused=True)
    groups = [
        {"params": [matrices], "weight_decay": weight_decay},
        {"params": [others], "weight_decay": 0.0},
    ]
    return AdamW(groups, learning_rate, fused=True)


def _flatten(parameters: Sequence[nn.Parameter]) -> nn.Parameter:
    flat = nn.Parameter(torch.cat([parameter.detach().reshape(-1) for parameter in parameters]))
    flat.grad = torch.zeros_like(flat)
    sizes = [parameter.numel() for parameter in parameters]
    parts = zip(parameters, flat.detach().split(sizes), flat.grad.split(sizes), strict=True)  # type: ignore[no-untyped-call]
    for parameter, values, gradient in parts:
        parameter.data = values.view_as(parameter)
        # backward adds to a gradient that is there, in place
        parameter.grad = gradient.view_as(parameter)
    return flat


def clip_gradient(optimizer: Optimizer, most: float) -> None:
    """Scales the gradient down to the Euclidean norm `most` if it is longer (Pascanu et al., ICML 2013)."""
    vectors = [vector for group in optimizer.param_groups for vector in group["params"]]
    nn.utils.clip_grad_norm_(vectors, most, foreach=False)


@torch.no_grad()
def proximal_l1(optimizer: Optimizer, strength: float) -> None:
    """Soft-thresholds the matrices in place after a step: the proximal operator of strength * |w| in Adam's own metric.

    The threshold is learning_rate * strength / (sqrt(v) + eps), with Adam's bias-corrected second moment v: a plain
    learning_rate * strength would not solve the lasso under Adam (ProxGen, Yun et al., NeurIPS 2021).

    Args:
        optimizer: from `make_optimizer`, after its step.
        strength: of the penalty, in units of the loss.
    """
    group = optimizer.param_groups[0]
    matrices = group["params"][0]
    state = optimizer.state[matrices]
    root = (1.0 - group["betas"][1] ** state["step"].item()) ** 0.5
    rate = group["lr"] * strength * root
    threshold = state["exp_avg_sq"].sqrt().add_(group["eps"] * root).reciprocal_().mul_(rate)
    matrices.sub_(matrices.clamp(-threshold, threshold))
