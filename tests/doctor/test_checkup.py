"""The check-up: each planted fault is found, and healthy networks of many shapes raise no alarm."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.model_selection import KFold, StratifiedKFold
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader, Dataset, TensorDataset

import tuner
from tests.data.test_overlap import cut, walk
from tuner.errors import UserError

TIME, COLUMNS = 12, 3
X = torch.randn(60, TIME, COLUMNS, generator=torch.Generator().manual_seed(0))
Y = torch.arange(60) % 3


class Reader(nn.Module):
    """A network of one layer that reads sequences, and a head; `read` joins them."""

    def __init__(self, read: Callable[..., Tensor], layer: nn.Module, outputs: int = 3, width: int = 8) -> None:
        super().__init__()
        self.layer, self.head, self.drop, self.read = layer, nn.Linear(width, outputs), nn.Dropout(0.3), read

    def forward(self, x: Tensor, *more: Any) -> Tensor:
        return self.read(self, x, *more)


def last(self: Any, x: Tensor) -> Tensor:
    return self.head(self.drop(self.layer(x)[0][:, -1]))  # type: ignore[no-any-return]


def mean(self: Any, x: Tensor) -> Tensor:
    return self.head(self.drop(self.layer(x)[0].mean(dim=1)))  # type: ignore[no-any-return]


def time_first(self: Any, x: Tensor) -> Tensor:
    return self.head(self.drop(self.layer(x.transpose(0, 1))[0][-1]))  # type: ignore[no-any-return]


def every_step(self: Any, x: Tensor) -> Tensor:
    return self.head(self.drop(self.layer(x)[0])).transpose(1, 2)  # type: ignore[no-any-return]


def attention(self: Any, x: Tensor) -> Tensor:
    hidden = self.layer(x)[0]
    weights = torch.softmax(self.drop(hidden).sum(dim=2, keepdim=True), dim=1)
    return self.head((weights * hidden).sum(dim=1))  # type: ignore[no-any-return]


def packed(self: Any, x: Tensor, lengths: Tensor) -> Tensor:
    output, _ = self.layer(pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False))
    return self.head(self.drop(pad_packed_sequence(output, batch_first=True)[0].mean(dim=1)))  # type: ignore[no-any-return]


def convolved(self: Any, x: Tensor) -> Tensor:
    return self.head(self.drop(self.layer(x.transpose(1, 2)).mean(dim=2)))  # type: ignore[no-any-return]


def whole(self: Any, x: Tensor) -> Tensor:
    return self.head(self.drop(self.layer(x)))  # type: ignore[no-any-return]


def pooled(self: Any, x: Tensor) -> Tensor:
    return self.head(self.drop(self.layer(x).mean(dim=1)))  # type: ignore[no-any-return]


def with_its_state(self: Any, x: Tensor) -> Any:
    output, state = self.layer(x)
    return self.head(self.drop(output[:, -1])), state


def softmax(self: Any, x: Tensor) -> Tensor:
    return torch.log_softmax(last(self, x), dim=1)


def rnn(kind: Any = nn.LSTM, **shape: Any) -> nn.Module:
    shape = {"batch_first": True, "hidden_size": 8, **shape}
    layer: nn.Module = kind(COLUMNS, **shape)
    return layer


def transformer() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.Sequential(nn.Linear(COLUMNS, 8), nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))


HEALTHY: dict[str, Callable[[], nn.Module]] = {
    "LSTM": lambda: Reader(last, rnn()),
    "GRU": lambda: Reader(last, rnn(nn.GRU)),
    "RNN": lambda: Reader(last, rnn(nn.RNN)),
    "two layers with dropout": lambda: Reader(last, rnn(num_layers=2, dropout=0.3)),
    "both directions": lambda: Reader(mean, rnn(bidirectional=True), width=16),
    "both directions, last step": lambda: Reader(last, rnn(bidirectional=True), width=16),
    "mean over time": lambda: Reader(mean, rnn()),
    "time first": lambda: Reader(time_first, rnn(batch_first=False)),
    "an output a step": lambda: Reader(every_step, rnn()),
    "attention": lambda: Reader(attention, rnn(nn.GRU)),
    "convolution": lambda: Reader(convolved, nn.Conv1d(COLUMNS, 8, 3)),
    "convolution, normalised": lambda: Reader(convolved, nn.Sequential(nn.Conv1d(COLUMNS, 8, 3), nn.BatchNorm1d(8))),
    "dense": lambda: Reader(whole, nn.Sequential(nn.Flatten(), nn.Linear(TIME * COLUMNS, 8), nn.ReLU())),
    "dense by step": lambda: Reader(pooled, nn.Sequential(nn.Linear(COLUMNS, 8), nn.LayerNorm(8), nn.GELU())),
    "transformer": lambda: Reader(pooled, transformer()),
    "returns its state": lambda: Reader(with_its_state, rnn()),
    "logarithms of probabilities": lambda: Reader(softmax, rnn()),
    "weights normalised": lambda: Reader(last, nn.utils.parametrizations.weight_norm(rnn(), "weight_hh_l0")),
    "one output": lambda: Reader(last, rnn(), outputs=1),
    "regularised from outside": lambda: tuner.regularise(Reader(last, rnn()), 0.2, 0.2, 0.2),
    "trained": lambda: trained(Reader(last, rnn())),
    "in evaluation mode": lambda: Reader(last, rnn()).eval(),
}


def trained(model: nn.Module) -> nn.Module:
    F.cross_entropy(model(X), Y).backward()  # type: ignore[no-untyped-call]
    return model


def grouped(model: nn.Module, decay: float = 0.5) -> torch.optim.Optimizer:
    """AdamW that decays matrices alone."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}])


