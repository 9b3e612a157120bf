"""Measures of a signal: its rhythm, its memory, its drift, and whether anything beats forecasting no change.

Signals are the values of several series, (rows, columns) each, of at least 6 rows and without constant columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.data.series import Floats

LONGEST_LAG = 2000  # rows
SHORTEST_PERIOD = 4  # rows; faster ones are noise around a level
LEAST_PEAK = 0.3  # of a rhythm's autocorrelation at its period,
LEAST_RISE = 0.2  # and how far it must rise above the trough before


@dataclass(frozen=True)
class Rhythm:
    """How a signal goes on.

    Attributes:
        period: rows until it repeats itself, None if it does not.
        strength: its autocorrelation one period on.
        memory: rows until its autocorrelation falls below 1/e, at least 1.
    """

    period: int | None
    strength: float
    memory: int


def changing(signals: Sequence[Floats]) -> list[Floats]:
    """The signals without the columns that are constant in theirs, and those left with none."""
    moving = [signal[:, signal.max(axis=0) > signal.min(axis=0)] for signal in signals]
    return [signal for signal in moving if signal.shape[1]]


def rhythm(signals: Sequence[Floats]) -> Rhythm:
    """The rhythm that the signals have in common."""
    correlation = autocorrelation(signals)
    period = dominant_period(correlation)
    # the first lag below 1/e, or the last one known
    below = np.flatnonzero(correlation < np.exp(-1))
    memory = int(below[0]) if len(below) else len(correlation) - 1
    return Rhythm(period, float(correlation[period]) if period else 0.0, memory)


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


def dominant_period(correlation: Floats) -> int | None:
    """The lag of the first peak nearly as high as the highest, None without a clear one.

    Later peaks are mostly its multiples, a little higher only by chance.
    """
    inner = correlation[1:-1]
    peaks = np.flatnonzero((inner >= correlation[:-2]) & (inner > correlation[2:])) + 1
    trough = np.minimum.accumulate(correlation)
    clear = (correlation[peaks] > LEAST_PEAK) & (correlation[peaks] > trough[peaks] + LEAST_RISE)
    peaks = peaks[clear & (peaks >= SHORTEST_PERIOD)]
    if len(peaks) == 0:
        return None
    first = int(peaks[correlation[peaks] > 0.8 * correlation[peaks].max()][0])
    return first + int(correlation[first : first + first // 4 + 1].argmax())  # past small peaks on the way up


def drift(signals: Sequence[Floats]) -> float:
    """How far the level moves from the first third to the last, in standard deviations within a third; a median."""
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
