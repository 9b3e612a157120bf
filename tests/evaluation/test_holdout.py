"""Scores on the holdout: by hand, against scikit-learn, with paired differences."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from tuner.evaluation.bootstrap import DRAWS
from tuner.evaluation.holdout import Contender, HoldoutWindows, Score, score_models

RNG = np.random.default_rng(0)
LABELS = np.repeat(RNG.random(60) < 0.3, 2)
HELD = HoldoutWindows(np.arange(120), np.arange(120) // 10, np.ones(120, bool), LABELS)
LOSSES = RNG.exponential(size=(2, 120))
SCORES = LABELS + RNG.normal(size=(2, 120))
BEST = Contender("best", 4, LOSSES, SCORES, 0.5)
WORSE = Contender("default", 1, LOSSES + 0.25, RNG.normal(size=(2, 120)), 1.0)


def scored(metric: str, *contenders: Contender, held: HoldoutWindows = HELD) -> tuple[Score, ...]:
    return score_models(metric, held, contenders, 0)


def test_a_loss_is_the_mean_over_seeds_and_counted_windows():
    held = replace(HELD, counted=~LABELS)
    best, worse = scored("loss", BEST, WORSE, held=held)
    assert (best.name, best.trial, worse.name, worse.trial) == ("best", 4, "default", 1)
    assert best.value == best.loss == pytest.approx(LOSSES[:, ~LABELS].mean())
    assert worse.value == pytest.approx(LOSSES[:, ~LABELS].mean() + 0.25)


def test_average_precision_is_the_mean_of_scikit_learns():
    best, worse = scored("average_precision", BEST, WORSE)
    for score, model in ((best, BEST), (worse, WORSE)):
        values = [average_precision_score(LABELS, scores) for scores in model.scores]
        assert score.value == score.average_precision == pytest.approx(np.mean(values))
        flags = [scores >= model.threshold for scores in model.scores]
        assert score.precision == pytest.approx(np.mean([precision_score(LABELS, flag) for flag in flags]))
        assert score.recall == pytest.approx(np.mean([recall_score(LABELS, flag) for flag in flags]))
        assert score.f1 == pytest.approx(np.mean([f1_score(LABELS, flag) for flag in flags]))
    assert worse.value is not None and best.value is not None
    assert worse.difference == worse.value - best.value
    (best,) = scored("f1", BEST)
    assert best.value == best.f1


def test_events_caught_are_counted_by_their_rows():
    held = HoldoutWindows(
        np.array([0, 1, 2, 3, 9]), np.zeros(5, np.int64), np.ones(5, bool), np.array([1, 1, 0, 1, 1], bool)
    )
    scores = np.array([[0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 1.0]])
    (found,) = scored("loss", Contender("best", 0, None, scores, 0.5), held=held)
    assert found.caught == 1.5


@pytest.mark.parametrize("metric", ["loss", "average_precision", "f1"])
def test_intervals_hold_their_value(metric):
    for score in scored(metric, BEST, WORSE):
        assert score.interval is not None and score.value is not None and score.se is not None
        assert score.interval[0] < score.value < score.interval[1]
        assert 2 * score.se == pytest.approx((score.interval[1] - score.interval[0]) / 2, rel=0.25)


def test_differences_are_paired():
    best, worse = scored("loss", BEST, WORSE)
    assert worse.difference == pytest.approx(0.25)
    # the losses differ by as much in every window, so in every draw
    assert worse.difference_interval == pytest.approx((0.25, 0.25))
    assert best.interval is not None and best.interval[1] - best.interval[0] > 0.1
    assert (best.difference, best.difference_interval) == (0.0, (0.0, 0.0))


def test_intervals_hang_on_the_seed_alone():
    assert scored("f1", BEST, WORSE) == scored("f1", BEST, WORSE)
    assert score_models("f1", HELD, [BEST], 0)[0].interval != score_models("f1", HELD, [BEST], 1)[0].interval
    assert DRAWS == 1000


def test_few_blocks_give_no_interval():
    best, worse = scored("loss", BEST, WORSE, held=replace(HELD, blocks=np.arange(120) // 15))
    assert (best.se, best.interval, worse.difference_interval) == (None, None, None)
    assert worse.difference == pytest.approx(0.25)


def test_what_cannot_be_measured_is_none():
    baseline = Contender("PCA", None, None, SCORES[:1], None)
    diverged = Contender("unregularised", 0, np.full((2, 120), np.nan), np.full((2, 120), np.inf), 0.5)
    for metric, value in (("loss", None), ("average_precision", average_precision_score(LABELS, SCORES[0]))):
        _, pca, least = scored(metric, BEST, baseline, diverged)
        assert pca.value == value
        assert pca.average_precision == average_precision_score(LABELS, SCORES[0])
        assert (pca.loss, pca.precision, pca.recall, pca.f1, pca.caught) == (None,) * 5
        assert (least.value, least.interval, least.difference, least.loss, least.average_precision) == (None,) * 5


@pytest.mark.parametrize("labels", [None, np.zeros(120, bool)])
def test_without_an_anomalous_row_there_is_a_loss_only(labels):
    (best,) = scored("loss", BEST, held=replace(HELD, labels=labels))
    assert best.value is not None
    assert (best.average_precision, best.precision, best.recall, best.f1, best.caught) == (None,) * 5
    assert scored("average_precision", BEST, held=replace(HELD, labels=labels))[0].value is None
