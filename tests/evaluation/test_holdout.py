"""Scores on the holdout: by hand, against scikit-learn, with paired differences and intervals that hold seeds."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from tests.making import known, make_small_problem, marked
from tuner.evaluation.bootstrap import DRAWS, Variance, draw_blocks, jackknife, total_error
from tuner.evaluation.holdout import BOOTSTRAP, Contender, HoldoutWindows, Score, leave_one_out, score_models
from tuner.evaluation.losses import window_losses
from tuner.spec.metric import METRICS

RNG = np.random.default_rng(0)
LABELS = np.repeat(RNG.random(60) < 0.3, 2)
HELD = HoldoutWindows(np.arange(120), np.arange(120) // 10, np.ones(120, bool), LABELS)
LOSSES = leave_one_out(RNG.exponential(size=(4, 120)))
SCORES = leave_one_out(LABELS + RNG.normal(size=(4, 120)))
SHIPPED = Contender("shipped", 4, LOSSES, SCORES, 0.5)
WORSE = Contender("default", 1, LOSSES * 1.25, leave_one_out(RNG.normal(size=(4, 120))), 0.1)


def scored(metric: str, *contenders: Contender, held: HoldoutWindows = HELD) -> tuple[Score, ...]:
    return score_models(METRICS[metric], held, contenders, 0)


def test_an_ensemble_is_the_mean_of_its_members_and_each_is_left_out_once():
    outputs = np.array([[[1.0], [2.0]], [[3.0], [2.0]], [[8.0], [5.0]]])
    together = leave_one_out(outputs)
    assert together[:, :, 0].tolist() == [[4.0, 3.0], [5.5, 3.5], [4.5, 3.5], [2.0, 2.0]]
    data = make_small_problem(cv={"folds": 2, "holdout": 0.25}).refit()
    answers = data.answers[data.valid]
    assert window_losses(data, np.stack([answers, answers + 2.0])) == pytest.approx(
        np.array([[0.0], [4.0]]) * np.ones(len(answers))
    )


def test_a_loss_is_the_mean_over_counted_windows():
    held = replace(HELD, counted=~LABELS)
    shipped, worse = scored("loss", SHIPPED, WORSE, held=held)
    assert (shipped.name, shipped.trial, worse.name, worse.trial) == ("shipped", 4, "default", 1)
    assert shipped.value == shipped.loss == pytest.approx(LOSSES[0, ~LABELS].mean())
    assert worse.value == pytest.approx(1.25 * LOSSES[0, ~LABELS].mean())


def test_detection_is_scikit_learns():
    shipped, worse = scored("average_precision", SHIPPED, WORSE)
    for score, model in ((shipped, SHIPPED), (worse, WORSE)):
        assert score.value == score.average_precision == average_precision_score(LABELS, model.scores[0])
        flags = model.scores[0] >= model.threshold
        assert score.precision == pytest.approx(precision_score(LABELS, flags))
        assert score.recall == pytest.approx(recall_score(LABELS, flags))
        assert score.f1 == pytest.approx(f1_score(LABELS, flags))
    assert worse.value is not None and shipped.value is not None
    assert worse.difference == worse.value - shipped.value
    (shipped,) = scored("f1", SHIPPED)
    assert shipped.value == shipped.f1


def test_events_caught_are_counted_by_their_rows():
    held = HoldoutWindows(
        np.array([0, 1, 2, 3, 9]), np.zeros(5, np.int64), np.ones(5, bool), np.array([1, 1, 0, 1, 1], bool)
    )
    scores = np.array([[0.0, 1.0, 0.0, 0.0, 1.0]])
    (found,) = scored("loss", Contender("best", 0, None, scores, 0.5), held=held)
    assert found.caught == 2


@pytest.mark.parametrize("metric", ["loss", "average_precision", "f1"])
def test_intervals_hold_their_value(metric):
    for score in scored(metric, SHIPPED, WORSE):
        assert score.interval is not None and score.value is not None and score.se is not None
        assert score.interval[0] < score.value < score.interval[1]
        assert score.interval[0] >= 0
        assert score.interval[1] <= 1 or metric == "loss"
        assert 2 * score.se < score.interval[1] - score.interval[0] < 7 * score.se or metric != "loss"


def test_a_difference_has_the_variance_of_its_rows_and_of_its_pairs_of_seeds():
    draws = known(draw_blocks(HELD.blocks, (0, BOOTSTRAP)))
    other = leave_one_out(np.random.default_rng(1).exponential(size=(4, 120)))
    shipped, worse = scored("loss", SHIPPED, replace(WORSE, losses=other))
    whole = np.ones(120, bool)
    rows = np.log(draws.mean(other[0], whole) / draws.mean(LOSSES[0], whole)).var(ddof=1)
    apart = np.log(other.mean(axis=1) / LOSSES.mean(axis=1))
    half = total_error([Variance(rows, 11), jackknife(apart[1:])])[1]
    ends = np.exp(apart[0] + np.array([-half, half])) - 1
    assert worse.difference_interval == pytest.approx(tuple(ends * LOSSES[0].mean()))
    assert shipped.difference_interval == (0.0, 0.0)


def test_a_baseline_has_no_seeds_and_a_model_is_no_different_from_itself():
    baseline = Contender("persistence", None, 1.25 * LOSSES[:1], SCORES[:1], None)
    shipped, same, naive = scored("loss", SHIPPED, replace(SHIPPED, name="best"), baseline)
    assert (same.difference, same.difference_interval) == (0.0, (0.0, 0.0))
    assert replace(same, name="shipped") == shipped
    # 1.25 times the loss in every draw: what is left is the jackknife of the shipped ensemble
    half = total_error([jackknife(np.log(LOSSES.mean(axis=1))[1:])])[1]
    assert naive.difference_interval == pytest.approx(
        tuple((1.25 * np.exp(np.array([-half, half])) - 1) * LOSSES[0].mean()), rel=1e-3
    )


def test_a_detection_metric_has_as_many_cases_as_blocks_with_an_anomalous_row():
    few = marked(120, (12, 14), (55, 57))
    found = []
    for labels in (few, few & (np.arange(120) < 50)):
        (score,) = scored("average_precision", SHIPPED, held=replace(HELD, labels=labels))
        found.append(score.interval)
    assert found[0] is not None
    assert found[1] is None, "one block with an anomalous row says nothing of others"


def test_intervals_hang_on_the_seed_alone():
    assert scored("f1", SHIPPED, WORSE) == scored("f1", SHIPPED, WORSE)
    other = score_models(METRICS["f1"], HELD, [SHIPPED], 1)[0]
    assert scored("f1", SHIPPED)[0].interval != other.interval
    assert DRAWS == 1000


def test_few_blocks_give_no_interval():
    shipped, worse = scored("loss", SHIPPED, WORSE, held=replace(HELD, blocks=np.arange(120) // 15))
    assert (shipped.se, shipped.interval, worse.difference_interval) == (None, None, None)
    assert worse.difference == pytest.approx(0.25 * LOSSES[0].mean())


def test_what_cannot_be_measured_is_none():
    baseline = Contender("PCA", None, None, SCORES[:1], None)
    diverged = Contender("unregularised", 0, np.full((5, 120), np.nan), np.full((5, 120), np.inf), 0.5)
    for metric, value in (("loss", None), ("average_precision", average_precision_score(LABELS, SCORES[0]))):
        _, pca, least = scored(metric, SHIPPED, baseline, diverged)
        assert pca.value == value
        assert pca.average_precision == average_precision_score(LABELS, SCORES[0])
        assert (pca.loss, pca.precision, pca.recall, pca.f1, pca.caught) == (None,) * 5
        assert (least.value, least.interval, least.difference, least.loss, least.average_precision) == (None,) * 5


@pytest.mark.parametrize("labels", [None, np.zeros(120, bool)])
def test_without_an_anomalous_row_there_is_a_loss_only(labels):
    (best,) = scored("loss", SHIPPED, held=replace(HELD, labels=labels))
    assert best.value is not None
    assert (best.average_precision, best.precision, best.recall, best.f1, best.caught) == (None,) * 5
    assert scored("average_precision", SHIPPED, held=replace(HELD, labels=labels))[0].value is None
