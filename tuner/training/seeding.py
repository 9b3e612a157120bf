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
        self._gpus = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(self._gpus):
            torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]))
            self._states = self._read()

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Makes torch's global generators continue where this stream stopped; leaves them as they were."""
        with torch.random.fork_rng(self._gpus):
            torch.set_rng_state(self._states[0])
            for gpu, state in zip(self._gpus, self._states[1:], strict=True):
                torch.cuda.set_rng_state(state, gpu)
            yield
            self._states = self._read()

    def _read(self) -> list[Tensor]:
        return [torch.get_rng_state(), *(torch.cuda.get_rng_state(gpu) for gpu in self._gpus)]
