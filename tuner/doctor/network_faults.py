"""Faults of a network, found by running copies of it on a batch."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tuner.doctor.probe import Finding, Probe, seeded
from tuner.model.dropout import recurrent_layers

# Operations that only change the shape of what goes through them.
SHAPING = ("View", "Squeeze", "Unsqueeze", "Select", "Reshape", "Alias", "T", "Transpose", "Permute", "Slice", "Clone")


def find_carried_state(probe: Probe) -> Finding | None:
    """A state kept from batch to batch: two passes over one batch differ, though random numbers are the same."""
    hint = "begin each batch from zeros: leave the state out when calling the layer, or reset it in `forward`"
    try:
        modes = [(mode, probe.copy(training=mode)) for mode in (False, True)]
    except RuntimeError:
        said = f"{probe.name} holds a tensor of an earlier batch, which reaches back into its graph."
        return Finding("carried_state", said, hint)
    for training, model in modes:
        with torch.no_grad():
            before = {name: buffer.clone() for name, buffer in model.named_buffers()}
            once = probe.run(model)
            for name, buffer in model.named_buffers():
                if training and name in before:  # statistics of normalisation, which training may update
                    buffer.copy_(before[name])
            again = probe.run(model)
        if not _same(once, again):
            said = f"{probe.name} carries a state from batch to batch: the same batch twice gives two outputs."
            return Finding("carried_state", said, hint)
    return None


def find_random_evaluation(probe: Probe) -> Finding | None:
    """Randomness in evaluation mode: two passes differ where random numbers do."""
    model = probe.copy(training=False)
    with torch.no_grad():
        if _same(probe.run(model), probe.run(model, seed=1)):
            return None
    return Finding(
        "random_evaluation",
        f"Two passes of {probe.name} in evaluation mode differ: something random is on.",
        "use nn.Dropout, or F.dropout(x, p, self.training): F.dropout(x, p) is always on",
    )


def find_dead_dropout(probe: Probe) -> Finding | None:
    """Dropout that acts nowhere: between the layers of a recurrent layer that has one, or in a layer never called."""
    model = probe.copy(training=True)
    single = [layer for layer in recurrent_layers(model) if layer.dropout > 0 and layer.num_layers == 1]
    if single:
        kind = type(single[0]).__name__
        return Finding(
            "dead_dropout",
            f"nn.{kind}(dropout={single[0].dropout:g}) does nothing: it acts between layers, and there is one.",
            "add nn.Dropout before the last linear layer, or call tuner.regularise(model, dropout=…)",
        )
    dropouts = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
    unused = {name: layer for name, layer in model.named_modules() if isinstance(layer, dropouts) and layer.p > 0}
    called: set[nn.Module] = set()
    for layer in unused.values():
        layer.register_forward_hook(lambda layer, *_: called.add(layer))
    with torch.no_grad():
        probe.run(model)
    for name, layer in unused.items():
        if layer not in called:
            said = f"`{name}`, a dropout of {layer.p:g}, is never called."
            return Finding("dead_dropout", said, "call it in `forward`, or remove it")
    return None


def find_unread_steps(probe: Probe) -> Finding | None:
    """Steps that the output does not depend on: all of them, or all but one (by the gradient of each)."""
    x = probe.x
    if not x.is_floating_point() or x.ndim < 3 or x.shape[1] < 3:
        return None
    x = x.detach().clone().requires_grad_()
    # cuDNN has no gradients in evaluation mode
    with torch.backends.cudnn.flags(enabled=False):
        output = probe.run(probe.copy(training=False), x)
        with seeded(0):
            weights = torch.randn_like(output)
        gradient = (
            torch.autograd.grad((output * weights).sum(), x, allow_unused=True)[0] if output.requires_grad else None
        )
    by_step = torch.zeros(x.shape[1]) if gradient is None else gradient.abs().transpose(0, 1).flatten(1).sum(dim=1)
    acting = torch.nonzero(by_step > 1e-12 * by_step.max()).flatten().tolist()
    if len(acting) > 1:
        return None
    if not acting:
        said = f"The output of {probe.name} does not depend on its input: the gradient of each step is zero."
        return Finding("no_step_read", said, "do not detach or convert to NumPy inside `forward`")
    return Finding(
        "one_step_read",
        f"Only step {acting[0] + 1} of {x.shape[1]} has a gradient: {probe.name} does not read the others.",
        "set batch_first=True if the input is (batch, time, columns), and read the step that saw all others",
    )


def find_mixed_samples(probe: Probe) -> Finding | None:
    """Samples of a batch that influence each other in evaluation mode: one is changed, the others are watched."""
    x, model = probe.x, probe.copy(training=False)
    count = len(x)
    hint = "set batch_first=True if the input is (batch, time, columns)"
    with torch.no_grad():
        before = probe.run(model)
        if before.ndim == 0 or len(before) != count:
            said = f"A batch of {count} samples gives an output of shape {tuple(before.shape)}, not one row a sample."
            return Finding("mixed_samples", said, hint)
        for changed in {0, count - 1} if count > 1 else ():
            other = x.clone()
            other[changed] = x[changed] + 1 + x.std() if x.is_floating_point() else x[changed - 1]
            rest = torch.arange(count, device=x.device) != changed
            if not _same(probe.run(model, other)[rest], before[rest]):
                said = f"Samples of a batch influence each other: changing sample {changed + 1} changed other outputs."
                return Finding("mixed_samples", said, hint)
    return None


def find_activation_before_loss(probe: Probe, loss: Callable[..., Any]) -> Finding | None:
    """A softmax before cross-entropy or a sigmoid before BCE-with-logits, which have their own."""
    output = probe.run(probe.copy(training=False))
    if isinstance(loss, nn.CrossEntropyLoss) or loss is F.cross_entropy:
        total = output.detach().sum(dim=1) if output.ndim > 1 and output.shape[1] > 1 else None
        if total is not None and bool((output >= 0).all()) and torch.allclose(total, torch.ones_like(total), atol=1e-4):
            said = f"The outputs of {probe.name} sum to one: cross-entropy applies a softmax to them again."
            return Finding("softmax_before_loss", said, "remove the softmax: return logits")
    has_own = isinstance(loss, nn.BCEWithLogitsLoss) or loss is F.binary_cross_entropy_with_logits
    if has_own and _last_operation(output) == "Sigmoid":
        said = f"The last operation of {probe.name} is a sigmoid: the loss applies another one."
        return Finding("sigmoid_before_loss", said, "remove the sigmoid: return logits")
    return None


def _last_operation(output: Tensor) -> str:
    """The name of the last operation that changed values, such as "Sigmoid"."""
    node = output.grad_fn
    while node is not None:
        name = type(node).__name__.partition("Backward")[0]
        if name not in SHAPING or not node.next_functions:
            return name
        node = node.next_functions[0][0]
    return ""


def _same(left: Tensor, right: Tensor) -> bool:
    return left.shape == right.shape and torch.allclose(left, right, rtol=1e-4, atol=1e-6, equal_nan=True)
