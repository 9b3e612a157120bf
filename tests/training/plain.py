"""A textbook training loop, to hold the tuner's against."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from torch import Tensor, nn

from tuner.data.folds import FoldData


class PlainNetwork(nn.Module):
    """An LSTM read at its last step; dropout as `nn.LSTM` has it, and before the head."""

    def __init__(self, features: int, outputs: int, *, hidden: int = 4, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, layers, dropout=dropout if layers > 1 else 0.0)
        self.head = nn.Linear(hidden, outputs)
        self.last_dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.head(self.last_dropout(self.lstm(x)[0][-1]))
        return output


def adamw(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.0, fused=True)


@dataclass(frozen=True)
class Epoch:
    """A network after an epoch: its state, and its mean loss on the validation windows."""

    state: dict[str, Tensor]
    valid_loss: float


def sequences(fold: FoldData) -> Tensor:
    """The scaled rows that each window sees, (length, windows, features)."""
    return torch.from_numpy(np.stack([fold.rows[row : row + fold.window] for row in fold.first], axis=1))


def warmed_rates(rate: float) -> Iterator[float]:
    """The learning rates of the first step and all that follow, one after another, by another way than the tuner's."""
    for step in range(1, 50):
        yield rate * (step / 50)
    for later in count():
        yield rate * math.sqrt(1000 / (1000 + later))


def plain_epochs(
    fold: FoldData,
    seed: Sequence[int],
    *,
    optimizer: Callable[[nn.Module], torch.optim.Optimizer] = adamw,
    loss: nn.Module | None = None,
    clip: float = 1e6,
    batch_size: int = 8,
    hidden: int = 4,
    layers: int = 1,
    dropout: float = 0.0,
) -> Iterator[Epoch]:
    """Trains for ever, all from torch's global generator, and stops after each epoch to be looked at."""
    torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]))
    outputs = fold.answers.shape[1]
    model = PlainNetwork(fold.rows.shape[1], outputs, hidden=hidden, layers=layers, dropout=dropout)
    steps = optimizer(model)
    loss = loss or nn.MSELoss()
    scale = torch.from_numpy(fold.error_scale)
    x, y = sequences(fold), torch.from_numpy(fold.answers)
    train, valid = torch.from_numpy(fold.train), torch.from_numpy(fold.valid[fold.counted])
    rates = warmed_rates(steps.param_groups[0]["lr"])
    while True:
        model.train()
        order = train[torch.randperm(len(train))]
        for batch in order.tensor_split(-(-len(order) // batch_size)):
            steps.param_groups[0]["lr"] = next(rates)
            steps.zero_grad()
            loss(model(x[:, batch]), y[batch]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), clip)
            steps.step()
        model.eval()
        with torch.no_grad():
            judged = loss(model(x[:, valid]) * scale, y[valid] * scale).item()
        yield Epoch({name: tensor.clone() for name, tensor in model.state_dict().items()}, judged)
