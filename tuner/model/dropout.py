"""Dropout from outside: on the recurrent layers and the head of any network, which stays as it is."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from torch.nn.utils.rnn import PackedSequence
from torch.utils.hooks import RemovableHandle

from tuner.errors import UserError

MOST = 0.95


class _Hook:
    """Something done before or after a layer's own work. It can be copied and saved along with its layer."""

    # a handle that is saved with its layer keeps the numbers of hooks apart where the layer is loaded
    handle: RemovableHandle


class _MaskInput(_Hook):
    """Drops columns of a recurrent layer's input, one mask a sequence (Gal & Ghahramani, NeurIPS 2016)."""

    def __init__(self, layer: nn.RNNBase, share: float) -> None:
        self.share = share
        self.handle = layer.register_forward_pre_hook(self, with_kwargs=True)

    def __call__(
        self, layer: nn.RNNBase, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        if not layer.training:
            return None
        if "input" in kwargs:
            return args, kwargs | {"input": self._masked(layer, kwargs["input"])}
        return (self._masked(layer, args[0]), *args[1:]), kwargs

    def _masked(self, layer: nn.RNNBase, x: object) -> object:
        if isinstance(x, PackedSequence):
            mask = x.data.new_ones(int(x.batch_sizes[0]), x.data.shape[1])
            # step by step the longest sequences, which come first
            owner = torch.cat([torch.arange(int(count)) for count in x.batch_sizes]).to(x.data.device)
            return x._replace(data=x.data * F.dropout(mask, self.share)[owner])
        if not isinstance(x, Tensor):
            return x  # the layer itself refuses it
        time = 1 if layer.batch_first and x.ndim == 3 else 0
        return x * F.dropout(torch.ones_like(x.narrow(time, 0, 1)), self.share)


class _DropWeights(_Hook):
    """Drops hidden-to-hidden weights of a recurrent layer, one mask a batch (weight-drop, Merity et al., ICLR 2018)."""

    def __init__(self, layer: nn.RNNBase, share: float) -> None:
        self.share = share
        self.handle = layer.register_forward_pre_hook(self)

    def __call__(self, layer: nn.RNNBase, *_: object) -> None:
        if layer.training:
            weights = zip(layer._flat_weights_names, layer._flat_weights, strict=True)
            # what the fused kernel is given; the parameters themselves stay
            layer._flat_weights = [
                F.dropout(weight, self.share) if isinstance(weight, Tensor) and name.startswith("weight_hh") else weight
                for name, weight in weights
            ]


class _RestoreWeights(_Hook):
    """Gives a recurrent layer its own weights back, also when its work failed."""

    def __init__(self, layer: nn.RNNBase) -> None:
        self.handle = layer.register_forward_hook(self, always_call=True)

    def __call__(self, layer: nn.RNNBase, *_: object) -> None:
        layer._flat_weights = [getattr(layer, name, None) for name in layer._flat_weights_names]


class _DropInput(_Hook):
    """Drops units before a linear layer."""

    def __init__(self, layer: nn.Linear, share: float) -> None:
        self.share = share
        self.handle = layer.register_forward_pre_hook(self)

    def __call__(self, layer: nn.Linear, args: tuple[Tensor, ...]) -> object:
        return (F.dropout(args[0], self.share), *args[1:]) if layer.training and args else None


def regularise(
    module: nn.Module, input_dropout: float = 0.0, recurrent_dropout: float = 0.0, dropout: float = 0.0
) -> nn.Module:
    """Adds dropout to a network from outside; gives the same network back.

    It acts in training mode only, and 0 adds nothing. The network's class, parameters and `state_dict` keys stay; the
    dropout is copied and saved along with it. Called again, the new shares replace the old ones.

    >>> import tuner
    >>> from torch import nn
    >>> network = tuner.regularise(nn.LSTM(3, 16, batch_first=True), input_dropout=0.1, recurrent_dropout=0.3)

    Args:
        module: with an `nn.LSTM`, `nn.GRU` or `nn.RNN` inside, of any shape: `batch_first`, packed sequences, both
            directions, projections.
        input_dropout: share of input columns dropped before each of these layers, one mask a sequence.
        recurrent_dropout: share of their hidden-to-hidden weights dropped, one mask a batch.
        dropout: share of units dropped before the `nn.Linear` that was defined last.

    Raises:
        UserError: a share is not between 0 and 0.95, or the network has no layer that it could act on.
    """
    recurrent, head = recurrent_layers(module), last_linear(module)
    shares = {"input_dropout": input_dropout, "recurrent_dropout": recurrent_dropout, "dropout": dropout}
    for name, share in shares.items():
        if not 0 <= share <= MOST:
            raise UserError(f"`{name}` is {share}", where="regularise", hint=f"choose a share from 0 to {MOST}")
        if share > 0 and not (head if name == "dropout" else recurrent):
            needs = "nn.Linear" if name == "dropout" else "nn.LSTM, nn.GRU or nn.RNN"
            what = f"`{name}` cannot act: {type(module).__name__} has no {needs} inside"
            raise UserError(what, where="regularise", hint=f"set `{name}` to 0")
    for layer in module.modules():
        for hook in [*layer._forward_pre_hooks.values(), *layer._forward_hooks.values()]:
            if isinstance(hook, _Hook):
                hook.handle.remove()
    for layer in recurrent:
        if input_dropout > 0:
            _MaskInput(layer, input_dropout)
        if recurrent_dropout > 0:
            _DropWeights(layer, recurrent_dropout)
            _RestoreWeights(layer)
    if head is not None and dropout > 0:
        _DropInput(head, dropout)
    return module


def recurrent_layers(module: nn.Module) -> list[nn.RNNBase]:
    """The layers that dropout of inputs and of recurrent weights acts on."""
    return [layer for layer in module.modules() if isinstance(layer, nn.RNNBase)]


def last_linear(module: nn.Module) -> nn.Linear | None:
    """The linear layer that was defined last; None without one. Those of attention layers are never called."""
    linear = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    called = [layer for layer in linear if not isinstance(layer, NonDynamicallyQuantizableLinear)]
    return called[-1] if called else None
