"""Weight decay and L1: which weights they act on, and the proximal step that makes exact zeros.

A step's cost on a small network is calls, not arithmetic. So the parameters are laid out in two vectors, one that is
penalised and one that is not, and clipping, Adam and L1 each run once over a vector instead of once a tensor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Adam = torch.optim.AdamW | torch.optim.Adam


@dataclass(frozen=True)
class FlatParameters:
    """A model's parameters as two vectors that share their memory, gradients included.

    Attributes:
        penalised: the weight matrices, (p,).
        free: biases and the gains of normalisation, which are never decayed nor thinned out, (q,).
    """

    penalised: nn.Parameter
    free: nn.Parameter

    def both(self) -> tuple[nn.Parameter, nn.Parameter]:
        return self.penalised, self.free


def flatten(model: nn.Module) -> FlatParameters:
    """Lays the parameters of `model` out anew; it goes on working as before, on the same values."""
    parameters = list(model.parameters())
    return FlatParameters(
        penalised=_flatten([parameter for parameter in parameters if parameter.ndim > 1]),
        free=_flatten([parameter for parameter in parameters if parameter.ndim <= 1]),
    )


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


def make_optimizer(flat: FlatParameters, name: str, learning_rate: float, weight_decay: float) -> Adam:
    """AdamW that decays the matrices only, or the classic Adam with L2 in the gradient of every parameter.

    Args:
        flat: what is trained.
        name: "adamw" (Loshchilov & Hutter, ICLR 2019) or "adam" (Kingma & Ba, ICLR 2015).
        learning_rate: step size.
        weight_decay: decoupled, a step shrinks by learning_rate * weight_decay; for "adam" the L2 coefficient.
    """
    if name == "adam":
        return torch.optim.Adam(flat.both(), lr=learning_rate, weight_decay=weight_decay, fused=True)
    groups = [
        {"params": [flat.penalised], "weight_decay": weight_decay},
        {"params": [flat.free], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


@torch.no_grad()
def clip_gradient(flat: FlatParameters, most: float) -> None:
    """Scales the gradient down to the Euclidean norm `most` if it is longer (Pascanu et al., ICML 2013)."""
    gradients = [parameter.grad for parameter in flat.both() if parameter.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))
    # the same guard against division by zero as torch.nn.utils.clip_grad_norm_
    scale = (most / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale)


@torch.no_grad()
def proximal_l1(weights: Tensor, optimizer: Adam, strength: float) -> None:
    """Soft-thresholds the weights in place after a step: the proximal operator of strength * |w| in Adam's own metric.

    The threshold is learning_rate * strength / (sqrt(v) + eps), with Adam's bias-corrected second moment v: a plain
    learning_rate * strength would not solve the lasso under Adam (ProxGen, Yun et al., NeurIPS 2021).

    Args:
        weights: a parameter of the optimizer, of any shape.
        optimizer: Adam or AdamW, after its step.
        strength: of the penalty, in units of the loss.
    """
    group, state = optimizer.param_groups[0], optimizer.state[weights]
    root = (1.0 - group["betas"][1] ** state["step"].item()) ** 0.5
    threshold = state["exp_avg_sq"].sqrt().add_(group["eps"] * root).reciprocal_().mul_(group["lr"] * strength * root)
    weights.sub_(weights.clamp(-threshold, threshold))
