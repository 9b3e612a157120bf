"""Dropout from outside: the same bits as a network that has it built in, on any shape of layer, and nothing at 0."""

import copy
import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

import tuner
from tuner.errors import UserError

LENGTH, BATCH, FEATURES, HIDDEN = 7, 6, 3, 5
ALL = {"input_dropout": 0.3, "recurrent_dropout": 0.4, "dropout": 0.5}
SHAPES: list[dict[str, Any]] = [
    {},
    {"batch_first": True},
    {"num_layers": 2, "dropout": 0.2},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "batch_first": True},
]


class Reader(nn.Module):
    """A recurrent layer, and a linear one on its mean over time."""

    def __init__(self, kind: type[Any] = nn.LSTM, **shape: Any) -> None:
        super().__init__()
        self.rnn = kind(FEATURES, HIDDEN, **shape)
        width = shape.get("proj_size", HIDDEN) * (2 if shape.get("bidirectional") else 1)
        self.fc = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.fc(self.rnn(x)[0].mean(dim=1 if self.rnn.batch_first else 0))
        return output


def reader(kind: type[nn.RNNBase] = nn.LSTM, **shape: Any) -> Reader:
    torch.manual_seed(0)
    return Reader(kind, **shape)


def sequences(batch_first: bool = False) -> Tensor:
    x = 1 + torch.rand(LENGTH, BATCH, FEATURES, generator=torch.Generator().manual_seed(1))
    return x.transpose(0, 1).contiguous() if batch_first else x


def drawn(model: nn.Module, x: Any, seed: int = 2) -> Any:
    torch.manual_seed(seed)
    return model(x)


def inputs_of(layer: nn.Module) -> list[Any]:
    """What the layer is given from now on, after all dropout."""
    given: list[Any] = []
    layer.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    return given


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("shape", [*SHAPES, {"proj_size": 2}])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_it_acts_in_training_alone_and_leaves_class_and_keys(kind, shape) -> None:
    if "proj_size" in shape and kind is not nn.LSTM:
        pytest.skip("torch has projections for LSTMs alone")
    x, plain = sequences(shape.get("batch_first", False)), reader(kind, **shape)
    model = reader(kind, **shape)
    assert tuner.regularise(model, **ALL) is model
    assert type(model) is Reader
    assert list(model.state_dict()) == list(plain.state_dict())
    assert torch.equal(model.eval()(x), plain.eval()(x))
    once, again = drawn(model.train(), x), drawn(model, x)
    assert torch.equal(once, again)
    assert not torch.equal(once, drawn(model, x, seed=3))
    once.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert torch.equal(model.eval()(x), plain(x)), "the weights themselves stay"


@pytest.mark.parametrize("shape", SHAPES)
def test_at_0_it_is_exactly_nothing(shape) -> None:
    x = sequences(shape.get("batch_first", False))
    plain, model = reader(**shape), tuner.regularise(reader(**shape))
    assert torch.equal(drawn(model.train(), x), drawn(plain.train(), x))
    assert not model.rnn._forward_pre_hooks  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("shape", SHAPES)
def test_recurrent_dropout_is_a_layer_with_masked_recurrent_weights(kind, shape) -> None:
    x, model, masked = sequences(shape.get("batch_first", False)), reader(kind, **shape), reader(kind, **shape)
    tuner.regularise(model, recurrent_dropout=0.5)
    torch.manual_seed(2)
    with torch.no_grad():
        for name, weight in masked.rnn.named_parameters():
            if name.startswith("weight_hh"):
                weight.copy_(F.dropout(weight, 0.5))
    expected = masked.train()(x)
    assert torch.equal(drawn(model.train(), x), expected)


@pytest.mark.parametrize("batch_first", [False, True])
def test_input_dropout_draws_one_mask_a_sequence(batch_first) -> None:
    model, x = reader(batch_first=batch_first), sequences(batch_first)
    given = inputs_of(tuner.regularise(model, input_dropout=0.5).rnn)  # type: ignore[arg-type]
    model.train()(x)
    mask = given[0] / x
    time = 1 if batch_first else 0
    assert torch.equal(mask, mask.narrow(time, 0, 1).expand_as(mask))
    assert {round(value, 5) for value in mask.flatten().tolist()} == {0.0, 2.0}
    assert len({tuple(row) for row in mask.select(time, 0).tolist()}) > 1


