"""The precision-recall curve, against scikit-learn and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve

from tests.report.making import trace
from tuner.report.precision_recall import MOST_POINTS, precision_recall_figure, precision_recall_info

SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
LABELS = np.array([True, False, True, False, False])


def test_by_hand() -> None:
    info = precision_recall_info(SCORES, LABELS, 0.75)
    assert info.thresholds == (0.9, 0.8, 0.7, 0.6, 0.5)
    assert info.recall == (0.5, 0.5, 1.0, 1.0, 1.0)
    assert info.precision == pytest.approx((1, 1 / 2, 2 / 3, 2 / 4, 2 / 5))
    assert info.at == (0.5, 0.5)
    assert info.base_rate == 0.4
    assert info.average_precision == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.booleans()), min_size=1, max_size=40).filter(
        lambda rows: any(label for _, label in rows)
    )
)
def test_as_scikit_learn(rows) -> None:
    scores, labels = np.array([score for score, _ in rows]), np.array([label for _, label in rows])
    info = precision_recall_info(scores, labels, 0.25)
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    assert info.thresholds == tuple(thresholds[::-1])
    assert info.recall == pytest.approx(tuple(recall[:-1][::-1]))
    assert info.precision == pytest.approx(tuple(precision[:-1][::-1]))
    assert info.average_precision == pytest.approx(average_precision_score(labels, scores))
    flagged = scores >= 0.25
    expected = (labels[flagged].sum() / labels.sum(), labels[flagged].mean()) if flagged.any() else None
    assert info.at == (None if expected is None else pytest.approx(expected))


def test_many_scores_are_thinned_out_and_their_ends_kept() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(200_000) < 0.05
    scores = rng.normal(size=200_000) + labels
    info = precision_recall_info(scores, labels, 2.0)
    assert len(info.recall) <= MOST_POINTS
    assert max(np.diff(info.recall, prepend=0.0)) < 0.002, "evenly by recall"
    assert (info.thresholds[0], info.thresholds[-1], info.recall[-1]) == (scores.max(), scores.min(), 1.0)
    assert info.average_precision == pytest.approx(average_precision_score(labels, scores))


def test_the_threshold_is_marked_where_it_flags_anything() -> None:
    figure = precision_recall_figure(precision_recall_info(SCORES, LABELS, 0.75))
    mark = trace(figure, "threshold")
    assert (list(mark.x), list(mark.y)) == ([0.5], [0.5])
    curve = trace(figure, "out-of-fold")
    assert (curve.x[0], curve.y[0], curve.line.shape) == (0.0, 1.0, "vh")
    names = [drawn.name for drawn in precision_recall_figure(precision_recall_info(SCORES, LABELS, 2.0)).data]
    assert not any(name.startswith("threshold") for name in names)
