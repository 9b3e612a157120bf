"""Tunes on the training part of labelled sequences and scores on their test part, which nothing else sees.

Our LSTM and a GRU with attention pooling, each as `tuner.tune` finds it (one network, and the bundle's ensemble),
beside the same network without regularisers but early stopping, and a linear baseline on the padded sequences. Share of
right answers for classes, root mean square error for values; means and deviations over seeds.

Run: python scripts/bench_sequences.py FOLDER [SEEDS] [TRIALS]; FOLDER holds .npz files of steps, lengths, y and split.
"""

import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

import tuner
from tuner.api.found import Found
from tuner.bundle.archive import read_bundle
from tuner.bundle.scorer import SampleScorer
from tuner.data.sequences import read_sequences
from tuner.model.building import build_network
from tuner.results.selection import steps_of_runs
from tuner.spec.space import unregularised
from tuner.training.budget import refit_steps
from tuner.training.scaling import answer, scale_inside
from tuner.training.trainer import refit


class AttentiveGRU(nn.Module):
    """A GRU whose steps are pooled by attention."""

    def __init__(self, input_size: int, hidden_size: int, output_size: int, dropout: float) -> None:
        super().__init__()
        self.gru = nn.GRU(input_size, hidden_size, batch_first=True)
        self.score = nn.Linear(hidden_size, 1)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Maps (batch, time, columns) and (batch,) to (batch, outputs)."""
        steps = self.gru(x)[0]
        scores = self.score(steps).squeeze(-1)
        scores = scores.masked_fill(torch.arange(steps.shape[1]) >= lengths[:, None], -torch.inf)
        output: Tensor = self.out(self.dropout((scores.softmax(dim=1)[..., None] * steps).sum(dim=1)))
        return output


Sequences = list[np.ndarray]


def without_regularisers(found: Found, x: Sequences) -> np.ndarray:
    """The outputs of the least regularised configuration, refitted for the steps that were best in cross-validation."""
    prepared = found._prepared
    trial = next(trial for trial in found.trials if trial.params == unregularised(prepared.spec.space))
    data = prepared.problem.whole()
    steps = refit_steps(steps_of_runs(trial), prepared.folds, data)
    network = build_network(prepared.spec.model, *prepared.widths, trial.params)
    fitted = refit(prepared.spec, data, trial.params, steps=steps, repeat=0)
    network.load_state_dict({name: torch.from_numpy(weights) for name, weights in fitted.weights.items()})
    return answer([scale_inside(network.eval(), data.features, data.targets)], read_sequences(x), prepared.widths[0])


def linear(x: Sequences, y: np.ndarray, new: Sequences) -> np.ndarray:
    """What a linear model on standardised, padded sequences predicts, its penalty chosen by cross-validation."""
    longest = max(map(len, [*x, *new]))
    flat, flat_new = (
        np.stack([np.pad(one, ((0, longest - len(one)), (0, 0))).ravel() for one in some]) for some in (x, new)
    )
    penalties = np.logspace(-3, 3, 7)
    model = RidgeCV(penalties) if y.dtype.kind == "f" else LogisticRegressionCV(Cs=penalties, cv=5, max_iter=200)
    predicted: np.ndarray = make_pipeline(StandardScaler(), model).fit(flat, y).predict(flat_new)
    return predicted


def main(folder: str, seeds: int = 5, trials: int = 12) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(f"{trials} trials; mean ± deviation over {seeds} seeds, on the test part")
    for path in sorted(Path(folder).glob("*.npz")):
        with np.load(path) as file:
            x = np.split(file["steps"].astype(np.float64), np.cumsum(file["lengths"])[:-1])
            y, training = file["y"], file["split"] == "train"
        y = y.astype(np.float64) if y.dtype.kind == "f" else y
        train, test = ([one for one, is_in in zip(x, side, strict=True) if is_in] for side in (training, ~training))

        def judge(predicted: np.ndarray, truth: np.ndarray = y[~training]) -> float:
            right = predicted == truth if truth.dtype.kind != "f" else (predicted - truth) ** 2
            return float(np.mean(right) if truth.dtype.kind != "f" else np.sqrt(np.mean(right)))

        print(f"{path.stem}: linear {judge(linear(train, y[training], test)):.4f}", flush=True)
        for name, model in (("LSTM", None), ("attentive GRU", AttentiveGRU)):
            figures: dict[str, list[float]] = {"no regularisers": [], "tuned": [], "tuned, ensemble": []}
            for seed in range(seeds):
                with TemporaryDirectory() as place:
                    found = tuner.tune(
                        train,
                        y[training],
                        model=model,
                        seed=seed,
                        holdout=0,
                        trials=trials,
                        quiet=True,
                        name=f"{path.stem}-{name.replace(' ', '-')}-{seed}",
                        storage=f"sqlite:///{place}/studies.db",
                    )
                    scorer = SampleScorer(read_bundle(found.save(f"{place}/bundle"), model))
                outputs = without_regularisers(found, test), found.predict(test), scorer.predict(test)
                for values, output in zip(figures.values(), outputs, strict=True):
                    values.append(judge(found.classes[output.argmax(axis=1)] if len(found.classes) else output[:, 0]))
            said = ", ".join(f"{what} {np.mean(v):.4f} ± {np.std(v, ddof=1):.4f}" for what, v in figures.items())
            print(f"{path.stem}: {name}: {said}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
