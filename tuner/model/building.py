"""The one place where a study's network is made, ours or the user's own, and how it is called."""

import inspect
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from tuner.errors import UserError
from tuner.model.dropout import last_linear, recurrent_layers, regularise
from tuner.model.lstm import Network
from tuner.model.own import WHERE, OwnNetwork, own_network, refused
from tuner.spec.sections import ModelSection, Spec
from tuner.spec.space import PARAMETERS, Constant, Value, defaults


def build_network(model: ModelSection, inputs: int, outputs: int, params: Mapping[str, Value]) -> nn.Module:
    """A network with the regularisers of a configuration, which act in training mode.

    Args:
        model: which network.
        inputs, outputs: columns of the data and of its answers.
        params: a value for each parameter of the space.

    Raises:
        UserError: it is one's own, and cannot be made.
    """
    if model.own is not None:
        own = own_network(model)
        network = own.build(model.args, inputs, outputs, params)
        return regularise(
            network,
            input_dropout=float(params["input_dropout"]),
            recurrent_dropout=float(params["recurrent_dropout"]),
            dropout=0.0 if own.takes["dropout"] else float(params["dropout"]),
        )
    return Network(
        inputs,
        outputs,
        cell=model.cell,
        hidden_size=int(params["hidden_size"]),
        num_layers=int(params["num_layers"]),
        dropout=float(params["dropout"]),
        input_dropout=float(params["input_dropout"]),
        recurrent_dropout=float(params["recurrent_dropout"]),
        normalization=str(params["normalization"]),
    )


def predict(network: nn.Module, x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Maps sequences (length, batch, inputs), of so many steps each, (batch,), to outputs (batch, outputs)."""
    if isinstance(network, Network):
        output: Tensor = network(x, lengths)
        return output
    return call_network(network, x.transpose(0, 1), lengths)


def call_network(network: nn.Module, x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Calls a network as with batches of a DataLoader, (batch, length, inputs); gives its outputs, (batch, outputs).

    It is told the lengths, (batch,), if it needs a second argument. Of several outputs the first counts.
    """
    steps = (torch.full((len(x),), x.shape[1]) if lengths is None else lengths.cpu(),)
    found: Any = network(x, *(steps if takes_lengths(type(network).forward) else ()))
    while isinstance(found, tuple | list) and found:
        found = found[0]
    return found[:, None] if isinstance(found, Tensor) and found.ndim == 1 else found


@cache
def takes_lengths(forward: Callable[..., Any]) -> bool:
    """True where `forward` has a second positional parameter that must be given, or is called after lengths."""
    parameters = list(inspect.signature(forward).parameters.values())[1:]
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return len(positional) > 1 and (positional[1].default is inspect.Parameter.empty or "len" in positional[1].name)


def adapt(spec: Spec, inputs: int, outputs: int, *, unequal: bool = False) -> tuple[Spec, tuple[str, ...]]:
    """The study as its own network allows it, and what a user should know about that; the network is tried out.

    What cannot reach the network is not searched: it stays at its default, or at 0 if it regularises. The study notes
    the hash of the network's source, and trains in single precision. Where sequences are `unequal` in length, it must
    take their lengths: else it would learn from what they are padded with.

    Raises:
        UserError: the network cannot be made, raises, ignores lengths that matter, or gives something else than one row
            of outputs a sequence.
    """
    if spec.model.own is None:
        return spec, ()
    own = own_network(spec.model)
    model = spec.model.model_copy(update={"sha256": own.source})
    network = own.build(model.args, inputs, outputs, defaults(spec.space))
    if unequal and not takes_lengths(type(network).forward):
        what = f"sequences differ in length, and the forward of {own.name} does not take lengths"
        raise UserError(what, where=WHERE, hint="give it a second parameter `lengths`, or cut the sequences alike")
    _try(own, network, spec.task.window, inputs, outputs)
    unreached = {name: _constant(name) for name in _unreached(own, network, model.args)}
    lost = [name for name in unreached if not isinstance(spec.space[name], Constant)]
    notes = (f"Not searched, because they cannot reach {own.name}: {', '.join(lost)}.",) if lost else ()
    train = spec.train.model_copy(update={"precision": "fp32"})
    return spec.model_copy(update={"model": model, "space": spec.space | unreached, "train": train}), notes


def _constant(name: str) -> Constant:
    return Constant(0.0 if name.endswith("dropout") else PARAMETERS[name].domain.default)


def _unreached(own: OwnNetwork, network: nn.Module, args: Mapping[str, Any]) -> list[str]:
    """The parameters of the space that neither the constructor takes nor anything inside could be given."""
    free = {meaning for meaning, names in own.takes.items() if set(names) - args.keys()}
    reached = {
        "hidden_size": "hidden_size" in free,
        "num_layers": "num_layers" in free,
        "dropout": "dropout" in free if own.takes["dropout"] else last_linear(network) is not None,
        "input_dropout": bool(recurrent_layers(network)),
        "recurrent_dropout": bool(recurrent_layers(network)),
        "normalization": False,
    }
    return [name for name, reaches in reached.items() if not reaches]


def _try(own: OwnNetwork, network: nn.Module, window: int, inputs: int, outputs: int) -> None:
    """Trains a network for half a step on random sequences."""
    batch = 3
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x = torch.randn(window, batch, inputs)
        try:
            output = predict(network.train(), x)
        except Exception as error:
            raise refused(own.name, error) from None
        if not isinstance(output, Tensor) or output.shape != (batch, outputs):
            shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            what = f"{own.name} gives {shape} for {tuple(x.transpose(0, 1).shape)}, where {(batch, outputs)} is needed"
            raise UserError(what, where=WHERE, hint="return one row of outputs for each sequence")
        if not output.requires_grad:
            raise UserError(f"{own.name} has nothing to train", where=WHERE, hint="its outputs have no gradient")
        if not math.isfinite(output.sum().item()):
            hint = "look for a division by 0"
            raise UserError(f"{own.name} gives outputs that are not finite", where=WHERE, hint=hint)
