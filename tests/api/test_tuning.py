"""`tuner.tune` end to end on small samples: what is found, kept, refused, and found again."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, cross_val_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import tuner
from tests.making import refused
from tests.processes import run
from tuner.bundle.archive import FILES
from tuner.bundle.scorer import SampleScorer
from tuner.data.sequences import read_sequences
from tuner.errors import UserError
from tuner.training.scaling import answer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 8, 2))
VALUES = 100 + 10 * X[:, -3:, 0].sum(axis=1)
CLASSES = np.array(["down", "up"])[(X[:, -3:, 0].sum(axis=1) > 0).astype(int)]
pytestmark = pytest.mark.usefixtures("elsewhere")
SMALL: dict[str, Any] = {"trials": 3, "epochs": 3, "cv": 2, "workers": 2, "quiet": True}


class LSTMModel(nn.Module):
    """The textbook's."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int, output_size: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True, dropout=dropout)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.fc(self.lstm(x)[0][:, -1])
        return out


class Told(LSTMModel):
    """One that is told the lengths of its sequences."""

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        steps = self.lstm(x)[0]
        out: torch.Tensor = self.fc(steps[torch.arange(len(x)), lengths - 1])
        return out


def runs_as_it_stands(recipe: str) -> None:
    assert recipe.startswith("model = LSTMModel(")
    names: dict[str, Any] = {
        "torch": torch,
        "tuner": tuner,
        "LSTMModel": LSTMModel,
        "x": torch.from_numpy(X).float(),
        "y": torch.from_numpy(VALUES).float()[:, None],
    }
    exec(recipe, names)  # noqa: S102 (what a user would do)
    loss = nn.functional.mse_loss(names["model"](names["x"]), names["y"])
    loss.backward()  # type: ignore[no-untyped-call]
    names["optimizer"].step()
    names["schedule"].step()
    assert loss.item() < 3  # both are scaled