def loader(x: Tensor = X, y: Tensor = Y) -> Any:
    return DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_networks_raise_no_alarm_and_stay_as_they_are(name) -> None:
    model = HEALTHY[name]()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    mode, state = model.training, torch.get_rng_state()
    found = tuner.check(
        model,
        loader(),
        loader(torch.randn(40, TIME, COLUMNS, generator=torch.Generator().manual_seed(1)), Y[:40]),
        loss=nn.BCEWithLogitsLoss() if name == "one output" else nn.CrossEntropyLoss(),
        optimizer=grouped(model),
        epochs=30,
        cv=StratifiedKFold(5),
    )
    assert found == []
    assert found.skipped == ()
    assert model.training == mode
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_what_needs_an_argument_is_said_not_to_be_looked_for() -> None:
    found = tuner.check(Reader(last, rnn()), (X, Y))
    assert found == []
    assert [word in str(found) for word in ("`valid`", "`loss`", "`optimizer`", "`epochs`", "`cv`")] == [True] * 5
    assert str(found).startswith("No mistake found.")


class Padded(Dataset[Any]):
    """Sequences of unequal lengths, padded, with their lengths."""

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, number: int) -> tuple[Tensor, int, int]:
        length = 2 + number % (TIME - 2)
        x = X[number].clone()
        x[length:] = 0
        return x, length, int(Y[number])


def test_a_network_that_takes_lengths_is_given_them() -> None:
    assert tuner.check(Reader(packed, rnn()), Padded()) == []


def carried(self: Any, x: Tensor) -> Tensor:
    output, state = self.layer(x, getattr(self, "state", None))
    self.state = tuple(part.detach() for part in state)
    return self.head(self.drop(output[:, -1]))  # type: ignore[no-any-return]


def carried_with_its_graph(self: Any, x: Tensor) -> Tensor:
    output, self.state = self.layer(x, getattr(self, "state", None))
    return self.head(self.drop(output[:, -1]))  # type: ignore[no-any-return]


def carried_in_training(self: Any, x: Tensor) -> Tensor:
    return carried(self, x) if self.training else last(self, x)


