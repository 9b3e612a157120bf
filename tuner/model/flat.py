"""A model's parameters as two vectors, one that penalties act on and one that they spare.

A step's cost on a small network is calls, not arithmetic: so clipping, Adam and L1 each run once over a vector instead
of once a tensor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn


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
