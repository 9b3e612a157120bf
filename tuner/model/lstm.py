"""The network: stacked LSTM or GRU cells, normalisation and dropout of their last hidden vector, a linear head."""

from typing import Literal

import torch
from torch import Tensor, nn

from tuner.model.dropout import regularise


class Network(nn.Module):
    """An LSTM, or a GRU, read at its last step.

    With every regulariser at 0 it computes exactly `nn.Linear(nn.LSTM(x)[0][-1])`.

    Args:
        features: columns of the input.
        outputs: columns of the output.
        cell: "lstm", or "gru" (Cho et al., EMNLP 2014).
        hidden_size: units a layer.
        num_layers: of cells.
        dropout: share of units dropped between layers (each step anew, as `nn.LSTM` does) and before the head.
        input_dropout: share of input columns dropped, one mask a sequence.
        recurrent_dropout: share of hidden-to-hidden weights dropped, one mask a batch.
        normalization: of the last hidden vector: "none", "batch" or "layer".
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        *,
        cell: Literal["lstm", "gru"] = "lstm",
        hidden_size: int,
        num_layers: int,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        normalization: str = "none",
    ) -> None:
        super().__init__()
        # nn.LSTM warns of dropout that one layer has no place for; the head's dropout acts all the same
        between = dropout if num_layers > 1 else 0.0
        make = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
        self.cell = cell
        self.add_module(cell, make(features, hidden_size, num_layers, dropout=between))
        kinds = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
        self.norm: nn.Module = kinds[normalization](hidden_size)
        self.head = nn.Linear(hidden_size, outputs)
        regularise(self, input_dropout, recurrent_dropout, dropout)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Maps sequences (length, batch, features) to outputs (batch, outputs).

        What follows after a sequence's own steps, as told by `lengths`, (batch,), is never looked at.
        """
        steps = getattr(self, self.cell)(x)[0]
        last = steps[-1] if lengths is None else steps[lengths - 1, torch.arange(x.shape[1], device=x.device)]
        output: Tensor = self.head(self.norm(last))
        return output
