"""Rivals that are no network, on the windows that a network sees: what it must beat to be worth its while."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tuner.data.folds import FoldData, Problem
from tuner.data.seasonality import as_signals, find_rhythm
from tuner.data.series import Floats, Ints
from tuner.evaluation.detection import Scores, choose_threshold, root_mean_square, scaled_errors
from tuner.evaluation.holdout import Contender, cross_entropy

# PCA and the regression take seconds with so many windows and columns at most; evenly spaced ones are left.
MOST_WINDOWS = 10_000
MOST_COLUMNS = 500
# Of the windows' variance, what the principal components keep.
KEPT_VARIANCE = 0.9


@dataclass(frozen=True)
class Judged:
    """The scores and losses of a baseline on the windows to validate.

    Attributes:
        losses: (m,) in the units of the network's loss; None where there is none like it.
        scores: (m,) higher where more anomalous.
    """

    losses: Floats | None
    scores: Scores


Rival = Callable[[FoldData], Judged]


def find_rivals(problem: Problem) -> dict[str, Rival]:
    """The rivals of a task by name; each is fitted on the training windows of the data that it is called with.

    A forecast has one naive rival: persistence or, where the rows before the holdout repeat themselves and it errs
    less on them, the value a period ago. Where there are labels, there is the reconstruction error of a PCA; where they
    are learnt, a logistic regression too.
    """
    rivals: dict[str, Rival] = {}
    if problem.persistence is not None:
        name, forecast = _naive(problem, problem.persistence)
        rivals[name] = lambda data: _judge_forecast(data, forecast)
    if problem.labels is not None:
        rivals["PCA"] = lambda data: _reconstruct(problem, data)
    if problem.classify:
        rivals["logistic regression"] = lambda data: _regress(problem, data)
    return rivals


def judge_rivals(
    problem: Problem, folds: Sequence[FoldData], data: FoldData, min_precision: float | None
) -> list[Contender]:
    """All rivals on the windows that `data` validates; like a network, each has a threshold that its folds chose."""
    contenders = []
    for name, rival in find_rivals(problem).items():
        judged, threshold = rival(data), None
        labels = [fold.labels[fold.valid] for fold in folds if fold.labels is not None]
        if any(part.any() for part in labels):
            scores = np.concatenate([rival(fold).scores for fold in folds])
            threshold = choose_threshold(scores, np.concatenate(labels), min_precision)
        losses = None if judged.losses is None else judged.losses[None]
        contenders.append(Contender(name, None, losses, judged.scores[None], threshold))
    return contenders


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
    data = problem.refit()
    return min(forecasts, key=lambda named: float(np.mean(np.square(_errors(data, named[1])[data.train]))))


def _judge_forecast(data: FoldData, forecast: Floats) -> Judged:
    errors = _errors(data, forecast)
    scores = scaled_errors(errors[data.valid], root_mean_square(errors[data.train]))
    return Judged(np.mean(np.square(errors[data.valid]), axis=1), scores)


def _errors(data: FoldData, forecast: Floats) -> Floats:
    """The scaled errors, (windows, outputs), of an unscaled forecast."""
    assert data.targets is not None  # noqa: S101 (forecasts only)
    return data.targets.apply(forecast) - data.answers


def _reconstruct(problem: Problem, data: FoldData) -> Judged:
    """The root mean squared reconstruction error of windows that end in the row they answer (Sub-PCA in TSB-AD)."""
    from sklearn.decomposition import PCA

    with threadpool_limits(1):
        pca = PCA(KEPT_VARIANCE).fit(_flat(problem, data, _spaced(data.train)))
        windows = _flat(problem, data, data.valid)
        errors = windows - pca.inverse_transform(pca.transform(windows))
    return Judged(None, np.sqrt(np.mean(np.square(errors, dtype=np.float64), axis=1)))


def _regress(problem: Problem, data: FoldData) -> Judged:
    """A logistic regression with an L2 penalty, anomalous windows weighted as for the network."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    train = _spaced(data.train)
    weights = np.where(data.answers[train, 0] > 0, data.class_weight, 1.0)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression = LogisticRegression(max_iter=200)
        regression.fit(_flat(problem, data, train), data.answers[train, 0] > 0, sample_weight=weights)
        logits = regression.decision_function(_flat(problem, data, data.valid)).astype(np.float64)
    return Judged(cross_entropy(logits, data.answers[data.valid, 0] > 0, data.class_weight), logits)


def _flat(problem: Problem, data: FoldData, windows: Ints) -> npt.NDArray[np.float32]:
    """The scaled rows of each window, the one it answers the last, thinned evenly where they are many."""
    length, features = data.window, data.rows.shape[1]
    back = np.arange(0, length, -(-length * features // MOST_COLUMNS))
    return data.rows[problem.windows.target[windows][:, None] - back].reshape(len(windows), -1)


def _spaced(windows: Ints) -> Ints:
    """At most `MOST_WINDOWS` of them, evenly spaced."""
    return windows[np.linspace(0, len(windows) - 1, min(len(windows), MOST_WINDOWS)).astype(np.int64)]
