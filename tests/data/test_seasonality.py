"""Rhythm, memory and drift that were put into a signal are found, and none where there is none."""

import numpy as np
import pytest

from tests.making import ROWS, noise, walk, wave
from tuner.data.seasonality import as_signals, drift, find_rhythm, no_change
from tuner.data.series import Floats


def periods(*series: Floats) -> tuple[int, ...]:
    """The periods of series of one column."""
    signals = as_signals([one.reshape(len(one), -1) for one in series])
    return find_rhythm(signals).periods if signals else ()


@pytest.mark.parametrize("period", [7, 24, 48, 100, 288])
def test_the_period_of_a_noisy_wave_with_a_trend_is_found(period: int) -> None:
    signal = wave(period) + 0.5 * noise() + np.linspace(0, 3, ROWS)
    found = find_rhythm([signal[:, None]]).period
    assert found is not None
    assert abs(found - period) <= max(1, 0.03 * period)


def test_a_rhythm_is_as_strong_at_a_long_period_as_at_a_short_one() -> None:
    assert find_rhythm([wave(300)[:, None]]).strength > 0.9


def test_a_day_within_a_week_is_the_first_period_and_the_week_the_other() -> None:
    weekly = np.where(np.arange(5040) // 24 % 7 >= 5, 0.6, 1.0)
    day, most = periods(weekly * wave(24, 5040) + 0.1 * noise(5040))
    assert day == 24
    assert most % 168 == 0


def test_series_share_their_periods_and_much_shorter_ones_do_not_count() -> None:
    day = wave(24, 130) + 0.1 * noise(130)
    assert periods(day, np.column_stack([day, day])[:90], noise(8))[0] == 24


@pytest.mark.parametrize(
    "series",
    [
        [],
        [np.zeros(50)],
        [np.arange(100.0)],
        [noise()],
        [np.diff(walk())],
        [wave(12, 30)],  # fewer than three of them
        [noise(5)],
    ],
    ids=["nothing", "constant", "trend", "noise", "random walk", "too short", "too few rows"],
)
def test_where_nothing_is_repeated_there_is_no_period(series: list[Floats]) -> None:
    assert periods(*series) == ()


@pytest.mark.parametrize("memory", [2, 5, 12, 30])
def test_memory_of_an_autoregression(memory: int) -> None:
    rows = 30_000
    signal = np.convolve(noise(rows), np.exp(-np.arange(10 * memory) / memory))[:rows]
    assert abs(find_rhythm([signal[:, None]]).memory - memory) <= 1 + 0.15 * memory


def test_drift_is_in_standard_deviations_and_noise_has_none() -> None:
    assert drift([noise()[:, None]]) < 0.3
    assert drift([(noise() + np.linspace(0, 6, ROWS))[:, None]]) == pytest.approx(4, rel=0.25)


def test_no_change_errs_twice_the_variance_of_noise_and_little_of_a_walk() -> None:
    assert no_change([noise()[:, None]]) == pytest.approx(2, rel=0.1)
    assert no_change([walk()[:, None]]) < 0.05
