"""The proximal step of L1 under Adam: exact zeros, in our own training and beside torch's optimisers."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam as TorchAdam
from torch.optim import AdamW, Optimizer

from tuner.errors import UserError


@torch.no_grad()
def soft_threshold(weights: Tensor, square: Tensor, steps: float, *, rate: float, beta2: float, epsilon: float) -> None:
    """Soft-thresholds weights in place after a step: the proximal operator of an L1 penalty in Adam's own metric.

    The threshold is rate / (sqrt(v) + epsilon), with Adam's bias-corrected second moment v: a plain one would not solve
    the lasso under Adam (ProxGen, Yun et al., NeurIPS 2021).

    Args:
        weights: of any shape.
        square: Adam's running mean of the squared gradient, of the same shape.
        steps: taken so far.
        rate: learning rate times strength of the penalty.
        beta2, epsilon: Adam's.
    """
    root = (1.0 - beta2**steps) ** 0.5
    threshold = square.sqrt().add_(epsilon * root).reciprocal_().mul_(rate * root)
    weights.sub_(weights.clamp(-threshold, threshold))


class ProximalL1(Optimizer):
    """An Adam or AdamW of torch's with an L1 penalty whose zeros are exact; use it in the optimiser's place.

    After each step the matrices are soft-thresholded, by each group's own learning rate; biases and gains are left
    alone. Groups, state and `state_dict` are the optimiser's own, so schedulers take either of the two.

    >>> import torch
    >>> import tuner
    >>> network = torch.nn.Linear(20, 1)
    >>> optimizer = tuner.ProximalL1(torch.optim.AdamW(network.parameters(), lr=1e-3), strength=1e-4)

    Args:
        optimizer: takes the steps.
        strength: of the penalty, in units of the loss; 0 for none.

    Raises:
        UserError: the optimiser is another one, or the strength is negative or infinite.
    """

    def __init__(self, optimizer: Optimizer, strength: float) -> None:
        # not Optimizer.__init__: all that it would set is the optimiser's own
        if not isinstance(optimizer, TorchAdam | AdamW):
            what = f"this is {type(optimizer).__name__}, whose steps have another metric"
            raise UserError(what, where="ProximalL1", hint="give it a torch.optim.AdamW or torch.optim.Adam")
        if not 0 <= strength < float("inf"):
            raise UserError(f"`strength` is {strength}", where="ProximalL1", hint="choose 0 or a positive number")
        self.optimizer, self.strength = optimizer, strength

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the optimiser has)
        if name == "optimizer":
            raise AttributeError(name)
        return getattr(self.optimizer, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return ProximalL1, (self.optimizer, self.strength)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # noqa: ANN401 (a loss)
        """Takes the optimiser's step, then the penalty's; gives the loss that `closure` computes, if there is one."""
        loss = self.optimizer.step(closure)
        if self.strength > 0:
            for group in self.optimizer.param_groups:
                for parameter in group["params"]:
                    self._thin(parameter, group)
        return loss

    def _thin(self, parameter: nn.Parameter, group: dict[str, Any]) -> None:
        state = self.optimizer.state.get(parameter)
        if parameter.ndim <= 1 or parameter.grad is None or not state:
            return
        soft_threshold(
            parameter,
            state["max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"],
            float(state["step"]),
            rate=float(group["lr"]) * self.strength,
            beta2=float(group["betas"][1]),
            epsilon=group["eps"],
        )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """The optimiser's."""
        self.optimizer.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The optimiser's."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The optimiser's."""
        self.optimizer.load_state_dict(state_dict)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """The optimiser's."""
        self.optimizer.add_param_group(param_group)
