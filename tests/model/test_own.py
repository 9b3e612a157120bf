"""Networks of one's own: what their parameters stand for, what is refused, and ours when they are ours."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.making import make_spec, params
from tuner.errors import UserError
from tuner.model.building import adapt, build_network, predict
from tuner.model.own import describe_own, load_own
from tuner.spec.sections import ModelSection
from tuner.spec.space import Constant

# The dropout LSTM of textbooks.
TEXTBOOK = """
from torch import nn

class LSTMModel(nn.Module):
    def __init__(self, input_size, hidden_size, num_layers, output_size, dropout):
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True, dropout=dropout)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1, :])
"""
# A GRU with attention pooling, which reads no further than each length.
ATTENTION = """
import torch
from torch import nn

class Attention(nn.Module):
    def __init__(self, n_features, num_classes, n_hidden=8, heads=2):
        super().__init__()
        self.heads = heads
        self.gru = nn.GRU(n_features, n_hidden, batch_first=True)
        self.score = nn.Linear(n_hidden, 1)
        self.head = nn.Linear(n_hidden, num_classes)

    def forward(self, x, lengths):
        hidden, _ = self.gru(x)
        late = torch.arange(x.shape[1])[None, :, None] >= lengths[:, None, None]
        weights = self.score(hidden).masked_fill(late, -torch.inf).softmax(dim=1)
        return self.head((weights * hidden).sum(dim=1))
"""
# No recurrent layer at all.
DENSE = """
from torch import nn

def make(input_dim, output_dim):
    return nn.Sequential(nn.Flatten(), nn.Linear(4 * input_dim, output_dim))