def test_a_packed_sequence_keeps_its_mask_over_all_of_its_steps() -> None:
    lstm = nn.LSTM(FEATURES, HIDDEN)
    tuner.regularise(lstm, input_dropout=0.5, recurrent_dropout=0.5)
    given = inputs_of(lstm)
    packed = pack_padded_sequence(sequences(), torch.tensor([7, 2, 5, 3, 3, 1]), enforce_sorted=False)
    output, _ = lstm.train()(packed)
    assert isinstance(output, PackedSequence)
    mask, start = given[0].data / packed.data, 0
    for count in packed.batch_sizes:
        assert torch.equal(mask[start : start + count], mask[:count])
        start += int(count)
    assert {round(value, 5) for value in mask.flatten().tolist()} == {0.0, 2.0}
    assert torch.equal(lstm.eval()(packed)[0].data, lstm(packed)[0].data)


def test_one_sequence_without_a_batch_and_a_named_input_are_masked_too() -> None:
    lstm = nn.LSTM(FEATURES, HIDDEN, batch_first=True)
    x, given = 1 + torch.rand(LENGTH, FEATURES), inputs_of(tuner.regularise(lstm, input_dropout=0.5))
    lstm.train()(x)
    mask = given[0] / x
    assert torch.equal(mask, mask[:1].expand_as(mask))
    twin = nn.LSTM(FEATURES, HIDDEN, batch_first=True).train()
    tuner.regularise(twin, input_dropout=0.5)
    torch.manual_seed(2)
    assert torch.equal(twin(input=x)[0], drawn(twin, x)[0])


def test_dropout_comes_before_the_last_linear_layer_alone() -> None:
    model = nn.Sequential(nn.Linear(4, 400), nn.Linear(400, 300))
    first, last = inputs_of(tuner.regularise(model, dropout=0.5)[0]), inputs_of(model[1])  # type: ignore[index]
    x = torch.rand(8, 4)
    model.train()(x)
    assert torch.equal(first[0], x)
    assert 0.4 < (last[0] == 0).float().mean() < 0.6


def test_called_again_the_new_shares_replace_the_old_ones() -> None:
    x, model = sequences(), tuner.regularise(reader(), **ALL)
    assert torch.equal(
        drawn(tuner.regularise(model, dropout=0.2).train(), x),
        drawn(tuner.regularise(reader(), dropout=0.2).train(), x),
    )
    assert torch.equal(tuner.regularise(model)(x), reader().train()(x))


def saved_and_loaded(model: nn.Module) -> Any:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("copied", [copy.deepcopy, saved_and_loaded])
def test_copied_or_saved_with_its_network_it_acts_alike(copied) -> None:
    x, model = sequences(), tuner.regularise(reader(), **ALL).train()
    twin = copied(model)
    assert torch.equal(drawn(twin, x), drawn(model, x))
    tuner.regularise(twin)
    assert torch.equal(twin(x), reader().train()(x))
    assert not torch.equal(model(x), twin(x)), "the original keeps its own"


def test_a_forward_that_fails_leaves_the_weights_alone() -> None:
    model = tuner.regularise(reader(), recurrent_dropout=0.5).train()
    with pytest.raises(RuntimeError):
        model(torch.rand(LENGTH, BATCH, FEATURES + 1))
    assert torch.equal(tuner.regularise(model)(sequences()), reader().train()(sequences()))


@pytest.mark.parametrize(
    ("module", "shares", "says"),
    [
        (nn.LSTM(1, 1), {"dropout": 0.1}, "LSTM has no nn.Linear inside"),
        (nn.Linear(1, 1), {"recurrent_dropout": 0.1}, "Linear has no nn.LSTM, nn.GRU or nn.RNN inside"),
        (nn.MultiheadAttention(4, 1), {"dropout": 0.1}, "no nn.Linear inside"),
        (nn.Linear(1, 1), {"dropout": 1.0}, "`dropout` is 1.0"),
        (nn.Linear(1, 1), {"dropout": float("nan")}, "`dropout` is nan"),
    ],
)
def test_what_cannot_act_is_refused(module, shares, says) -> None:
    with pytest.raises(UserError, match=says):
        tuner.regularise(module, **shares)