@pytest.mark.filterwarnings("ignore:dropout option adds dropout")  # torch's, of the user's own one-layer network
def test_values_by_a_network_of_ones_own_from_a_loader() -> None:
    data = TensorDataset(torch.from_numpy(X).float(), torch.from_numpy(VALUES).float())
    found = tuner.tune(DataLoader(data, batch_size=16), model=LSTMModel, **SMALL)
    assert type(found.model) is LSTMModel
    assert not found.model.training
    assert list(found.model.state_dict()) == list(LSTMModel(2, 4, 1, 1, 0.0).state_dict())
    # raw rows in, the answers' own units out
    outputs = found.model(torch.from_numpy(X).float())
    assert outputs.shape == (60, 1)
    assert abs(outputs.mean().item() - VALUES.mean()) < VALUES.std()
    assert set(found.params) >= {"hidden_size", "num_layers", "dropout", "weight_decay", "l1", "learning_rate"}
    assert "normalization" not in found.params
    runs_as_it_stands(found.recipe)
    assert len(found.verdict) == 3
    assert found.report("page.html").stat().st_size > 100_000
    # called again it is found, not searched
    again = tuner.tune(DataLoader(data, batch_size=16), model=LSTMModel, **SMALL)
    assert again.study == found.study
    assert again.summary == found.summary
    torch.testing.assert_close(again.model(torch.from_numpy(X[:3])), found.model(torch.from_numpy(X[:3])))
    # and the other commands know it
    status = subprocess.run([sys.executable, "-m", "tuner.status"], capture_output=True, text=True, check=True)
    assert found.study[:20] in status.stdout
    # the verdict's last sentence ends in a command that does what it says
    next_command = shlex.split(found.verdict[2].partition(": ")[2])
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}  # where this file's classes are found
    done = subprocess.run([sys.executable, *next_command[1:]], capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.filterwarnings("ignore:dropout option adds dropout")
def test_nothing_is_scaled_nor_clipped_where_the_user_does_it() -> None:
    found = tuner.tune(X, VALUES, model=LSTMModel, scale=False, **SMALL)
    plain = LSTMModel(2, int(found.params["hidden_size"]), int(found.params["num_layers"]), 1, 0.0).eval()
    plain.load_state_dict(found.model.state_dict())
    x = torch.from_numpy(1000 * X).float()
    assert torch.equal(found.model(x), plain(x))
    assert found.summary.best is not None
    assert "(x - " not in found.recipe


def test_classes_of_unequal_lengths_by_our_network_and_a_metric_of_scikit_learns() -> None:
    sequences = [x[: RNG.integers(4, 9)] for x in X]
    found = tuner.tune(sequences, CLASSES, metric="balanced_accuracy", **SMALL)
    assert found.classes.tolist() == ["down", "up"]
    assert found.predict(sequences).shape == (60, 2)
    best = found.summary.best
    assert best is not None
    assert 0 <= best.value <= 1
    # a sequence alone, unpadded, is answered as in a batch
    alone = found.model(torch.from_numpy(sequences[0])[None]).detach().numpy()
    np.testing.assert_allclose(alone[0], found.predict(sequences)[0], rtol=1e-4, atol=1e-5)
    # the bundle of its ensemble answers new samples, from Python and by the commands
    scorer = tuner.load(found.save("saved"))
    assert isinstance(scorer, SampleScorer)
    np.testing.assert_array_equal(answer([scorer._networks[0]], read_sequences(sequences), 2), found.predict(sequences))
    assert run(Path(), "export", "--study", found.study, "--bundle", "written").status == 0
    for name in FILES:
        assert Path("saved", name).read_bytes() == Path("written", name).read_bytes()
    np.savez("new.npz", steps=np.concatenate(sequences), lengths=[len(one) for one in sequences])
    done = run(Path(), "score", "--bundle", "written", "--data", "new.npz", "--out", "scores.csv")
    assert (done.status, done.out) == (0, "scores.csv: 60 samples scored\n")
    pd.testing.assert_frame_equal(pd.read_csv("scores.csv"), scorer.score(sequences), check_dtype=False)
    np.savez("wide.npz", X=np.zeros((2, 5, 3)))
    for flags, message in (
        ("score --bundle saved --data new.npz --out x --report y", "samples have no time to draw them by"),
        ("score --bundle saved --data wide.npz --out x", "the sequences have 3 columns, and the network was trained"),
        ("score --bundle saved --data scores.csv --out x", "cannot be read as samples in an .npz file"),
        (f"export --study {found.study} --format onnx --out x", "this network answers samples, not rows"),
    ):
        assert message in " ".join(run(Path(), *flags.split()).refusal.split())
        assert not Path("x").exists()


def test_a_network_that_is_told_lengths() -> None:
    sequences = [x[: 4 + number % 5] for number, x in enumerate(X)]
    found = tuner.tune(sequences, CLASSES, model=Told, **SMALL)
    alone = found.model(torch.from_numpy(sequences[0])[None], torch.tensor([len(sequences[0])])).detach().numpy()
    np.testing.assert_allclose(alone[0], found.predict(sequences)[0], rtol=1e-4, atol=1e-5)


def test_a_loss_and_a_metric_of_ones_own_and_a_splitter() -> None:
    def closeness(truth: np.ndarray, values: np.ndarray) -> float:
        return float(np.abs(truth - values).max())

    groups = np.arange(60) // 4
    own: dict[str, Any] = {"loss": nn.L1Loss(), "metric": closeness, "greater_is_better": False}
    regressor = tuner.LSTMRegressorCV(**own, trials=2, epochs=3, cv=GroupKFold(2), n_jobs=2).fit(
        X, VALUES, groups=groups
    )
    best = regressor.found_.summary.best
    assert best is not None
    assert best.value > 1  # in the units of the answers
    assert regressor.predict(X).shape == (60,)
    # no command has the loss, but what was found has
    refused = run(Path(), "export", "--study", regressor.found_.study, "--bundle", "bundle").refusal
    assert "loss: `L1Loss` was given from Python" in refused
    scorer = tuner.load(regressor.found_.save("bundle"))
    assert isinstance(scorer, SampleScorer)
    assert list(scored := scorer.score(X)) == ["sample", "y"]
    assert abs(scored["y"].mean() - VALUES.mean()) < 3 * VALUES.std()


CELLS = (
    "import numpy as np, torch, tuner",
    """from torch import nn
class Mine(nn.Module):
    def __init__(self, n_features, n_hidden, num_classes):
        super().__init__()
        self.rnn = nn.GRU(n_features, n_hidden, batch_first=True)
        self.out = nn.Linear(n_hidden, num_classes)
    def forward(self, x):
        return self.out(self.rnn(x)[0].mean(dim=1))""",
    """x = np.random.default_rng(0).normal(size=(40, 6, 1))
found = tuner.tune(x, x.mean(axis=(1, 2)) > 0, model=Mine, trials=2, epochs=2, cv=2, workers=2)""",
    """print(type(found.model).__name__, found.study)
print(tuner.load(found.save('bundle'), model=Mine).predict(x).shape)""",
)


def from_a_script(folder: Path) -> list[str]:
    """What the cells print as a script, without a main guard."""
    (folder / "mine.py").write_text("\n".join(CELLS))
    done = subprocess.run([sys.executable, "mine.py"], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def from_a_notebook(folder: Path) -> list[str]:
    """What the last cell prints in a kernel of its own."""
    notebook = new_notebook(cells=list(map(new_code_cell, CELLS)))  # type: ignore[no-untyped-call]
    executed = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    progress = str(executed.cells[2].outputs)
    assert "2 of 2" in progress, "as a terminal shows it"
    return "".join(output.text for output in executed.cells[3].outputs).splitlines()


@pytest.mark.parametrize("lines_from", [from_a_script, from_a_notebook])
def test_a_class_of_a_script_or_a_notebook(tmp_path: Path, lines_from: Callable[[Path], list[str]]) -> None:
    *_, found, shape = lines_from(tmp_path)
    assert found.startswith("Mine Mine-")
    assert shape == "(40, 2)"
    assert "pass it as `model=Mine`" in refused(tuner.load, tmp_path / "bundle").hint


def test_estimators_are_scikit_learns(tmp_path: Path) -> None:
    small: dict[str, Any] = {"trials": 2, "epochs": 20, "cv": 2, "n_jobs": 2}
    classifier = clone(tuner.LSTMClassifierCV(**small))
    assert classifier.get_params()["trials"] == 2
    classifier.fit(X, CLASSES)
    assert classifier.predict_proba(X).sum(axis=1) == pytest.approx(np.ones(60))
    assert set(classifier.predict(X)) <= {"down", "up"}
    assert classifier.score(X, CLASSES) > 0.5
    assert len(classifier.path_) == 2
    # around it, each outer fold is searched by itself
    nested = cross_val_score(classifier, X, CLASSES, cv=2, error_score="raise")
    assert nested.mean() > 0.5
    assert len(list(Path("studies").glob("lstm-*"))) == 3


class Broken(LSTMModel):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"y": VALUES[:-1]}, "y has the shape (59,)"),
        ({"y": np.where(VALUES > 110, np.nan, VALUES)}, "missing or infinite"),
        ({"y": np.array(["a"] * 60)}, "one class only"),
        ({"y": None}, "there are no answers"),
        ({"x": np.zeros((0, 8, 2)), "y": np.zeros(0)}, "no sequences"),
        ({"model": lambda: None}, "a lambda has no name"),
        ({"model": nn.Linear(2, 1)}, "`model` is Linear"),
        ({"model": Broken}, "Broken raised RuntimeError: mat1 and mat2"),
        ({"model": nn.Linear}, "Linear needs"),
        ({"x": [x[: 4 + n % 5] for n, x in enumerate(X)], "model": LSTMModel}, "does not take lengths"),
        ({"groups": []}, "groups has the shape (0,)"),
        ({"groups": np.zeros(60)}, "too few"),
        ({"metric": "acuracy"}, "there is no metric acuracy"),
        ({"metric": 3}, "`metric` is 3"),
        ({"cv": "five"}, "`cv` is 'five'"),
        ({"args": {"width": 3}}, "`args` belongs to"),
        ({"model": LSTMModel, "args": {"act": nn.ReLU()}}, "`args` holds what no file can"),
    ],
)
def test_what_cannot_be_used_is_one_message_and_leaves_nothing(tmp_path: Path, arguments, said) -> None:
    given = {"x": X, "y": VALUES, **SMALL, **arguments}
    assert said in refused(tuner.tune, given.pop("x"), given.pop("y"), **given).what
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_other_data_under_a_name_that_is_taken_are_refused_and_the_first_stay() -> None:
    tuner.tune(X, VALUES, name="mine", **SMALL)
    before = Path("studies/mine/sequences.npz").read_bytes()
    with pytest.raises(UserError, match="other data"):
        tuner.tune(X + 1, VALUES, name="mine", **SMALL)
    with pytest.raises(UserError, match="other data"):
        tuner.tune(X, VALUES, name="mine", groups=np.arange(60) // 2, **SMALL)
    assert Path("studies/mine/sequences.npz").read_bytes() == before
