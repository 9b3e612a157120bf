"""The network: exactly nn.LSTM and nn.Linear with regularisers off, and what each regulariser does when on."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.making import needs_bf16
from tuner.model.dropout import regularise
from tuner.model.lstm import Network

LENGTH, BATCH, FEATURES, HIDDEN, OUTPUTS = 7, 5, 3, 6, 2


def network(num_layers: int = 1, **regularisers: Any) -> Any:
    torch.manual_seed(1)
    return Network(FEATURES, OUTPUTS, hidden_size=HIDDEN, num_layers=num_layers, **regularisers)


def sequences(batch: int = BATCH) -> Tensor:
    return torch.randn(LENGTH, batch, FEATURES, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(("cell", "kind"), [("lstm", nn.LSTM), ("gru", nn.GRU)])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("training", [True, False])
def test_without_regularisers_it_is_a_recurrent_layer_and_a_linear_head(cell, kind, num_layers, training):
    torch.manual_seed(1)
    layer, head = kind(FEATURES, HIDDEN, num_layers), nn.Linear(HIDDEN, OUTPUTS)
    model = network(num_layers, cell=cell).train(training)
    assert torch.equal(model(sequences()), head(layer(sequences())[0][-1]))
    assert {name.partition(".")[0] for name in model.state_dict()} == {cell, "head"}


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("kind", ["dropout", "input_dropout", "recurrent_dropout"])
def test_dropout_acts_in_training_only_whatever_the_layers(num_layers, kind):
    model, plain, x = network(num_layers, **{kind: 0.5}), network(num_layers), sequences()
    assert not torch.equal(model.train()(x), model(x))
    assert torch.equal(model.eval()(x), plain(x))


@pytest.mark.parametrize("num_layers", [1, 2])
def test_dropout_is_that_of_the_lstm_and_then_of_its_last_step(num_layers):
    model, x = network(num_layers, dropout=0.4).train(), sequences()
    torch.manual_seed(1)
    lstm = nn.LSTM(FEATURES, HIDDEN, num_layers, dropout=0.4 if num_layers > 1 else 0.0)
    head = nn.Sequential(nn.Dropout(0.4), nn.Linear(HIDDEN, OUTPUTS))
    torch.manual_seed(3)
    expected = head(lstm(x)[0][-1])
    torch.manual_seed(3)
    assert torch.equal(model(x), expected)


def test_dropout_keeps_the_mean_of_the_last_hidden_vector():
    model, x = network(dropout=0.3).train(), sequences(1).expand(-1, 5_000, -1)
    torch.testing.assert_close(model(x).mean(dim=0), model.eval()(x)[0], atol=0.02, rtol=0)


def test_input_dropout_draws_one_mask_a_sequence():
    model, given = network(input_dropout=0.5).train(), []
    model.lstm.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    x = 1 + sequences(50).abs()
    model(x)
    mask = given[0] / x
    assert torch.equal(mask, mask[:1].expand_as(mask))  # the same at every step
    assert set(mask.flatten().tolist()) == {0.0, 2.0}
    assert len({tuple(columns) for columns in mask[0].tolist()}) == 2**FEATURES  # sequences and columns differ


@pytest.mark.parametrize("num_layers", [1, 2])
def test_recurrent_dropout_is_an_lstm_with_masked_recurrent_weights(num_layers):
    model, x = network(num_layers, recurrent_dropout=0.5).train(), sequences()
    masked = network(num_layers)
    torch.manual_seed(3)
    with torch.no_grad():
        for layer in range(num_layers):
            weight = masked.lstm.get_parameter(f"weight_hh_l{layer}")
            weight.copy_(nn.functional.dropout(weight, 0.5))
    expected = masked(x)
    torch.manual_seed(3)
    assert torch.equal(model(x), expected)


def test_recurrent_dropout_lets_gradients_through_to_kept_weights_only():
    model, x = network(recurrent_dropout=0.5).train(), sequences()
    torch.manual_seed(3)
    kept = nn.functional.dropout(torch.ones(4 * HIDDEN, HIDDEN), 0.5) > 0
    torch.manual_seed(3)
    model(x).sum().backward()
    gradient = model.lstm.weight_hh_l0.grad
    assert isinstance(gradient, Tensor)
    assert torch.equal(gradient != 0, kept)
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_recurrent_dropout_goes_with_dropout_between_layers():
    model, x = network(2, dropout=0.5, recurrent_dropout=0.5).train(), sequences()
    regularise(model, recurrent_dropout=0.5)  # none of the head: what is left acts between the layers
    torch.manual_seed(3)
    both = model(x)
    model.lstm.dropout = 0.0
    torch.manual_seed(3)
    assert not torch.equal(model(x), both)


@needs_bf16
def test_all_regularisers_work_in_bfloat16():
    model = network(2, dropout=0.2, input_dropout=0.2, recurrent_dropout=0.2, normalization="layer").train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(sequences())
    output.float().square().sum().backward()
    assert output.dtype == torch.bfloat16
    assert all(
        p.grad is not None and p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters()
    )


@needs_bf16
def test_bfloat16_is_close_to_single_precision():
    model, x = network(2, recurrent_dropout=0.3).train(), sequences()
    torch.manual_seed(3)
    exact = model(x)
    torch.manual_seed(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = model(x)
    torch.testing.assert_close(rough.float(), exact, atol=0.02, rtol=0)


@pytest.mark.parametrize(("kind", "norm"), [("layer", nn.LayerNorm), ("batch", nn.BatchNorm1d)])
def test_normalization_is_of_the_last_hidden_vector(kind, norm):
    torch.manual_seed(1)
    lstm, norm, head = nn.LSTM(FEATURES, HIDDEN), norm(HIDDEN), nn.Linear(HIDDEN, OUTPUTS)
    model, x = network(normalization=kind), sequences()
    for mode in (True, False, True, False):  # the running statistics of batch normalisation come along
        expected = head(norm.train(mode)(lstm(x)[0][-1]))
        assert torch.equal(model.train(mode)(x), expected)


def test_dropout_comes_after_normalization():
    torch.manual_seed(1)
    lstm = nn.LSTM(FEATURES, HIDDEN)
    tail = nn.Sequential(nn.LayerNorm(HIDDEN), nn.Dropout(0.5), nn.Linear(HIDDEN, OUTPUTS))
    model, x = network(dropout=0.5, normalization="layer"), sequences()
    torch.manual_seed(3)
    expected = tail(lstm(x)[0][-1])
    torch.manual_seed(3)
    assert torch.equal(model(x), expected)


def test_an_unknown_normalization_is_an_error():
    with pytest.raises(KeyError):
        network(normalization="weight")
