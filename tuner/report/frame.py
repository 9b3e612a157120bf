"""A study as data frames, which its figures read: trials, folds, epochs, and the points of a regularisation path."""

import math

import pandas as pd

from tuner.results.findings import Findings
from tuner.results.regularisation_path import Path, effect
from tuner.results.selection import Trial, cost_of_runs, fold_values, shrinkage
from tuner.training.outcome import standard_error


def trial_frame(findings: Findings) -> pd.DataFrame:
    """The told trials by number, a row each.

    Columns:
        state: "complete", "pruned" or "failed".
        value: the best mean over folds; NaN for a failed trial.
        incumbent: the value of the best complete trial so far; NaN before there is one.
        repeats: the values of the runs after the first, a tuple.
        fold_epochs: epochs trained, summed over folds.
        effect: what decay and L1 did to the weights up to the best epoch, in words.
        NAME: of each parameter, its value as it is.
    """
    trials, metric = findings.trials, findings.spec.metric
    frame = pd.DataFrame(
        {
            "state": [trial.outcome.state for trial in trials],
            "value": pd.Series([trial.outcome.value for trial in trials], dtype=float),
            "repeats": [tuple(run.value for run in trial.repeats if run.value is not None) for trial in trials],
            "fold_epochs": [trial.outcome.fold_epochs for trial in trials],
            "effect": [
                f"total shrinkage {shrinkage(trial.params, trial.outcome):.3g}, {trial.outcome.zeros:.1%} exact zeros"
                for trial in trials
            ],
            **{name: pd.Series([trial.params[name] for trial in trials], dtype=object) for name in findings.spec.space},
        }
    )
    costs = pd.Series([trial.outcome.cost(metric) for trial in trials], dtype=float)
    costs = costs.where(frame.state == "complete", math.inf)
    leads = costs < costs.cummin().shift(fill_value=math.inf)
    return frame.assign(incumbent=frame.value.where(leads).ffill())


def fold_frame(findings: Findings) -> pd.DataFrame:
    """The study's metric at the best epoch: a column per complete trial, the best first, a row per fold.

    Each is the mean over the trial's runs; NaN for a fold without a value.
    """
    complete = [trial for trial in findings.trials if trial.outcome.state == "complete"]
    ranked = sorted(complete, key=lambda trial: cost_of_runs(findings.spec.metric, trial))
    return pd.DataFrame({trial.number: fold_values(trial) for trial in ranked})


def epoch_frame(trial: Trial) -> pd.DataFrame:
    """The fold curves of a trial, a row per fold and epoch, both counted from 1.

    Columns: fold, epoch, train_loss, valid_loss, metric.
    """
    curves = [pd.DataFrame(vars(curve)) for curve in trial.outcome.folds]
    return pd.concat([curve.assign(fold=fold, epoch=curve.index + 1) for fold, curve in enumerate(curves, 1)])


def path_frame(findings: Findings, path: Path) -> pd.DataFrame:
    """The complete points of a path, weakest value first; none of a path whose values are words.

    Columns:
        value: of the parameter.
        mean: the study's metric, mean over folds.
        se: its standard error; NaN where it is not known.
        train_loss, valid_loss: at the best epoch, means over folds.
        effect: what the value does to the network, in the units of `effect`.
    """
    points = [point for point in path.complete if not isinstance(point.value, str)]
    outcomes = [point.outcome for point in points]
    return pd.DataFrame(
        {
            "value": [float(point.value) for point in points],
            "mean": [outcome.value for outcome in outcomes],
            "se": [standard_error(outcome.at_best("metric"), findings.facts.test_to_train) for outcome in outcomes],
            "train_loss": [outcome.train_loss for outcome in outcomes],
            "valid_loss": [outcome.valid_loss for outcome in outcomes],
            "effect": [effect(path.parameter, outcome)[1] for outcome in outcomes],
        }
    )
