"""What no network would reach: against the same written out plainly."""

from typing import Any

import numpy as np
import pytest

from tests.making import make_dataset, make_spec, marked
from tuner.data.folds import make_problem
from tuner.data.series import Bools, Ints
from tuner.evaluation.no_network import Baseline, measure_baseline

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
    losses = []
    for fold in problem.folds():
        now, then = fold.first + 3, fold.first + 5
        learnt = target[then[fold.train]] - difference * target[now[fold.train]]
        valid = fold.valid[fold.counted]
        losses.append(np.mean(((target[then[valid]] - target[now[valid]]) / learnt.std()) ** 2))
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
