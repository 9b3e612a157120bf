"""The block bootstrap: by hand, and against scikit-learn with each window counted as often as it was drawn."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t
from sklearn.metrics import average_precision_score, f1_score

from tests.making import known
from tuner.data.windows import make_windows
from tuner.evaluation.bootstrap import DRAWS, Draws, Variance, cut_blocks, draw_blocks, jackknife, total_error


def test_blocks_by_hand():
    first = np.array([*range(10), *range(20, 24)])
    assert cut_blocks(first, np.zeros(14, np.int64), 3).tolist() == [0] * 4 + [1] * 3 + [2] * 3 + [3] * 4
    # so long that they share rows across the gap
    assert cut_blocks(first, np.zeros(14, np.int64), 20).tolist() == [0] * 14
    # every third row begins one
    assert cut_blocks(3 * np.arange(8), np.zeros(8, np.int64), 6).tolist() == [0, 0, 0, 1, 1, 2, 2, 2]


def test_a_block_ends_with_its_series_though_the_rows_go_on():
    assert cut_blocks(np.arange(6), np.array([0, 0, 0, 1, 1, 1]), 2).tolist() == [0, 0, 0, 1, 1, 1]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(1, 5), st.integers(0, 2), st.randoms())
@settings(max_examples=50)
def test_blocks_hold_what_shares_rows_and_those_apart_share_none(lengths, length, horizon, rng):
    windows = make_windows([*lengths, 20], length, horizon)
    kept = np.array(sorted(rng.sample(range(len(windows)), rng.randint(1, len(windows)))))
    first, series = windows.first[kept], windows.series[kept]
    reach = length + horizon
    blocks = cut_blocks(first, series, reach)
    assert np.isin(np.diff(blocks), [0, 1]).all()
    inside = np.diff(blocks) == 0
    assert (np.diff(first)[inside] < reach).all()
    assert (np.diff(series)[inside] == 0).all()
    # of neighbouring blocks the ends may share rows, of others nothing does
    for block in range(int(blocks[-1]) - 1):
        one, other = blocks == block, blocks == block + 2
        assert series[one][-1] != series[other][0] or first[other].min() - first[one].max() >= reach


def test_there_is_no_draw_of_fewer_than_ten_blocks():
    assert draw_blocks(np.arange(9), (0,)) is None
    assert draw_blocks(np.arange(0), (0,)) is None
    assert draw_blocks(np.arange(10), (0,)) is not None


def test_a_draw_has_as_many_blocks_as_there_are_and_hangs_on_the_seed():
    blocks = np.repeat(np.arange(12), 3)
    draws, same, other = (draw_blocks(blocks, seed) for seed in ((1, 2), (1, 2), (2, 2)))
    assert draws is not None and same is not None and other is not None
    assert draws.counts.shape == (DRAWS, 12)
    assert (draws.counts.sum(axis=1) == 12).all()
    assert np.array_equal(draws.counts, same.counts)
    assert not np.array_equal(draws.counts, other.counts)
    assert draws.counts.mean(axis=0) == pytest.approx(np.ones(12), abs=0.15)


def drawn(seed: int, levels: int = 8) -> tuple[Draws, npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """A few draws of 12 blocks, scores of which many are equal, and labels."""
    rng = np.random.default_rng(seed)
    blocks = np.sort(rng.permutation(np.repeat(np.arange(12), rng.integers(2, 6, 12))))
    draws = known(draw_blocks(blocks, (seed,)))
    labels = rng.random(len(blocks)) < 0.3
    labels[0] = True
    return Draws(blocks, draws.counts[:25]), rng.integers(0, levels, len(blocks)) / levels, labels


@pytest.mark.parametrize("seed", range(4))
def test_the_mean_is_that_of_the_windows_drawn(seed):
    draws, values, counted = drawn(seed)
    for mean, counts in zip(draws.mean(values, counted), draws.counts, strict=True):
        times = counts[draws.blocks].astype(int) * counted
        assert mean == pytest.approx(np.repeat(values, times).mean())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [3, 1000])
def test_average_precision_and_f1_are_scikit_learns(seed, levels):
    draws, scores, labels = drawn(seed, levels)
    flags = scores >= 0.5
    found = zip(draws.average_precision(scores, labels), draws.f1(flags, labels), draws.counts, strict=True)
    for average_precision, f1, counts in found:
        weights = counts[draws.blocks]
        assert weights[labels].sum() > 0
        assert average_precision == pytest.approx(average_precision_score(labels, scores, sample_weight=weights))
        assert f1 == pytest.approx(f1_score(labels, flags, sample_weight=weights, zero_division=0.0))


def test_large_ones_are_worked_through_in_chunks(monkeypatch):
    draws, scores, labels = drawn(0)
    whole = draws.average_precision(scores, labels)
    monkeypatch.setattr("tuner.evaluation.bootstrap.CHUNK", 100)
    assert np.array_equal(draws.average_precision(scores, labels), whole)


def test_draws_without_an_anomalous_row_have_no_detection_metric():
    draws = Draws(np.array([0, 0, 1]), np.array([[1.0, 1.0], [0.0, 2.0], [2.0, 0.0]]))
    labels = np.array([True, False, False])
    assert draws.average_precision(np.array([2.0, 1.0, 3.0]), labels).tolist() == pytest.approx(
        [0.5, np.nan, 1.0], nan_ok=True
    )
    assert draws.f1(np.array([True, False, True]), labels).tolist() == pytest.approx([2 / 3, np.nan, 1.0], nan_ok=True)
    assert np.isnan(draws.mean(np.ones(3), np.array([True, True, False]))[1])


def test_the_variance_of_a_mean_is_as_theory_has_it_by_rows_and_by_members():
    values = np.random.default_rng(0).normal(size=2000)
    draws = known(draw_blocks(np.arange(2000) // 5, (0,)))
    assert np.var(draws.mean(values, np.ones(2000, bool))) == pytest.approx(1 / 2000, rel=0.1)
    without = (values[:8].sum() - values[:8]) / 7
    assert jackknife(without) == pytest.approx((values[:8].var(ddof=1) / 8, 7))


def test_variances_are_added_and_multiplied_by_a_quantile_of_t():
    assert total_error([Variance(4.0, 7)]) == pytest.approx((2.0, 2.0 * t.ppf(0.975, 7)))
    freedom = 5.0**2 / (3.0**2 / 3 + 2.0**2 / 2)
    assert total_error([Variance(3.0, 3), Variance(2.0, 2)])[1] == pytest.approx(5**0.5 * t.ppf(0.975, freedom))
    assert total_error([Variance(0.0, 3)]) == (0.0, 0.0)
