"""Scaling by mean and standard deviation, which constant columns survive."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tuner.data.folds import fit_scaling


def test_by_hand():
    scaling = fit_scaling(np.array([[1.0, 10.0], [3.0, 30.0]]))
    assert scaling.mean.tolist() == [2.0, 20.0]
    assert scaling.deviation.tolist() == [1.0, 10.0]
    assert scaling.apply(np.array([[5.0, 10.0]])).tolist() == [[3.0, -1.0]]


@given(st.integers(2, 50), st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(0, 2**32 - 1))
def test_the_fitted_rows_have_mean_0_and_deviation_1(rows, mean, deviation, seed):
    values = mean + deviation * np.random.default_rng(seed).normal(size=(rows, 3))
    scaled = fit_scaling(values).apply(values)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-5)


def test_a_column_constant_but_for_rounding_keeps_its_unit():
    values = np.column_stack([np.full(1000, 0.1), np.full(1000, 1e9) + 1e-7 * (np.arange(1000) % 2), np.zeros(1000)])
    scaling = fit_scaling(values)
    assert scaling.deviation.tolist() == [1.0, 1.0, 1.0]
    np.testing.assert_allclose(scaling.apply(values), 0, atol=1e-6)


def test_a_tiny_column_is_scaled_like_any_other():
    values = 1e-9 * np.array([[1.0], [2.0], [3.0]])
    assert fit_scaling(values).apply(values).std() == 1


def test_no_columns_give_no_scales():
    assert fit_scaling(np.empty((5, 0))).mean.shape == (0,)
