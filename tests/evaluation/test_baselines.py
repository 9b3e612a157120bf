"""Baselines without a network: by hand, against scikit-learn, and blind to what lies ahead."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from tests.making import make_dataset, make_small_problem, make_spec, marked
from tuner.data.folds import Problem
from tuner.data.problems import make_problem
from tuner.data.series import Bools, Dataset, Floats, Ints, Series
from tuner.evaluation import baselines
from tuner.evaluation.baselines import Baseline, find_baselines, measure_baseline, score_baselines
from tuner.evaluation.detection import choose_threshold
from tuner.evaluation.losses import cross_entropy
from tuner.spec.sections import Flagging

HELD = {"folds": 2, "holdout": 0.25}
LABELS = marked(80, (10, 12), (30, 33), (50, 52), (65, 68), (75, 76))


def seasonal(rows: int, period: int, noise: float = 0.1) -> Floats:
    wave = np.sin(2 * np.pi * np.arange(rows) / period)
    return (wave + noise * np.random.default_rng(0).normal(size=rows))[:, None]


def problem_of(values: Floats, **task: Any) -> Problem:
    series = Series("a", np.arange(len(values)), values, values, None)
    data = Dataset((series,), ("a",), ("a",), 0, digest="")
    return make_problem(make_spec(cv=HELD, task={"window": 4, **task}), data)


@pytest.mark.parametrize(("horizon", "difference"), [(1, False), (3, False), (15, False), (1, True), (3, True)])
def test_the_seasonal_forecast_is_the_answer_some_whole_seasons_ago(horizon, difference):
    problem = problem_of(seasonal(200, 12), horizon=horizon, difference=difference)
    (name,) = found = find_baselines(problem)
    assert name == "seasonal naive"
    data = problem.refit()
    assert data.targets is not None and problem.persistence is not None
    back = 24 if horizon > 12 else 12
    expected = (problem.answers[data.valid] - problem.answers[data.valid - back]) / data.targets.deviation
    losses, scores = found[name](data)
    assert losses == pytest.approx(np.square(expected[:, 0]), rel=1e-4, abs=1e-6)
    # one target: the score is the error in units of those on training windows
    earlier = data.train[data.train >= back]
    rest = problem.answers[:back] - problem.persistence[:back]
    residuals = np.concatenate([problem.answers[earlier] - problem.answers[earlier - back], rest])
    unit = np.sqrt(np.mean(np.square(residuals / data.targets.deviation)))
    assert scores == pytest.approx(np.abs(expected[:, 0]) / unit, rel=1e-4, abs=1e-5)


def test_no_forecast_knows_what_lies_ahead():
    values = seasonal(200, 12)
    changed = values.copy()
    changed[-1] += 100.0
    before, after = (problem_of(one, horizon=15) for one in (values, changed))
    losses, other = (find_baselines(one)["seasonal naive"](one.refit())[0] for one in (before, after))
    assert losses is not None and other is not None
    assert np.flatnonzero(losses != other).tolist() == [len(before.split.holdout) - 1]


def test_a_series_without_a_season_has_persistence_and_its_loss_is_the_baselines():
    spec = make_spec(cv=HELD)
    problem = make_problem(spec, make_dataset((80,)))
    data = problem.refit()
    ((name, baseline),) = find_baselines(problem).items()
    assert name == "persistence"
    losses, _ = baseline(data)
    assert losses is not None
    assert losses.mean() == pytest.approx(measure_baseline(spec, problem, [data]).value)


def test_the_pca_is_scikit_learns_on_the_windows():
    problem = make_small_problem((80,), LABELS, cv=HELD, task={"window": 4, "kind": "classify"})
    data = problem.refit()
    windows = np.stack([data.rows[first : first + 4].ravel() for first in data.first])
    pca = PCA(0.9).fit(windows[data.train])
    errors = windows[data.valid] - pca.inverse_transform(pca.transform(windows[data.valid]))
    losses, scores = find_baselines(problem)["PCA"](data)
    assert losses is None
    assert scores == pytest.approx(np.sqrt(np.mean(errors**2, axis=1)), rel=1e-4)


def test_the_pca_sees_the_row_that_a_forecast_answers():
    data = make_dataset((80,), LABELS)
    problem = make_problem(make_spec(cv=HELD, task={"window": 4, "horizon": 3}), data)
    spike = data.series[0].features.copy()
    spike[70] += 100.0
    series = Series("a", np.arange(80), spike, spike[:, :1], LABELS)
    changed = Dataset((series,), ("a", "b"), ("a",), 0, digest="")
    other = make_problem(make_spec(cv=HELD, task={"window": 4, "horizon": 3}), changed)
    before, after = (find_baselines(one)["PCA"](one.refit())[1] for one in (problem, other))
    rows = problem.windows.target[problem.split.holdout]
    assert rows[np.abs(after - before) > 1.0].tolist() == [70, 71, 72, 73]


def test_the_regression_is_scikit_learns_and_its_loss_is_torchs():
    problem = make_small_problem((80,), LABELS, cv=HELD, task={"window": 4, "kind": "classify"})
    data = problem.refit()
    windows = np.stack([data.rows[first : first + 4].ravel() for first in data.first])
    truth = data.answers[:, 0]
    model = LogisticRegression(class_weight={0: 1.0, 1: data.class_weight}, max_iter=1000)
    logits = model.fit(windows[data.train], truth[data.train]).decision_function(windows[data.valid])
    losses, scores = find_baselines(problem)["logistic regression"](data)
    assert scores == pytest.approx(logits, abs=0.01)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.from_numpy(scores),
        torch.from_numpy(truth[data.valid]).double(),
        pos_weight=torch.tensor(data.class_weight),
        reduction="none",
    )
    assert losses == pytest.approx(loss.numpy())


def test_the_cross_entropy_of_great_logits_is_finite():
    assert cross_entropy(np.array([1000.0, -1000.0]), np.array([False, True]), 2.0).tolist() == [1000.0, 2000.0]


def test_long_windows_are_thinned_and_keep_the_row_they_answer(monkeypatch):
    problem = make_small_problem((80,), LABELS, cv=HELD, task={"window": 5, "kind": "classify"})
    data = problem.refit()
    monkeypatch.setattr(baselines, "MOST_COLUMNS", 6)
    windows = np.stack([data.rows[[last, last - 2, last - 4]].ravel() for last in problem.windows.last])
    pca = PCA(0.9).fit(windows[data.train])
    errors = windows[data.valid] - pca.inverse_transform(pca.transform(windows[data.valid]))
    assert find_baselines(problem)["PCA"](data)[1] == pytest.approx(np.sqrt(np.mean(errors**2, axis=1)), rel=1e-4)


def test_labels_and_task_decide_which_baselines_there_are():
    assert list(find_baselines(make_small_problem((80,), LABELS, cv=HELD))) == ["persistence", "PCA"]
    learnt = make_small_problem((80,), LABELS, cv=HELD, task={"window": 4, "kind": "classify"})
    assert list(find_baselines(learnt)) == ["PCA", "logistic regression"]


def test_a_baseline_flags_from_the_threshold_that_its_out_of_fold_scores_choose():
    problem = make_small_problem((80,), LABELS, cv=HELD, task={"window": 4, "kind": "classify"})
    folds, data = problem.folds(), problem.refit()
    pca, regression = score_baselines(problem, folds, data, Flagging())
    scores = np.concatenate([find_baselines(problem)["PCA"](fold)[1] for fold in folds])
    labels = np.concatenate([fold.labels[fold.valid] for fold in folds if fold.labels is not None])
    assert (pca.name, pca.trial, pca.losses) == ("PCA", None, None)
    assert pca.threshold == choose_threshold(scores, labels)
    assert score_baselines(problem, folds, data, Flagging(0.2))[0].threshold == choose_threshold(
        scores, labels, Flagging(0.2)
    )
    assert regression.losses is not None and regression.losses.shape == regression.scores.shape == (1, len(data.valid))
    unlabelled = make_small_problem((80,), cv=HELD)
    (naive,) = score_baselines(unlabelled, unlabelled.folds(), unlabelled.refit(), Flagging())
    assert naive.threshold is None


# --- the study's reference value

EVENTS = marked(60, (8, 10), (30, 33), (52, 54))


def measured(labels: Bools | None = None, **sections: Any) -> Baseline:
    spec = make_spec(**sections)
    problem = make_problem(spec, make_dataset([60], labels))
    return measure_baseline(spec, problem, problem.folds())


@pytest.mark.parametrize("difference", [False, True])
@pytest.mark.parametrize("labels", [None, EVENTS])
def test_persistence_forecasts_the_last_row_seen(difference, labels):
    baseline = measured(labels, task={"window": 4, "horizon": 2, "difference": difference})
    target = make_dataset([60]).series[0].targets[:, 0]
    problem = make_problem(make_spec(task={"window": 4, "horizon": 2}), make_dataset([60], labels))
    now, then = problem.windows.first + 3, problem.windows.first + 5
    normal = np.ones(len(now), bool) if labels is None else ~problem.windows.touches(labels)
    unit = (target[then] - difference * target[now])[normal].std()
    losses = []
    for fold in problem.folds():
        valid = fold.valid[fold.counted]
        losses.append(np.mean(((target[then[valid]] - target[now[valid]]) / unit) ** 2))
    assert baseline.name == "persistence"
    assert baseline.value == pytest.approx(np.mean(losses), rel=1e-4)  # answers are kept in single precision


def test_the_base_rate_is_the_best_constant_of_classify():
    spec = make_spec(task={"kind": "classify"})
    problem = make_problem(spec, make_dataset([60], EVENTS))
    folds = problem.folds()
    labels = EVENTS[3:]

    def loss(windows: Ints, weight: float, probability: float) -> float:
        return float(np.where(labels[windows], -weight * np.log(probability), -np.log(1 - probability)).mean())

    losses = []
    for fold in folds:
        grid = np.linspace(0.001, 0.999, 9999)
        best = grid[np.argmin([loss(fold.train, fold.class_weight, probability) for probability in grid])]
        losses.append(loss(fold.valid, fold.class_weight, best))
    baseline = measure_baseline(spec, problem, folds)
    assert baseline.name == "base rate"
    assert baseline.value == pytest.approx(np.mean(losses), rel=1e-3)


def test_flagging_at_random_reaches_the_share_of_anomalous_windows():
    # 56 windows answer rows 4 to 59; folds of 19, 18 and 19 windows hold 2, 3 and 2 anomalous ones
    rates = [2 / 19, 3 / 18, 2 / 19]
    assert measured(EVENTS, study={"metric": "average_precision"}).value == pytest.approx(np.mean(rates))


def test_flagging_everything_reaches_f1():
    values = [2 * p / (1 + p) for p in (2 / 19, 3 / 18, 2 / 19)]
    baseline = measured(EVENTS, study={"metric": "f1"})
    assert baseline.name == "base rate"
    assert baseline.value == pytest.approx(np.mean(values))
