"""Keeps the out-of-fold scores of the best trial with the rows that they belong to, so that they can be seen."""

import numpy as np

from tuner.data.folds import FoldData, Problem
from tuner.data.series import Dataset
from tuner.evaluation.detection import Scores
from tuner.results.findings import OutOfFoldScores
from tuner.results.selection import Trial
from tuner.search.events import Notify
from tuner.search.jobs import Task
from tuner.search.pool import do_all
from tuner.search.workers import Backend
from tuner.storage.stored_study import StoredStudy


def keep_out_of_fold(
    study: StoredStudy,
    data: Dataset,
    problem: Problem,
    folds: tuple[FoldData, ...],
    trial: Trial,
    backend: Backend,
    notify: Notify,
    deadline: float | None,
) -> None:
    """Trains the trial again for its out-of-fold scores, where rows are labelled and it was not done before.

    At the deadline (of `time.monotonic`) this is left for the next run.
    """
    if problem.labels is None or trial.outcome.detection is None or study.evaluations.scored(trial.number):
        return
    job = Task(trial.number, trial.params, (trial.number,))
    for _, outcome in do_all([job], backend, notify, deadline):
        if outcome is not None:  # else its worker died twice: there will be no picture
            study.evaluations.save_scored(trial.number, place_scores(data, problem, folds, outcome.scores))


def place_scores(
    data: Dataset, problem: Problem, folds: tuple[FoldData, ...], scores: tuple[Scores, ...]
) -> OutOfFoldScores:
    """The scores of each fold's validation windows, put in the order of the rows that the windows answer."""
    assert problem.labels is not None  # noqa: S101 (asked for where there are labels)
    rows = np.concatenate([problem.windows.target[fold.valid] for fold in folds])
    order = np.argsort(rows)
    rows = rows[order]
    time = np.concatenate([series.time for series in data.series])[rows]
    if not (time[1:] > time[:-1]).all():
        time = rows
    columns = [series.features if problem.classify else series.targets for series in data.series]
    return OutOfFoldScores(
        time=time,
        name=(data.feature_names if problem.classify else data.target_names)[0],
        values=np.concatenate([column[:, 0] for column in columns])[rows],
        labels=problem.labels[rows],
        scores=np.concatenate(scores)[order],
    )