def used_before(model: nn.Module) -> nn.Module:
    model(X)
    return model


FAULTS: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "batch_first forgotten": ("mixed_samples", lambda: Reader(last, rnn(batch_first=False))),
    "batch_first forgotten, by its steps": ("one_step_read", lambda: Reader(last, rnn(batch_first=False))),
    "first dimension not the batch": (
        "mixed_samples",
        lambda: Reader(lambda self, x: self.head(self.drop(self.layer(x)[0][-1])), rnn(batch_first=False)),
    ),
    "normalised over the batch": (
        "mixed_samples",
        lambda: Reader(convolved, nn.Sequential(nn.Conv1d(3, 8, 3), nn.BatchNorm1d(8, track_running_stats=False))),
    ),
    "dropout of one layer": ("dead_dropout", lambda: Reader(last, quiet(dropout=0.5))),
    "dropout never called": (
        "dead_dropout",
        lambda: Reader(lambda self, x: self.head(self.layer(x)[0][:, -1]), rnn()),
    ),
    "first step read": (
        "one_step_read",
        lambda: Reader(lambda self, x: self.head(self.drop(self.layer(x)[0][:, 0])), rnn()),
    ),
    "detached": ("no_step_read", lambda: Reader(lambda self, x: last(self, x.detach()), rnn())),
    "dropout always on": (
        "random_evaluation",
        lambda: Reader(lambda self, x: self.head(F.dropout(self.drop(self.layer(x)[0][:, -1]))), rnn()),
    ),
    "a state carried": ("carried_state", lambda: Reader(carried, rnn())),
    "a state carried in training": ("carried_state", lambda: Reader(carried_in_training, rnn())),
    "a state with its graph": ("carried_state", lambda: used_before(Reader(carried_with_its_graph, rnn()))),
}


def quiet(**shape: Any) -> nn.Module:
    layer = rnn()
    for name, value in shape.items():
        setattr(layer, name, value)
    return layer


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_network_is_found(name) -> None:
    code, make = FAULTS[name]
    found = {each.code: each for each in tuner.check(make(), (X, Y))}
    assert code in found
    assert found[code].said.endswith(".")
    assert found[code].hint


@pytest.mark.parametrize(
    ("activation", "loss", "code", "outputs"),
    [
        (lambda x: x.softmax(dim=1), nn.CrossEntropyLoss(), "softmax_before_loss", 3),
        (lambda x: x.softmax(dim=1), F.cross_entropy, "softmax_before_loss", 3),
        (torch.sigmoid, nn.BCEWithLogitsLoss(), "sigmoid_before_loss", 1),
        (lambda x: x.sigmoid().squeeze(-1), F.binary_cross_entropy_with_logits, "sigmoid_before_loss", 1),
        (lambda x: x.softmax(dim=1), nn.NLLLoss(), None, 3),
        (torch.sigmoid, nn.BCELoss(), None, 1),
    ],
)
def test_an_activation_that_the_loss_applies_again_is_found(activation, loss, code, outputs) -> None:
    model = Reader(lambda self, x: activation(last(self, x)), rnn(), outputs)
    assert [each.code for each in tuner.check(model, (X, Y), loss=loss)] == ([code] if code else [])


def healthy() -> nn.Module:
    return Reader(last, rnn())


def test_windows_shared_by_training_and_validation_are_counted() -> None:
    windows = cut(walk(200, COLUMNS), TIME)
    order = np.random.default_rng(0).permutation(len(windows))
    (found,) = tuner.check(healthy(), windows[order[:150]], windows[order[150:]])
    assert found.code == "shared_rows"
    assert found.said.startswith("39 of 39 validation sequences")
    assert tuner.check(healthy(), windows[:100], windows[100 + TIME :]) == []


