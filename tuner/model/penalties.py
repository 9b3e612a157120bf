"""Weight decay and L1: which weights they act on, and the proximal step that makes exact zeros."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

Adam = torch.optim.AdamW | torch.optim.Adam


def penalised(model: nn.Module) -> list[nn.Parameter]:
    """The weight matrices of a model: biases and the gains of normalisation are never decayed nor thinned out."""
    return [parameter for parameter in model.parameters() if parameter.ndim > 1]


def make_optimizer(model: nn.Module, name: str, learning_rate: float, weight_decay: float) -> Adam:
    """AdamW that decays the matrices only, or the classic Adam with L2 in the gradient of every parameter.

    Args:
        model: whose parameters are trained.
        name: "adamw" (Loshchilov & Hutter, ICLR 2019) or "adam" (Kingma & Ba, ICLR 2015).
        learning_rate: step size.
        weight_decay: decoupled, a step shrinks by learning_rate * weight_decay; for "adam" the L2 coefficient.
    """
    if name == "adam":
        return torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)
    matrices = penalised(model)
    chosen = {id(matrix) for matrix in matrices}
    others = [parameter for parameter in model.parameters() if id(parameter) not in chosen]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, weight_decay=weight_decay, fused=True)


@torch.no_grad()
def proximal_l1(weights: Iterable[Tensor], optimizer: Adam, strength: float) -> None:
    """Soft-thresholds the weights in place after a step: the proximal operator of strength * |w| in Adam's own metric.

    The threshold is learning_rate * strength / (sqrt(v) + eps), with Adam's bias-corrected second moment v: a plain
    learning_rate * strength would not solve the lasso under Adam (ProxGen, Yun et al., NeurIPS 2021).
    """
    weights = list(weights)
    states = [optimizer.state[weight] for weight in weights]
    group = optimizer.param_groups[0]
    correction = 1.0 - group["betas"][1] ** states[0]["step"].item()
    thresholds = torch._foreach_sqrt([state["exp_avg_sq"] for state in states])
    torch._foreach_mul_(thresholds, correction**-0.5)
    torch._foreach_add_(thresholds, group["eps"])
    torch._foreach_reciprocal_(thresholds)
    torch._foreach_mul_(thresholds, group["lr"] * strength)
    kept = torch._foreach_abs(weights)
    torch._foreach_sub_(kept, thresholds)
    torch._foreach_clamp_min_(kept, 0.0)
    torch._foreach_copy_(weights, [torch.copysign(size, weight) for size, weight in zip(kept, weights, strict=True)])
