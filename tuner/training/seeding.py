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

    def __init__(self, seed: Sequence[int], device: torch.device) -> None:
        self._device = device
        self._states: list[Tensor] = []
        with self._preserved():
            torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]))
            self._states = self._read()

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Inside this context torch's global generators go on where this stream stopped."""
        with self._preserved():
            self._write(self._states)
            yield
            self._states = self._read()

    @contextmanager
    def _preserved(self) -> Iterator[None]:
        outside = self._read()
        try:
            yield
        finally:
            self._write(outside)

    def _read(self) -> list[Tensor]:
        on_gpu = [torch.cuda.get_rng_state(self._device)] if self._device.type == "cuda" else []
        return [torch.get_rng_state(), *on_gpu]

    def _write(self, states: Sequence[Tensor]) -> None:
        torch.set_rng_state(states[0])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(states[1], self._device)
