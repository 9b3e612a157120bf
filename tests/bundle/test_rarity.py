"""The scale of scores: how rare, by hand; strictly increasing; and the unit of errors that is carried over."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.making import make_small_problem
from tuner.bundle.rarity import KNOTS, carried_residual, fit_rarity
from tuner.data.folds import Scaling

FINITE = st.floats(-1e6, 1e6, width=32)
SCORES = arrays.arrays(np.float32, st.integers(1, 80), elements=FINITE)


def test_a_score_says_how_many_of_the_out_of_fold_scores_are_as_high():
    rarity = fit_rarity(np.arange(1000.0))
    np.testing.assert_allclose(rarity.apply(np.array([0.0, 900.0, 990.0, 999.0])), [0.0, 1.0, 2.0, 3.0])
    assert np.isnan(rarity.apply(np.array([np.nan]))).all()


def test_equal_scores_are_counted_together():
    rarity = fit_rarity(np.array([1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 3.0]))
    np.testing.assert_allclose(rarity.apply(np.array([2.0, 3.0])), [np.log10(10 / 9), 1.0])


def test_beyond_the_highest_the_tail_goes_on_as_generalised_pareto():
    rarity = fit_rarity(np.arange(100.0))
    tail = np.mean(np.arange(10.0))  # of the ten highest, over the least of them
    far = np.array([99.0, 150.0, 1e9])
    # shape 1: the share that exceeds x is the last one's over 1 + excess / scale
    np.testing.assert_allclose(10 ** -rarity.apply(far), 0.01 / (1 + (far - 99) / tail))
    np.testing.assert_allclose(10 ** rarity.apply(np.array([-30.0])), 1 / (1 + 30 / tail))


@settings(max_examples=50)
@given(SCORES, st.lists(FINITE, min_size=2, max_size=20, unique=True))
def test_the_order_is_kept_strictly_within_and_beyond_the_scores(scores, raw):
    rarity = fit_rarity(scores)
    assert len(rarity.raw) <= 2 * KNOTS + KNOTS * np.log10(len(scores)) + 3
    assert (np.diff(rarity.raw) > 0).all()
    assert (np.diff(rarity.score) > 0).all()
    # as far apart as 32-bit outputs of this size can tell
    apart = np.sort(np.array(raw))
    apart = apart[np.concatenate([[True], np.diff(apart) > 1e-3])]
    assert (np.diff(rarity.apply(apart)) > 0).all()


@settings(max_examples=50)
@given(SCORES, st.data())
def test_a_threshold_flags_the_same_rows_on_either_scale(scores, data):
    rarity = fit_rarity(scores)
    limit = np.array(data.draw(st.sampled_from(scores.tolist())))
    flagged = rarity.apply(scores.astype(np.float64)) >= rarity.apply(limit)
    np.testing.assert_array_equal(flagged, scores >= limit)


def test_the_knots_of_many_scores_are_few_and_dense_in_the_tail():
    scores = np.sort(np.random.default_rng(0).exponential(size=100_000))
    rarity = fit_rarity(scores)
    assert len(rarity.raw) < 700
    for share in (0.5, 0.1, 1e-2, 1e-3, 1e-4):
        told = 10 ** -rarity.apply(scores[-round(share * len(scores))])
        assert told == pytest.approx(share, rel=0.02)


def test_the_unit_of_errors_is_the_fold_models():
    fold = make_small_problem().folds()[0]
    # one target: each fold's own residual, in the data's units
    scales = ((2.0, 2.0 / 3.0), (4.0, 4.0 / 3.0))
    folds = [
        replace(fold, targets=Scaling((0.0,), (own,)), error_scale=np.array([scale], np.float32))
        for own, scale in scales
    ]
    unit = carried_residual([np.array([9.0])], [0.25, 1.0], folds)
    np.testing.assert_allclose(unit, [(0.5 + 1.0) / 2 * 3.0])
    # two: the refits say how it divides, 3 to 4 on average, with a mean square of 1
    folds = [replace(fold, targets=Scaling((0.0, 0.0), (1.0, 1.0)), error_scale=np.ones(2, np.float32))]
    unit = carried_residual([np.array([2.0, 5.0]), np.array([4.0, 3.0])], [1.0], folds)
    np.testing.assert_allclose(unit, np.array([3.0, 4.0]) / np.sqrt(12.5))
