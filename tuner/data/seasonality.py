"""Measures of signals: their rhythm, their memory, their drift, and whether anything beats forecasting no change.

Signals are the values of several series, (rows, columns) each, of at least 6 rows and without constant columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.data.series import Floats

FEWEST_ROWS = 6  # of a signal
LONGEST_LAG = 2000  # rows
CLEAR_PEAK = 0.2  # of the autocorrelation at a period, and how far it must rise above the trough before


@dataclass(frozen=True)
class Rhythm:
    """The course of signals.

    Attributes:
        periods: rows until they repeat themselves: the shortest time after which they clearly do, and the one after
            which they do most (a day, a week), often the same; empty if they do not.
        strength: their autocorrelation after the first period.
        memory: rows until their autocorrelation falls below 1/e, at least 1.
    """

    periods: tuple[int, ...]
    strength: float
    memory: int

    @property
    def period(self) -> int | None:
        return self.periods[0] if self.periods else None


def typical_length(lengths: Sequence[int]) -> int:
    """The length of the series in which the middle row lies: half of all rows are in series at least this long."""
    ordered = np.sort(lengths)
    return int(ordered[np.searchsorted(np.cumsum(ordered), ordered.sum() / 2)])


def as_signals(series: Sequence[Floats]) -> list[Floats]:
    """The series that can be measured: those of typical length or more, without columns that are constant there."""
    typical = max(typical_length([len(one) for one in series]), FEWEST_ROWS) if series else 0
    moving = [one[:, one.max(axis=0) > one.min(axis=0)] for one in series if len(one) >= typical]
    return [one for one in moving if one.shape[1]]


def find_rhythm(signals: Sequence[Floats]) -> Rhythm:
    """The rhythm that the signals have in common."""
    correlation = autocorrelation(signals)
    periods = find_periods(correlation)
    # the first lag below 1/e, or the last one known
    below = np.flatnonzero(correlation < np.exp(-1))
    memory = int(below[0]) if len(below) else len(correlation) - 1
    return Rhythm(periods, float(correlation[periods[0]]) if periods else 0.0, memory)


def autocorrelation(signals: Sequence[Floats]) -> Floats:
    """The mean autocorrelation without linear trend at lags from 0 to a third of the shortest series, (lags,)."""
    lags = min(min(map(len, signals)) // 3, LONGEST_LAG) + 1
    covariance = np.zeros(lags)
    for signal in signals:
        rows = len(signal)
        clock = np.linspace(-1.0, 1.0, rows)[:, None]
        level = signal - signal.mean(axis=0)
        level = level - clock * (clock * level).sum(axis=0) / (clock**2).sum()
        spread = level.std(axis=0)
        level = level[:, spread > 1e-9 * signal.std(axis=0)] / spread[spread > 1e-9 * signal.std(axis=0)]
        power = np.abs(np.fft.rfft(level, n=2 * rows, axis=0)) ** 2  # padded, or else the ends would meet
        covariance += np.fft.irfft(power.sum(axis=1), n=2 * rows)[:lags] * rows / (rows - np.arange(lags))
    return np.asarray(covariance / covariance[0] if covariance[0] > 0 else np.eye(1, lags)[0])


def find_periods(correlation: Floats) -> tuple[int, ...]:
    """The lags of an autocorrelation's first peak nearly as high as the highest, and of the highest.

    The first is a rhythm's own: later peaks are mostly its multiples, a little higher only by chance. One rhythm
    within another (a day within a week) makes the highest one better to forecast from.
    """
    inner = correlation[1:-1]
    peaks = np.flatnonzero((inner >= correlation[:-2]) & (inner > correlation[2:])) + 1
    trough = np.minimum.accumulate(correlation)
    peaks = peaks[correlation[peaks] > CLEAR_PEAK + np.maximum(trough[peaks], 0.0)]
    if len(peaks) == 0:
        return ()
    highest = int(peaks[correlation[peaks].argmax()])
    first = int(peaks[correlation[peaks] > 0.8 * correlation[highest]][0])
    first += int(correlation[first : first + first // 4 + 1].argmax())  # past small peaks on the way up
    return tuple(dict.fromkeys((first, highest)))


def drift(signals: Sequence[Floats]) -> float:
    """The move of the level from the first third to the last, in standard deviations within a third; a median."""
    moves = []
    for signal in signals:
        thirds = np.array_split(signal, 3)
        move = np.abs(thirds[2].mean(axis=0) - thirds[0].mean(axis=0))
        spread = np.mean([third.std(axis=0) for third in thirds], axis=0)
        moves.append(move / np.maximum(spread, 1e-9 * signal.std(axis=0)))
    return float(np.median(np.concatenate(moves)))


def no_change(signals: Sequence[Floats]) -> float:
    """The squared error of forecasting no change from row to row, as a share of forecasting the mean; a median.

    It is 2 (1 - r), with r the autocorrelation from one row to the next: 2 for noise, near 0 for a random walk.
    """
    shares = [(np.diff(signal, axis=0) ** 2).mean(axis=0) / signal.var(axis=0) for signal in signals]
    return float(np.median(np.concatenate(shares)))
