"""Scaling inside a network: raw rows in, answers in their own units out. The network itself stays as it is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from tuner.data.folds import Scaling
from tuner.data.sequences import WHERE, Sequences
from tuner.errors import UserError
from tuner.model.building import call_network, takes_lengths
from tuner.model.lstm import Network

# Sequences of a forward pass.
BATCH = 1024


class _ScaleInput:
    """Scales what a network is given, (batch, time, columns), as rows were scaled in training."""

    def __init__(self, network: nn.Module, scaling: Scaling) -> None:
        self.mean, self.deviation = (
            torch.tensor(values, dtype=torch.float64) for values in (scaling.mean, scaling.deviation)
        )
        self.bound = scaling.bound
        self.time_first = isinstance(network, Network)
        self.takes_lengths = takes_lengths(type(network).forward)
        # a handle that is saved with its network keeps the numbers of hooks apart where that is loaded
        self.handle = network.register_forward_pre_hook(self)

    def __call__(self, _: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        raw, *others = args
        raw = torch.as_tensor(raw)
        x = (raw.double() - self.mean.to(raw.device)) / self.deviation.to(raw.device)
        x = x.float() if self.bound is None else x.clamp(-self.bound, self.bound).float()
        if others and others[0] is not None and self.takes_lengths:
            # as in training, what follows after a sequence's own steps is 0
            beyond = torch.arange(x.shape[1]) >= torch.as_tensor(others[0]).cpu()[:, None]
            x = x.masked_fill(beyond[..., None].to(x.device), 0.0)
        return (x.transpose(0, 1) if self.time_first else x, *others)


class _ScaleOutput:
    """Brings what a network gives back into the units of the answers."""

    def __init__(self, network: nn.Module, scaling: Scaling) -> None:
        self.mean, self.deviation = torch.tensor(scaling.mean).float(), torch.tensor(scaling.deviation).float()
        self.handle = network.register_forward_hook(self)

    def __call__(self, network: nn.Module, args: object, output: Any) -> Any:  # noqa: ANN401 (whatever it gives)
        if isinstance(output, Tensor):
            mean, deviation = self.mean.to(output.device), self.deviation.to(output.device)
            return output * deviation + mean
        return type(output)([self(network, args, output[0]), *output[1:]])


def scale_inside(network: nn.Module, inputs: Scaling, answers: Scaling | None) -> nn.Module:
    """Has a trained network take raw sequences, (batch, time, columns), and answer in raw units; the same network.

    Its class, parameters and `state_dict` keys stay; the scaling is saved and copied along with it.

    Args:
        network: that was trained on scaled data.
        inputs: how its inputs were scaled.
        answers: how its answers were; None if they are classes, whose logits stay as they are.
    """
    _ScaleInput(network, inputs)
    if answers is not None:
        _ScaleOutput(network, answers)
    return network


@torch.inference_mode()
def answer(networks: Sequence[nn.Module], sequences: Sequences, columns: int) -> npt.NDArray[np.float32]:
    """The mean outputs of networks that take raw sequences of so many columns, (n, outputs).

    Raises:
        UserError: the sequences have other columns, or differ in length where a network takes no lengths.
    """
    if (found := sequences.steps.shape[1]) != columns:
        what = f"the sequences have {found} columns, and the network was trained on {columns}"
        raise UserError(what, where=WHERE, hint="give the same columns, in the same order")
    name, forward = type(networks[0]).__name__, type(networks[0]).forward
    if np.ptp(sequences.lengths) and not takes_lengths(forward):
        what = f"sequences differ in length, and the forward of {name} does not take lengths"
        raise UserError(what, where=WHERE, hint="give those of one length at a time")
    parts = [torch.from_numpy(part) for part in np.split(sequences.steps, sequences.first[1:])]
    outputs = []
    for at in range(0, len(parts), BATCH):
        lengths = torch.from_numpy(sequences.lengths[at : at + BATCH])
        batch = pad_sequence(parts[at : at + BATCH], batch_first=True)
        each = [call_network(network, batch, lengths).reshape(len(batch), -1) for network in networks]
        outputs.append(torch.stack(each).mean(dim=0))
    return torch.cat(outputs).numpy()