@pytest.mark.parametrize(
    "scaled", [lambda x: (x - x.mean(0)) / x.std(0), lambda x: (x - x.min(0)) / (x.max(0) - x.min(0))]
)
def test_validation_data_scaled_by_themselves_are_found(scaled) -> None:
    train, valid = walk(400, COLUMNS), walk(200, COLUMNS, seed=3)
    cuts = [cut(scaled(part), TIME)[:-1] for part in (train, valid)]
    assert [each.code for each in tuner.check(healthy(), *cuts)] == ["own_statistics"]
    if scaled(train).min() < 0:
        afterwards = [
            scaled(cut(part, TIME).reshape(-1, COLUMNS)).reshape(-1, TIME, COLUMNS) for part in (train, valid)
        ]
        assert [each.code for each in tuner.check(healthy(), *afterwards)] == ["own_statistics"]
    mean, deviation = train.mean(0), train.std(0)
    assert tuner.check(healthy(), *(cut((part - mean) / deviation, TIME) for part in (train, valid))) == []


def test_sequences_scaled_one_by_one_are_as_usual() -> None:
    x = (X - X.mean(dim=1, keepdim=True)) / X.std(dim=1, keepdim=True, unbiased=False)
    assert tuner.check(healthy(), x[:40], x[40:]) == []


@pytest.mark.parametrize(
    ("make", "codes"),
    [
        (lambda p: torch.optim.AdamW(p), ["decayed_biases", "weak_decay"]),
        (lambda p: torch.optim.AdamW(p, weight_decay=5.0), ["decayed_biases"]),
        (lambda p: torch.optim.Adam(p, weight_decay=5.0), ["decayed_biases", "l2_not_decay"]),
        (lambda p: tuner.ProximalL1(torch.optim.Adam(p, weight_decay=5.0), 0.1), ["decayed_biases", "l2_not_decay"]),
        (lambda p: torch.optim.Adam(p), []),
        (lambda p: torch.optim.SGD(p, lr=0.1), []),
    ],
)
def test_faults_of_the_optimiser_are_found(make, codes) -> None:
    model = healthy()
    found = tuner.check(model, loader(), optimizer=make(model.parameters()), epochs=10)
    assert [each.code for each in found] == codes


@pytest.mark.parametrize(
    ("y", "cv", "says"),
    [
        (np.sort(Y.numpy()), KFold(3), "Fold 1 has no training sequence of class 0, of which there are 20."),
        (np.array(["a"] * 58 + ["b"] * 2), StratifiedKFold(5), "no validation sequence of class b"),
        (np.array(["a"] * 58 + ["b"] * 2), 5, "no validation sequence of class b"),
        (np.arange(60.0), KFold(3), None),
    ],
)
def test_a_class_that_a_fold_lacks_is_found(y, cv, says) -> None:
    found = tuner.check(healthy(), (X, y), cv=cv)
    assert [each.code for each in found] == (["absent_class"] if says else [])
    assert says is None or says in found[0].said


def named(self: Any, x: Tensor) -> Any:
    return {"y": x}


def raises(self: Any, x: Tensor) -> Tensor:
    raise RuntimeError("no such thing")


@pytest.mark.parametrize(
    ("model", "train", "options", "says"),
    [
        (Reader, X, {}, "is not a network"),
        (lambda x: x, X, {}, "is not a network"),
        (Reader(raises, rnn()), X, {}, "it raised RuntimeError: no such thing"),
        (Reader(last, nn.LSTM(5, 8, batch_first=True)), X, {}, "it raised RuntimeError"),
        (Reader(named, rnn()), X, {}, "its output is a dict"),
        (Reader(last, rnn()), X, {"valid": X[:, :, :1]}, "validation ones 1"),
        (Reader(last, rnn()), (X, Y), {"cv": 61}, "these folds cannot be made"),
        (Reader(last, rnn()), (X, Y[:5]), {"cv": 3}, "y has the shape (5,)"),
    ],
)
def test_what_cannot_be_examined_is_one_message(model, train, options, says) -> None:
    with pytest.raises(UserError) as raised:
        tuner.check(model, train, **options)
    assert says in raised.value.what
