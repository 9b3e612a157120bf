"""Scaling inside a network: raw rows in, raw units out, the network's own state as it was."""

import copy
import io

import numpy as np
import pytest
import torch
from torch import nn

from tuner.data.folds import BOUND, Scaling
from tuner.model.lstm import Network
from tuner.training.scaling import scale_inside

INPUTS, ANSWERS = Scaling((1.0, -2.0), (3.0, 0.5)), Scaling((10.0,), (4.0,))


class Reading(nn.Module):
    """Reads the last step that `lengths` tells; like a user's."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2, 1)
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        self.seen.append(x.detach())
        last = x[:, -1] if lengths is None else x[torch.arange(len(x)), lengths - 1]
        out: torch.Tensor = self.head(last)
        return out


def test_a_network_takes_raw_rows_and_answers_in_raw_units() -> None:
    plain = Reading().eval()
    scaled = scale_inside(copy.deepcopy(plain), INPUTS, ANSWERS)
    x = torch.randn(5, 7, 2, dtype=torch.float64)
    expected = plain(torch.from_numpy(INPUTS.inputs(x.numpy()))) * 4 + 10
    torch.testing.assert_close(scaled(x), expected)
    assert type(scaled) is Reading
    assert list(scaled.state_dict()) == list(plain.state_dict())


def test_classes_keep_their_logits_and_ours_takes_batches_first() -> None:
    plain = Network(2, 3, hidden_size=4, num_layers=1).eval()
    scaled = scale_inside(copy.deepcopy(plain), INPUTS, None)
    x = np.random.default_rng(0).normal(size=(5, 7, 2))
    expected = plain(torch.from_numpy(INPUTS.inputs(x)).transpose(0, 1))
    torch.testing.assert_close(scaled(torch.from_numpy(x)), expected)


def test_what_lies_beyond_a_sequence_is_nothing_and_outliers_are_clipped_as_in_training() -> None:
    reading = Reading().eval()
    scaled = scale_inside(reading, INPUTS, None)
    x = torch.full((2, 3, 2), 1e6)
    scaled(x, torch.tensor([1, 3]))
    assert reading.seen[0][0, 1:].abs().max() == 0
    assert reading.seen[0][1].max() == BOUND


def test_it_is_saved_with_its_network() -> None:
    scaled = scale_inside(Reading().eval(), INPUTS, ANSWERS)
    file = io.BytesIO()
    torch.save(scaled, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    x = torch.randn(4, 3, 2)
    torch.testing.assert_close(again(x), scaled(x))


def test_a_network_that_gives_a_tuple_has_its_first_output_scaled() -> None:
    class Both(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, int]:
            return x[:, -1, :1], 3

    scaled = scale_inside(Both(), Scaling((0.0, 0.0), (1.0, 1.0)), ANSWERS)
    output, other = scaled(torch.ones(2, 3, 2))
    assert output.tolist() == [[14.0], [14.0]]
    assert other == pytest.approx(3)
