"""Baselines without a network, on the windows that a network sees: what it must beat to be worth its while."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tuner.data.folds import FoldData, Problem
from tuner.data.seasonality import as_signals, find_rhythm
from tuner.data.series import Floats, Ints
from tuner.evaluation.detection import Scores, choose_threshold, root_mean_square, scaled_errors
from tuner.evaluation.holdout import Contender
from tuner.evaluation.losses import cross_entropy, window_losses
from tuner.evaluation.sample_scores import SampleMetric, find_sample_metric, judge_outputs, raw
from tuner.spec.sections import Flagging, Spec

# PCA and the regression take seconds with so many windows and columns at most; evenly spaced ones are left.
MOST_WINDOWS = 10_000
MOST_COLUMNS = 500
# Of logits that stand for a class without training samples.
MOST_LOGIT = 20.0
# That a ridge regression of standardised rows chooses among, by leave-one-out.
PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0)
# Of the windows' variance, what the principal components keep.
KEPT_VARIANCE = 0.9


@dataclass(frozen=True)
class Baseline:
    """A reference: "persistence" (nothing changes) or "base rate" (every window alike), and its value."""

    name: str
    value: float


# Fitted on the training windows of its data: losses (m,) of the others, in the units of the network's, None where there
# is none like it; and scores (m,), higher where more anomalous.
Fit = Callable[[FoldData], tuple[Floats | None, Scores]]


def find_baselines(problem: Problem) -> dict[str, Fit]:
    """The baselines of a task by name.

    A forecast has one naive one: persistence or, where the rows before the holdout repeat themselves and it errs
    less on them, the value a period ago. Where there are labels, there is the reconstruction error of a PCA; where they
    are learnt, a logistic regression too.
    """
    baselines: dict[str, Fit] = {}
    if problem.persistence is not None:
        name, forecast = _naive(problem, problem.persistence)
        baselines[name] = lambda data: _score_forecast(data, forecast)
    if problem.labels is not None:
        baselines["PCA"] = lambda data: _reconstruct(problem, data)
    if problem.classify and problem.labels is not None:
        baselines["logistic regression"] = lambda data: _regress(problem, data)
    return baselines


def score_baselines(problem: Problem, folds: Sequence[FoldData], data: FoldData, flagging: Flagging) -> list[Contender]:
    """All baselines on the validation windows of `data`; like a network, each has a threshold that its folds chose."""
    contenders = []
    for name, fit in find_baselines(problem).items():
        (losses, scores), threshold = fit(data), None
        labels = [fold.labels[fold.valid] for fold in folds if fold.labels is not None]
        if any(part.any() for part in labels):
            out_of_fold = np.concatenate([fit(fold)[1] for fold in folds])
            threshold = choose_threshold(out_of_fold, np.concatenate(labels), flagging)
        contenders.append(Contender(name, None, None if losses is None else losses[None], scores[None], threshold))
    return contenders


def score_linear(
    problem: Problem, data: FoldData, metric: SampleMetric | None, loss: Callable[..., Any] | None
) -> Contender:
    """A linear model of samples, of all their rows, on the validation samples of `data`."""
    from sklearn.linear_model import LogisticRegression, RidgeCV

    x, y = _flat(problem, data, _spaced(data.train)), data.answers[_spaced(data.train)]
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence, which it need not reach
        if data.has_classes:
            model = LogisticRegression(max_iter=200).fit(x, y.argmax(axis=1), sample_weight=y.max(axis=1))
            found = model.decision_function(_flat(problem, data, data.valid)).astype(np.float64)
            logits = np.full((len(found), y.shape[1]), -MOST_LOGIT)  # of a class that is not there to learn
            logits[:, model.classes_] = found if found.ndim > 1 else np.stack([np.zeros_like(found), found], axis=1)
            outputs = logits
        else:
            outputs = RidgeCV(PENALTIES).fit(x, y).predict(_flat(problem, data, data.valid)).reshape(-1, y.shape[1])
    name = "logistic regression" if data.has_classes else "ridge regression"
    judged = None if metric is None else raw(data, outputs)[None]
    return Contender(name, None, window_losses(data, outputs, loss)[None], np.zeros((1, len(outputs))), None, judged)


def _naive(problem: Problem, persistence: Floats) -> tuple[str, Floats]:
    """The best naive forecast on the rows before the holdout: its name and, unscaled, (windows, outputs)."""
    windows, development = problem.windows, problem.split.development
    jumps = np.flatnonzero((np.diff(development) != 1) | (np.diff(windows.series[development]) != 0)) + 1
    signals = as_signals([problem.answers[part] for part in np.split(development, jumps)])
    forecasts = [("persistence", persistence)]
    for period in find_rhythm(signals).periods if signals else ():
        # back by whole periods, as few as end in a row already seen
        earlier = np.arange(len(windows)) - period * -(-windows.horizon // period)
        known = (earlier >= 0) & (windows.series[earlier] == windows.series)
        forecasts.append(("seasonal naive", np.where(known[:, None], problem.answers[earlier], persistence)))
    train, *_ = problem.learnt(problem.split.last)
    return min(
        forecasts, key=lambda named: float(np.mean(np.square((named[1] - problem.answers)[train] / problem.unit)))
    )


def _score_forecast(data: FoldData, forecast: Floats) -> tuple[Floats, Scores]:
    errors = _errors(data, forecast)
    scores = scaled_errors(errors[data.valid], root_mean_square(errors[data.train]))
    return np.mean(np.square(errors[data.valid]), axis=1), scores


def _errors(data: FoldData, forecast: Floats) -> Floats:
    """The errors, (windows, outputs), of an unscaled forecast, in the study's unit."""
    assert data.targets is not None  # noqa: S101 (forecasts only)
    return (data.targets.apply(forecast) - data.answers) * data.error_scale


