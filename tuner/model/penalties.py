"""What acts on gradients and weights beside Adam: clipping, and the proximal step of L1, which makes exact zeros."""

import torch

from tuner.model.adam import BETA2, EPSILON, Adam
from tuner.model.flat import FlatParameters


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
def proximal_l1(optimizer: Adam, strength: float) -> None:
    """Soft-thresholds the matrices in place after a step: the proximal operator of strength * |w| in Adam's own metric.

    The threshold is learning_rate * strength / (sqrt(v) + eps), with Adam's bias-corrected second moment v: a plain
    learning_rate * strength would not solve the lasso under Adam (ProxGen, Yun et al., NeurIPS 2021).

    Args:
        optimizer: after its step.
        strength: of the penalty, in units of the loss.
    """
    moments = optimizer.penalised
    root = (1.0 - BETA2 ** moments.steps.item()) ** 0.5
    rate = optimizer.learning_rate * strength * root
    threshold = moments.square.sqrt().add_(EPSILON * root).reciprocal_().mul_(rate)
    moments.parameter.sub_(moments.parameter.clamp(-threshold, threshold))
