"""The textbook's dropout LSTM and 2,000 windows of a noisy oscillation, for `bench_textbook.py`."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import TensorDataset

WINDOW = 31


class LSTMModel(nn.Module):
    """An LSTM with dropout, as textbooks have it."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int, output_size: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True, dropout=dropout)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out, _ = self.lstm(x)
        last: torch.Tensor = self.fc(out[:, -1, :])
        return last


def windows(count: int = 2000) -> TensorDataset:
    """Windows, (n, 31, 1), of a damped oscillation under noise, and the value that follows, (n,)."""
    generator, series = np.random.default_rng(0), np.zeros(count + WINDOW)
    for at in range(2, len(series)):
        series[at] = 1.6 * series[at - 1] - 0.8 * series[at - 2] + generator.normal()
    x = np.lib.stride_tricks.sliding_window_view(series, WINDOW)[:count, :, None]
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(series[WINDOW:], dtype=torch.float32))
