"""The network: input dropout, a stacked LSTM, normalisation and dropout of its last hidden vector, a linear head."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Network(nn.Module):
    """An LSTM read at its last step.

    With every regulariser at 0 it computes exactly `nn.Linear(nn.LSTM(x)[0][-1])`.

    Args:
        features: columns of the input.
        outputs: columns of the output.
        hidden_size: units a layer.
        num_layers: LSTM layers.
        dropout: share of units dropped between layers (each step anew, as `nn.LSTM` does) and before the head.
        input_dropout: share of input columns dropped, one mask a sequence (Gal & Ghahramani, NeurIPS 2016).
        recurrent_dropout: share of hidden-to-hidden weights dropped, one mask a batch (weight-drop, Merity et al.,
            ICLR 2018); none in evaluation.
        normalization: of the last hidden vector: "none", "batch" or "layer".
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        *,
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
        self.lstm = nn.LSTM(features, hidden_size, num_layers, dropout=between)
        kinds = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
        self.norm: nn.Module = kinds[normalization](hidden_size)
        self.head = nn.Linear(hidden_size, outputs)
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.recurrent_dropout = recurrent_dropout

    def forward(self, x: Tensor) -> Tensor:
        """Maps sequences (length, batch, features) to outputs (batch, outputs)."""
        if self.training and self.input_dropout > 0:
            x = x * F.dropout(x.new_ones(1, *x.shape[1:]), self.input_dropout)
        last = self._hidden(x)[-1]
        last = F.dropout(self.norm(last), self.dropout, self.training)
        output: Tensor = self.head(last)
        return output

    def _hidden(self, x: Tensor) -> Tensor:
        if not (self.training and self.recurrent_dropout > 0):
            hidden: Tensor = self.lstm(x)[0]
            return hidden
        lstm = self.lstm
        weights = [
            F.dropout(weight, self.recurrent_dropout) if name.startswith("weight_hh") else weight
            for name, weight in lstm.named_parameters()
        ]
        start = x.new_zeros(lstm.num_layers, x.shape[1], lstm.hidden_size)
        # what nn.LSTM.forward calls, given other weights: the fused kernel is kept
        return torch.lstm(x, (start, start), weights, True, lstm.num_layers, lstm.dropout, True, False, False)[0]
