"""Augmentation of training batches.

Windows are row numbers until they are gathered, so two of the three only change row numbers, (length, batch). They
take in rows of training windows only, hence give out nothing else: validation rows cannot leak in. All draw from
torch's global generator.
"""

import torch
from torch import Tensor


def time_shift(rows: Tensor, most: int) -> Tensor:
    """Shifts each window by a whole number of steps from -most to most, repeating its first or last row at the edge.

    The answer stays, so that the network cannot rely on exact timing. Args and result: (length, batch) row numbers.
    """
    length, batch = rows.shape
    shift = torch.randint(-most, most + 1, (batch,), device=rows.device)
    position = torch.arange(length, device=rows.device)[:, None] + shift
    return rows.gather(0, position.clamp_(0, length - 1))


def synthesise(rows: Tensor, first: Tensor, share: float) -> Tensor:
    """Replaces a share of the windows by synthetic ones: a moving-block bootstrap (Künsch, 1989) of training rows.

    The last quarter of a synthetic window is its own, and so its answer stays true; each earlier quarter comes from
    another training window, at the same position.

    Args:
        rows: (length, batch) row numbers of training windows.
        first: (n,) first rows of all training windows.
        share: probability that a window is replaced.
    """
    length, batch = rows.shape
    block = max(1, -(-length // 4))
    # counted from the end, so that the last block is whole
    number = torch.arange(length - 1, -1, -1, device=rows.device) // block
    donors = first[torch.randint(len(first), (int(number[0]) + 1, batch), device=rows.device)]
    donors[0] = rows[0]
    mixed = donors[number] + torch.arange(length, device=rows.device)[:, None]
    return torch.where(torch.rand(batch, device=rows.device) < share, mixed, rows)


def jitter(x: Tensor, deviation: float) -> Tensor:
    """Adds Gaussian noise of the given standard deviation, in units of the scaled features."""
    return x + deviation * torch.randn_like(x)
