"""Random streams that do not disturb each other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor


class Stream:
    """A stream of random numbers of its own for code that draws from torch's global generators.

    `nn.LSTM` draws its dropout from the global generator: networks trained in turns would otherwise differ from
    networks trained one after the other.
    """

    def __init__(self, key: Sequence[int], device: torch.device) -> None:
        self._generators = [torch] if device.type == "cpu" else [torch, getattr(torch, device.type)]
        before = self._read()
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]))
        self._states = self._read()
        self._write(before)

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Makes torch's global generators continue where this stream stopped; leaves them as they were."""
        before = self._read()
        self._write(self._states)
        try:
            yield
            self._states = self._read()
        finally:
            self._write(before)

    def _read(self) -> list[Tensor]:
        return [generator.get_rng_state() for generator in self._generators]

    def _write(self, states: Sequence[Tensor]) -> None:
        for generator, state in zip(self._generators, states, strict=True):
            generator.set_rng_state(state)
