"""Faults of an optimiser, found in its groups."""

from torch import nn
from torch.optim import Adam as TorchAdam
from torch.optim import AdamW, Optimizer

from tuner.doctor.probe import Finding

# Total shrinkage below which weight decay is not to be seen in any score.
LEAST_SHRINKAGE = 1e-2


def find_decayed_biases(model: nn.Module, optimizer: Optimizer) -> Finding | None:
    """Decay of biases and gains, which only makes a network fit worse."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    decayed = [
        names.get(parameter, "a parameter")
        for group in optimizer.param_groups
        if group.get("weight_decay", 0) > 0
        for parameter in group["params"]
        if parameter.ndim <= 1
    ]
    if not decayed:
        return None
    return Finding(
        "decayed_biases",
        f"Weight decay also acts on {len(decayed)} biases and gains, such as `{decayed[0]}`.",
        "put parameters with p.ndim <= 1 into a group with weight_decay=0",
    )


def find_l2(optimizer: Optimizer) -> Finding | None:
    """Adam's `weight_decay`, which is an L2 term in the gradient: Adam's own scaling undoes most of it."""
    inner = getattr(optimizer, "optimizer", optimizer)
    for group in inner.param_groups:
        decoupled = isinstance(inner, AdamW) or group.get("decoupled_weight_decay", False)
        if isinstance(inner, TorchAdam) and not decoupled and group["weight_decay"] > 0:
            said = f"Adam's weight_decay={group['weight_decay']:g} is an L2 term that Adam rescales, not weight decay."
            return Finding("l2_not_decay", said, "use torch.optim.AdamW")
    return None


def find_weak_decay(optimizer: Optimizer, steps: int) -> Finding | None:
    """Weight decay whose total shrinkage, learning rate times decay times steps, is next to nothing."""
    strengths = [
        (group["weight_decay"], float(group["lr"]) * group["weight_decay"] * steps)
        for group in optimizer.param_groups
        if group.get("weight_decay", 0) > 0
    ]
    if not strengths or max(total for _, total in strengths) >= LEAST_SHRINKAGE:
        return None
    decay, total = max(strengths, key=lambda each: each[1])
    return Finding(
        "weak_decay",
        f"weight_decay={decay:g} shrinks weights by {100 * total:.2g} % in all {steps:,} steps: it does nothing.",
        f"raise it to {decay * 0.1 / total:.1g} or more to see an effect, or set it to 0",
    )
