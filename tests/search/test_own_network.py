"""Studies with a network of one's own: those of ours where it is ours, and all that can be done with a finished one."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import tuner
from tests.making import make_small_problem, make_spec, marked, params
from tests.model.test_own import ATTENTION, written
from tests.studies import write_small
from tuner.errors import UserError
from tuner.model.building import adapt
from tuner.search.jobs import Shared, Task
from tuner.spec.sections import FLOAT32
from tuner.terminal.exports import export_networks
from tuner.training.trainer import train_folds

OURS = """
import torch
from torch import nn
from torch.nn import functional as F

class Same(nn.Module):
    def __init__(self, input_size, output_size, hidden_size, num_layers, dropout):
        super().__init__()
        between = dropout if num_layers > 1 else 0.0
        self.rnn = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True, dropout=between)
        self.out = nn.Linear(hidden_size, output_size)
        self.p = dropout

    def forward(self, x):
        return self.out(F.dropout(self.rnn(x)[0][:, -1], self.p, self.training))
"""


@pytest.mark.parametrize("kind", ["forecast", "classify"])
@pytest.mark.parametrize("layers", [1, 2])
def test_an_own_network_equal_to_ours_gives_the_same_outcome(tmp_path, kind, layers) -> None:
    labels = marked(60, (5, 8), (25, 28), (45, 48))
    task = {"task": {"kind": kind}}
    ours = make_spec(**task)
    own, _ = adapt(make_spec(**task, model={"class": written(tmp_path, OURS, "Same")}), 2, 1)
    folds = make_small_problem((60,), labels, **task).folds()
    chosen = params(num_layers=layers, dropout=0.3, input_dropout=0.2, recurrent_dropout=0.3, weight_decay=0.1, l1=1e-3)
    left, right = (train_folds(spec, folds, chosen, stream=(1,)) for spec in (ours, own))
    assert left.curve == right.curve
    assert left.folds == right.folds
    assert (left.weights, left.zeros, left.weight_norm) == (right.weights, right.zeros, right.weight_norm)


def test_a_network_without_biases_and_with_frozen_weights_is_trained(tmp_path) -> None:
    text = """
from torch import nn
def make(input_size, output_size):
    frozen, head = nn.Linear(input_size, 3, bias=False), nn.Linear(12, output_size, bias=False)
    frozen.weight.requires_grad = False
    return nn.Sequential(frozen, nn.Flatten(), head)
"""
    spec, _ = adapt(make_spec(model={"class": written(tmp_path, text, "make")}), 2, 1)
    outcome = train_folds(spec, make_small_problem().folds(), params(weight_decay=1.0, l1=1e-3), stream=(1,))
    assert outcome.state == "complete"


def test_a_source_that_changes_ends_the_run_and_a_network_that_raises_its_trial(tmp_path) -> None:
    raising = ATTENTION.replace("self.heads = heads", "assert n_hidden < 6, 'too wide'")
    spec, _ = adapt(make_spec(model={"class": written(tmp_path, raising, "Attention")}, space={"hidden_size": 5}), 2, 1)
    shared = Shared(spec, make_small_problem().folds(), FLOAT32)
    failed = Task(0, params(hidden_size=6), (0,)).run(shared, lambda _: None)
    assert failed.state == "failed"
    assert "too wide" in failed.reason
    written(tmp_path, raising + "#", "Attention")
    with pytest.raises(UserError, match="has changed"):
        Task(0, params(), (0,)).run(shared, lambda _: None)


@pytest.mark.parametrize("model", ['class = "own.py:Attention"\nargs = {heads = 3}', 'cell = "gru"'])
def test_a_study_of_it_is_run_continued_bundled_and_scored(here, model, capsys) -> None:
    from rich.console import Console

    written(here, ATTENTION, "Attention")
    path = write_small(here)
    path.write_text(path.read_text() + f"\n[model]\n{model}\n")
    first = tuner.run_study(path, trials=2, workers=1)
    again = tuner.run_study(path, trials=4, workers=1)
    assert again.summary.complete + again.summary.pruned == 4
    assert again.trials[0].outcome == first.trials[0].outcome
    store, quiet = f"sqlite:///{here}/studies/studies.db", Console(quiet=True)
    export_networks("small", "best", store, "bundle", here / "bundle", quiet, quiet, force=False)
    scorer = tuner.load(here / "bundle")
    assert all(not network.training for network in scorer._networks)
    frame = pd.DataFrame({"x": np.sin(np.arange(50) / 9)})
    assert scorer.score(frame)["score"].notna().sum() == 44
    if "class" in model:
        with pytest.raises(UserError, match="this network is a class of your own"):
            export_networks("small", "best", store, "onnx", here / "model.onnx", quiet, quiet, force=False)
        written(here, ATTENTION + "#", "Attention")
        for call in (lambda: tuner.run_study(path, trials=5, workers=1), lambda: tuner.load(here / "bundle")):
            with pytest.raises(UserError, match="has changed since the study began"):
                call()


def test_steps_of_an_own_network_begin_from_the_same_weights_for_the_same_stream(tmp_path) -> None:
    spec, _ = adapt(make_spec(model={"class": written(tmp_path, ATTENTION, "Attention")}), 2, 1)
    folds: Any = make_small_problem().folds()
    torch.manual_seed(1)
    once = train_folds(spec, folds, params(dropout=0.2), stream=(3,))
    torch.manual_seed(2)
    assert train_folds(spec, folds, params(dropout=0.2), stream=(3,)).curve == once.curve
