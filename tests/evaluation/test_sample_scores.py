"""Metrics of samples equal scikit-learn's on the predictions themselves."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics

from tests.making import make_spec, refused
from tuner.errors import UserError
from tuner.evaluation.sample_scores import SampleMetric, find_sample_metric

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(60, 3))
OWN = RNG.integers(0, 3, 60)
TWO = RNG.normal(size=(60, 2))
HALF = RNG.integers(0, 2, 60)
VALUES = RNG.normal(size=(60, 1))
SHARE = softmax(TWO, axis=1)[:, 1]


@pytest.mark.parametrize(
    ("name", "classes", "answers", "outputs", "expected"),
    [
        ("accuracy", 3, np.eye(3)[OWN], LOGITS, metrics.accuracy_score(OWN, LOGITS.argmax(1))),
        ("balanced_accuracy", 3, np.eye(3)[OWN], LOGITS, metrics.balanced_accuracy_score(OWN, LOGITS.argmax(1))),
        ("neg_log_loss", 3, np.eye(3)[OWN], LOGITS, -metrics.log_loss(OWN, softmax(LOGITS, axis=1))),
        ("roc_auc", 2, np.eye(2)[HALF], TWO, metrics.roc_auc_score(HALF, SHARE)),
        ("average_precision", 2, np.eye(2)[HALF], TWO, metrics.average_precision_score(HALF, SHARE)),
        ("f1", 2, np.eye(2)[HALF], TWO, metrics.f1_score(HALF, TWO.argmax(1))),
        ("r2", 0, VALUES, VALUES + 1, metrics.r2_score(VALUES, VALUES + 1)),
        ("neg_mean_absolute_error", 0, VALUES, VALUES + 1, -1.0),
        ("neg_mean_absolute_error", 0, np.hstack([VALUES, VALUES]), np.hstack([VALUES, VALUES + 1]), -0.5),
    ],
)
def test_scorers_equal_scikit_learns_functions(name, classes, answers, outputs, expected) -> None:
    assert SampleMetric(name, None, classes)(answers, outputs) == pytest.approx(expected, abs=1e-12)


def test_weighted_answers_of_classes_are_classes_still() -> None:
    metric = SampleMetric("accuracy", None, 3)
    assert metric(np.eye(3)[OWN] * [0.5, 2.0, 7.0], LOGITS) == metric(np.eye(3)[OWN], LOGITS)


def test_the_users_own_gets_classes_and_the_second_ones_probability() -> None:
    seen = []

    def mine(truth: np.ndarray, score: np.ndarray) -> float:
        seen.append((truth, score))
        return 0.25

    own = SampleMetric("mine@0", mine, 2)
    assert own(np.eye(2)[HALF], TWO) == 0.25
    np.testing.assert_array_equal(seen[0][0], HALF)
    np.testing.assert_allclose(seen[0][1], SHARE)


def test_a_metric_that_cannot_be_told_is_nan_and_one_that_fails_is_said() -> None:
    assert np.isnan(SampleMetric("roc_auc", None, 2)(np.eye(2)[[0] * 60], TWO))
    assert np.isnan(SampleMetric("r2", None, 0)(VALUES, VALUES * np.nan))
    with pytest.raises(UserError, match="roc_auc failed"):
        SampleMetric("roc_auc", None, 3)(np.eye(3)[OWN], LOGITS)


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    spec = make_spec(study={"metric": "ballanced_accuracy"}, data={"path": "x.npz"}, task={"kind": "classify"})
    assert "balanced_accuracy" in refused(find_sample_metric, spec, 2).hint