def _reconstruct(problem: Problem, data: FoldData) -> tuple[None, Scores]:
    """The root mean squared reconstruction error of windows that end in the row they answer (Sub-PCA in TSB-AD)."""
    from sklearn.decomposition import PCA

    with threadpool_limits(1):
        pca = PCA(KEPT_VARIANCE).fit(_flat(problem, data, _spaced(data.train)))
        windows = _flat(problem, data, data.valid)
        errors = windows - pca.inverse_transform(pca.transform(windows))
    return None, np.sqrt(np.mean(np.square(errors, dtype=np.float64), axis=1))


def _regress(problem: Problem, data: FoldData) -> tuple[Floats, Scores]:
    """A logistic regression with an L2 penalty, anomalous windows weighted as for the network."""
    from sklearn.linear_model import LogisticRegression

    train = _spaced(data.train)
    weights = np.where(data.answers[train, 0] > 0, data.class_weight, 1.0)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence, which it need not reach
        regression = LogisticRegression(max_iter=200)
        regression.fit(_flat(problem, data, train), data.answers[train, 0] > 0, sample_weight=weights)
        logits = regression.decision_function(_flat(problem, data, data.valid)).astype(np.float64)
    return cross_entropy(logits, data.answers[data.valid, 0] > 0, data.class_weight), logits


def _flat(problem: Problem, data: FoldData, windows: Ints) -> npt.NDArray[np.float32]:
    """The scaled rows of each window, the one it answers the last, thinned evenly where they are many.

    What a window lacks of the longest one's rows is 0.
    """
    length, features = data.window, data.rows.shape[1]
    back = np.arange(0, length, -(-length * features // MOST_COLUMNS))
    rows = problem.windows.target[windows][:, None] - back
    seen = data.rows[np.maximum(rows, 0)]
    if data.lengths is not None:
        seen[back >= data.lengths[windows][:, None]] = 0
    return seen.reshape(len(windows), -1)


def _spaced(windows: Ints) -> Ints:
    """At most `MOST_WINDOWS` of them, evenly spaced."""
    return windows[np.linspace(0, len(windows) - 1, min(len(windows), MOST_WINDOWS)).astype(np.int64)]


def measure_baseline(spec: Spec, problem: Problem, folds: Sequence[FoldData]) -> Baseline:
    """The mean over folds of the study's metric if no network were there.

    For `loss`: persistence of a forecast, or the best constant probability of `classify`. For average precision and F1:
    what flagging windows at random reaches (the share p of anomalous windows) and flagging all, 2p / (1 + p).
    """
    metric = find_sample_metric(spec, folds[0].answers.shape[1])
    if metric is not None:
        values = [judge_outputs(metric, fold, fold.valid, _constant_outputs(fold)) for fold in folds]
        return Baseline("base rate" if problem.classify else "mean", float(np.nanmean(values)))
    if spec.study.metric != "loss":
        # a walk's first fold has no earlier scores to fit a threshold on, hence no F1; the holdout is alone
        first = spec.study.metric == "f1" and spec.cv.scheme == "walk_forward" and len(folds) > 1
        judged = folds[1:] if first else folds
        rates = [float(fold.labels[fold.valid].mean()) for fold in judged if fold.labels is not None]
        values = rates if spec.study.metric == "average_precision" else [2 * rate / (1 + rate) for rate in rates]
        return Baseline("base rate", float(np.mean(values)))
    if problem.persistence is None:
        name = "base rate" if problem.classify else "mean"
        return Baseline(name, float(np.mean([_constant_loss(fold, spec.train.given) for fold in folds])))
    return Baseline("persistence", float(np.mean([_persistence_loss(fold, problem.persistence) for fold in folds])))


def _persistence_loss(fold: FoldData, persistence: Floats) -> float:
    return float(np.mean(np.square(_errors(fold, persistence)[fold.valid[fold.counted]])))


def _constant_outputs(fold: FoldData) -> Floats:
    """The outputs for each validation sample that are best if they are the same for all, (m, outputs)."""
    means = fold.answers[fold.train].mean(axis=0, dtype=np.float64)
    if fold.has_classes:
        means = np.log(np.maximum(means, 1e-6))
    return np.tile(means, (len(fold.valid), 1))


def _constant_loss(fold: FoldData, own: Callable[..., Any] | None) -> float:
    """The loss of outputs that are the same for all windows, and best on those to train on."""
    if fold.has_classes or fold.targets is not None:
        return float(window_losses(fold, _constant_outputs(fold), own).mean())
    anomalous = np.clip(fold.answers[fold.train].mean(dtype=np.float64), 1e-6, 1 - 1e-6)
    probability = fold.class_weight * anomalous / (fold.class_weight * anomalous + 1 - anomalous)
    rate = fold.answers[fold.valid].mean(dtype=np.float64)
    return float(-fold.class_weight * rate * np.log(probability) - (1 - rate) * np.log1p(-probability))
