"""A network under examination: copies of it, run on a batch, that leave it as it is."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import default_collate

from tuner.data.sequences import as_array, is_dataset
from tuner.errors import UserError

# Samples of a batch: enough to see that they influence each other.
BATCH = 16


@dataclass(frozen=True)
class Finding:
    """A mistake: its code, what is wrong and how it was seen, and how to put it right."""

    code: str
    said: str
    hint: str


@dataclass(frozen=True)
class Probe:
    """A network, and the inputs of a batch as it takes them, the sequences first."""

    model: nn.Module
    inputs: tuple[Any, ...]

    @property
    def x(self) -> Tensor:
        x: Tensor = self.inputs[0]
        return x

    @property
    def name(self) -> str:
        return type(self.model).__name__

    def copy(self, *, training: bool) -> nn.Module:
        """A copy of the network in one of the two modes.

        Raises:
            RuntimeError: it holds a tensor of an earlier pass, which cannot be copied.
        """
        return copy.deepcopy(self.model).train(training)

    def run(self, model: nn.Module, x: Tensor | None = None, seed: int = 0) -> Tensor:
        """The output for the batch, or for other sequences; of several outputs the first.

        Raises:
            UserError: the network raises, or gives no tensor.
        """
        inputs = self.inputs if x is None else (x, *self.inputs[1:])
        with seeded(seed):
            try:
                output = model(*inputs)
            except Exception as error:
                what = f"it raised {type(error).__name__}: {' '.join(str(error).split())[:300]}"
                shapes = ", ".join(str(tuple(each.shape)) for each in inputs if isinstance(each, Tensor))
                hint = f"it was called with {shapes}: call it so yourself"
                raise UserError(what, where=self.name, hint=hint) from None
        while isinstance(output, tuple | list) and output:
            output = output[0]
        if not isinstance(output, Tensor):
            what = f"its output is a {type(output).__name__}, not a tensor"
            raise UserError(what, where=self.name, hint="return the predictions, or a tuple that begins with them")
        return output


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Random numbers from a seed, without disturbing anyone's."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def make_probe(model: nn.Module, data: Any) -> Probe:  # noqa: ANN401 (whatever the user has)
    """The network, and the first samples of its training data.

    Raises:
        UserError: the model is no module, or the samples make no batch.
    """
    if not isinstance(model, nn.Module):
        hint = "make one first, such as LSTMModel(…)" if isinstance(model, type) else "give an nn.Module"
        raise UserError(f"{model!r} is not a network", where="model", hint=hint)
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    inputs = tuple(each.to(device) if isinstance(each, Tensor) else each for each in _inputs(data))
    if not isinstance(inputs[0], Tensor) or inputs[0].ndim < 2:
        raise UserError("the samples make no batch of sequences", where="train", hint="give (X, y), or a DataLoader")
    return Probe(model, inputs)


def _inputs(data: Any) -> Sequence[Any]:  # noqa: ANN401 (whatever the user has)
    """What the network is given of the first samples; what comes last in a sample of several parts is its answer."""
    if is_dataset(data):
        dataset = getattr(data, "dataset", data)
        items = [dataset[number] for number in range(min(BATCH, len(dataset)))]
        try:
            batch = getattr(data, "collate_fn", default_collate)(items)
        except (RuntimeError, TypeError) as error:
            raise UserError(f"the samples make no batch: {error}", where="train") from None
        return (batch[:-1] if len(batch) > 1 else batch) if isinstance(batch, tuple | list) else (batch,)
    x = data[0] if isinstance(data, tuple) else data
    parts = [torch.from_numpy(as_array(part)) for part in x[:BATCH]]
    batch = pad_sequence(parts, batch_first=True)
    return (batch.float() if batch.is_floating_point() else batch,)
