"""Out-of-fold scores are put where their rows are."""

from dataclasses import replace

import numpy as np

from tests.making import make_dataset, make_spec, marked
from tuner.data.folds import make_problem
from tuner.search.out_of_fold import place_scores

LABELS = marked(120, (10, 14), (40, 44), (70, 75), (100, 104))
SPEC = make_spec(task={"kind": "classify"}, cv={"folds": 3, "holdout": 0.2})


def test_every_score_stands_at_its_row_whatever_fold_it_is_from() -> None:
    data = make_dataset([60, 60], LABELS)
    later = np.arange(60) + 1000
    data = replace(data, series=(data.series[0], replace(data.series[1], time=later)))
    problem = make_problem(SPEC, data)
    folds = problem.folds()
    # each window's score is the row that it answers
    scores = tuple(problem.windows.target[fold.valid].astype(float) for fold in folds)
    scored = place_scores(data, problem, folds, scores)
    rows = scored.scores.astype(int)
    assert (np.diff(rows) > 0).all()
    assert len(rows) == sum(len(fold.valid) for fold in folds)
    assert (scored.labels == LABELS[rows]).all()
    assert scored.time.tolist() == np.concatenate([np.arange(60), later])[rows].tolist()
    assert scored.values.tolist() == np.concatenate([one.features[:, 0] for one in data.series])[rows].tolist()
    assert scored.name == data.feature_names[0]


def test_series_that_overlap_in_time_are_told_by_their_row_numbers() -> None:
    data = make_dataset([60, 60], LABELS)
    problem = make_problem(SPEC, data)
    folds = problem.folds()
    scores = tuple(problem.windows.target[fold.valid].astype(float) for fold in folds)
    scored = place_scores(data, problem, folds, scores)
    assert scored.time.tolist() == scored.scores.astype(int).tolist()