"""


def written(folder: Path, text: str, name: str) -> str:
    (folder / "own.py").write_text(text)
    return f"{folder / 'own.py'}:{name}"


def section(reference: str, **args: Any) -> ModelSection:
    return ModelSection.model_validate({"class": reference, "args": args})


def own_spec(reference: str, **args: Any) -> Any:
    return make_spec(model={"class": reference, "args": args})


@pytest.mark.filterwarnings("ignore:dropout option adds dropout")
def test_what_parameters_stand_for_is_told_by_their_names(tmp_path) -> None:
    model = section(written(tmp_path, TEXTBOOK, "LSTMModel"))
    network: Any = build_network(model, 3, 2, params(hidden_size=5, num_layers=2, dropout=0.3))
    assert (network.lstm.input_size, network.lstm.hidden_size, network.lstm.num_layers) == (3, 5, 2)
    assert (network.lstm.dropout, network.fc.out_features) == (0.3, 2)
    assert predict(network, torch.zeros(7, 4, 3)).shape == (4, 2)


def test_other_names_defaults_constants_and_lengths(tmp_path) -> None:
    reference = written(tmp_path, ATTENTION, "Attention")
    network: Any = build_network(section(reference, heads=4), 3, 2, params(hidden_size=5))
    assert (network.gru.hidden_size, network.heads) == (5, 4)
    fixed: Any = build_network(section(reference, n_hidden=7), 3, 2, params(hidden_size=5))
    assert fixed.gru.hidden_size == 7
    assert predict(network, torch.zeros(7, 4, 3)).shape == (4, 2)


def test_dropout_that_no_parameter_takes_acts_from_outside(tmp_path) -> None:
    model = section(written(tmp_path, ATTENTION, "Attention"))
    network, x = build_network(model, 3, 2, params(dropout=0.5)), torch.randn(7, 4, 3)
    assert not torch.equal(predict(network.train(), x), predict(network, x))
    network.eval()
    assert torch.equal(predict(network, x), predict(network, x))


def test_what_cannot_reach_the_network_is_said_and_not_searched(tmp_path) -> None:
    spec, notes = adapt(own_spec(written(tmp_path, ATTENTION, "Attention")), 3, 2)
    assert notes == ("Not searched, because they cannot reach Attention: num_layers.",)
    assert spec.space["num_layers"] == Constant(1)
    assert spec.space["hidden_size"] == make_spec().space["hidden_size"]
    assert spec.space["recurrent_dropout"] == make_spec().space["recurrent_dropout"]
    assert len(str(spec.model.sha256)) == 64
    assert adapt(spec, 3, 2) == (spec, ()), "once adapted it stays"
    spec, (note,) = adapt(own_spec(written(tmp_path, DENSE, "make")), 3, 2)
    assert note.endswith("make: hidden_size, num_layers, input_dropout, recurrent_dropout.")
    assert spec.space["recurrent_dropout"] == Constant(0.0)


def test_a_constant_takes_its_parameter_out_of_the_search(tmp_path) -> None:
    _, (note,) = adapt(own_spec(written(tmp_path, ATTENTION, "Attention"), n_hidden=4), 3, 2)
    assert note.endswith(": hidden_size, num_layers.")


def test_a_changed_source_is_refused(tmp_path) -> None:
    spec, _ = adapt(own_spec(written(tmp_path, ATTENTION, "Attention")), 3, 2)
    written(tmp_path, ATTENTION + "# changed", "Attention")
    with pytest.raises(UserError, match="the source of Attention has changed"):
        build_network(spec.model, 3, 2, params())


def test_a_class_of_a_package_is_found_by_its_module() -> None:
    own = load_own("torch.nn:Linear")
    assert own.make is nn.Linear
    assert own.needs == ("in_features", "out_features")


HEAD = "from torch import nn\nclass M(nn.Module):\n    def __init__(self, input_size, output_size{more}):\n"
BODY = "        super().__init__()\n        self.fc = nn.Linear(input_size, output_size)\n"


def module(forward: str, more: str = "", body: str = BODY) -> str:
    return f"{HEAD.format(more=more)}{body}    def forward(self, x):\n        {forward}\n"


BAD: dict[str, tuple[str, str]] = {
    "a syntax error": ("class M(", "raised SyntaxError"),
    "an import that fails": ("import no_such_thing", "a module that is not there: No module named 'no_such_thing'"),
    "an error in the file": ("1 / 0", "raised ZeroDivisionError: division by zero"),
    "another class": ("class N: pass", "has no `M` available: N"),
    "no class": ("M = 5", "`M` is no class or function"),
    "a constructor that raises": (
        module("return x", body="        raise ValueError('bad')\n"),
        "M raised ValueError: bad",
    ),
    "a parameter that nobody gives": (module("return x", ", heads"), "M needs `heads`, which nobody gives it"),
    "no network": ("def M(): return 5", "M makes a int, not a network"),
    "a forward that raises": (module("raise KeyError('x')"), "M raised KeyError: 'x' it happened in own.py, line 7"),
    "an output a step": (module("return self.fc(x)"), "M gives (3, 4, 1) for (3, 4, 2), where (3, 1) is needed"),
    "no tensor": (module("return {'y': x}"), "M gives dict for (3, 4, 2)"),
    "outputs without a gradient": (module("return self.fc(x[:, -1]).detach()"), "M has nothing to train"),
    "outputs that are no numbers": (module("return self.fc(x[:, -1]) / 0"), "M gives outputs that are not finite"),
    "a GPU": (module("return self.fc(x[:, -1].cuda())"), "M raised"),
}


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_one_message(tmp_path, name) -> None:
    text, says = BAD[name]
    with pytest.raises(UserError) as raised:
        adapt(own_spec(written(tmp_path, text, "M")), 2, 1)
    assert says in f"{raised.value.what} {raised.value.hint}"
    assert raised.value.where.startswith("[model] class")


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("own.py", "names no class"),
        ("own.py:1", "names no class"),
        ("/none/own.py:M", "there is no such file"),
        ("no.such:M", "a module that is not there"),
        ("torch.nn:Lstm", "has no `Lstm`"),
    ],
)
def test_what_cannot_be_found_is_one_message(reference, says) -> None:
    with pytest.raises(UserError, match=says):
        load_own(reference)


def test_a_value_is_no_class() -> None:
    with pytest.raises(UserError, match="is no class or function"):
        describe_own("LSTM", "LSTM", "")
