"""Does regularisation pay on rows that the search never saw? Run: python scripts/bench_regularised.py [STUDY]

Takes the best configuration of a finished study and the same network with its regularisers at their least. Both are
refitted on all rows before the holdout, five times from paired random streams, and judged on the holdout. The
reference is given two lengths: stopped where cross-validation stops it (early stopping is a regulariser too), and the
full number of epochs. Printed: means, and the paired difference with its 95 % t interval over the five seeds.
"""

import sys
from collections.abc import Mapping

import numpy as np
import torch
from scipy import stats
from sklearn.metrics import average_precision_score

from tuner.evaluation.detection import scaled_errors
from tuner.evaluation.losses import window_losses
from tuner.search.study import Prepared, findings, prepare
from tuner.spec.sections import Precision
from tuner.spec.space import PARAMETERS, Value, unregularised
from tuner.storage.store import Store
from tuner.terminal import DEFAULT_STORAGE
from tuner.training.trainer import refit, train_folds

SEEDS = 5


def on_holdout(
    prepared: Prepared, params: Mapping[str, Value], steps: int, precision: Precision
) -> dict[str, list[float]]:
    """Holdout loss, and average precision where there are labels, of each refit."""
    data = prepared.problem.refit()
    found: dict[str, list[float]] = {"loss": []}
    for repeat in range(SEEDS):
        refitted = refit(prepared.spec, data, params, steps=steps, repeat=repeat, precision=precision)
        found["loss"].append(float(window_losses(data, refitted.outputs)[data.counted].mean()))
        if data.labels is not None and data.labels[data.valid].any():
            scores = refitted.outputs[:, 0]
            if refitted.residual is not None:
                scores = scaled_errors(refitted.outputs - data.answers[data.valid], refitted.residual)
            value = average_precision_score(data.labels[data.valid], scores)
            found.setdefault("average precision", []).append(float(value))
    return found


def interval(differences: np.ndarray) -> str:
    """Mean and 95 % t interval."""
    middle, error = differences.mean(), stats.sem(differences)
    half = stats.t.ppf(0.975, len(differences) - 1) * error
    return f"{middle:+.4f} [{middle - half:+.4f}, {middle + half:+.4f}]"


def main() -> None:
    torch.set_num_threads(1)
    store = Store(DEFAULT_STORAGE, create=False)
    study = findings(store.open(sys.argv[1] if len(sys.argv) > 1 else "anomaly"))
    store.close()
    if study.summary.best is None:
        sys.exit("no trial has completed yet")
    best, precision = study.summary.best.trial, study.facts.precision
    prepared = prepare(study.spec)
    least = unregularised(study.spec.space)
    bare = {name: least[name] if PARAMETERS[name].regularises else value for name, value in best.params.items()}
    crossed = train_folds(study.spec, prepared.folds, bare, stream=(best.number,), precision=precision)
    per_epoch = crossed.steps / crossed.best_epoch
    print(f"{study.spec.study.name}: trial {best.number}, {len(prepared.problem.split.holdout)} holdout windows")
    print(f"cross-validated {study.spec.study.metric}: best {best.outcome.value:.4f}, reference {crossed.value:.4f}")
    ours = on_holdout(prepared, best.params, round(best.outcome.steps), precision)
    for label, steps in (
        (f"stopped by cross-validation, {crossed.steps:.0f} steps", round(crossed.steps)),
        (f"all {study.spec.train.epochs} epochs", round(per_epoch * study.spec.train.epochs)),
    ):
        theirs = on_holdout(prepared, bare, steps, precision)
        print(f"reference {label}:")
        for metric, values in ours.items():
            difference = interval(np.array(values) - np.array(theirs[metric]))
            print(
                f"  holdout {metric}: best {np.mean(values):.4f}, reference {np.mean(theirs[metric]):.4f}; "
                f"difference {difference}"
            )


if __name__ == "__main__":
    main()
