"""Overlap of sequences: found in whatever order they come, and never where rows are alike by chance."""

import numpy as np
import pytest

from tests.archives import read_archive
from tuner.data.overlap import place_sequences, shares_rows
from tuner.data.sequences import read_sequences
from tuner.data.series import Floats, Ints


def walk(rows: int = 300, columns: int = 2, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(rows, columns)).cumsum(axis=0)


def cut(series: Floats | Ints, length: int = 20, stride: int = 1) -> Floats:
    return np.stack([series[start : start + length] for start in range(0, len(series) - length + 1, stride)])


@pytest.mark.parametrize("stride", [1, 3, 10])
@pytest.mark.parametrize("levels", [None, 3, 50])
def test_shuffled_windows_are_laid_where_they_were_cut(stride, levels) -> None:
    rng = np.random.default_rng(1)
    series = walk() if levels is None else rng.integers(0, levels, size=(300, 1))
    length = 20 if levels is None else 40
    windows = cut(series, length, stride)
    order = rng.permutation(len(windows))
    placement = place_sequences(read_sequences(windows[order]))
    assert set(placement.stretch) == {0}
    assert (placement.place == order * stride).all()
    assert placement.shared == length - stride


def test_windows_of_two_series_make_two_stretches() -> None:
    placement = place_sequences(read_sequences(np.concatenate([cut(walk()), cut(walk(seed=1))])))
    assert placement.stretch.tolist() == [0] * 281 + [1] * 281
    assert placement.place.tolist() == [*range(281)] * 2


def test_sequences_of_unequal_lengths_are_laid_too() -> None:
    series = walk(100)
    pieces = [series[10:40], series[0:25], series[39:80], series[60:61], series[50:75]]
    placement = place_sequences(read_sequences([pieces[0], pieces[1], pieces[2], pieces[4]]))
    assert placement.place.tolist() == [10, 0, 0, 11]
    assert placement.stretch.tolist() == [0, 0, 1, 1], "one row alone does not join"


@pytest.mark.parametrize("levels", [2, 3, 10, 100])
def test_independent_sequences_of_few_levels_stand_alone(levels) -> None:
    drawn = np.random.default_rng(2).integers(0, levels, size=(200, 30, 1))
    placement = place_sequences(read_sequences(drawn))
    assert len(set(placement.stretch)) == 200
    assert placement.shared == 0


@pytest.mark.parametrize("name", ["BasicMotions", "GunPoint", "JapaneseVowels", "Covid3Month"])
def test_real_sequences_that_were_measured_apart_stand_alone(name) -> None:
    train, test = (read_sequences(part.steps) for part in read_archive(name))
    assert len(set(place_sequences(train).stretch)) == len(train)
    assert not shares_rows(train, test).any()


def test_equal_sequences_lie_at_one_place_and_constant_ones_alone() -> None:
    one = walk(20)
    placement = place_sequences(read_sequences([one, walk(20, seed=1), one, np.ones((20, 2)), np.ones((20, 2))]))
    assert placement.stretch[0] == placement.stretch[2]
    assert placement.place.tolist() == [0] * 5
    assert len(set(placement.stretch)) == 4


def test_windows_of_a_periodic_series_are_one_stretch() -> None:
    sine = np.sin(np.arange(300) * 2 * np.pi / 16).round(6)[:, None]
    assert len(set(place_sequences(read_sequences(cut(sine))).stretch)) == 1


@pytest.mark.parametrize("gap", [0, 5, 19, 20])
def test_validation_sequences_that_share_rows_are_counted(gap) -> None:
    windows = cut(walk())
    marks = shares_rows(read_sequences(windows[:200]), read_sequences(windows[200 + gap :]))
    # the last training window ends in row 218; an overlap of one row alone says nothing
    assert marks.sum() in {max(0, 19 - gap), max(0, 18 - gap)}
