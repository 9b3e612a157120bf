"""The embedded market: simulated sessions of minute bars with labelled anomalies of six kinds.

Normal bars follow a stochastic volatility model (Taylor 1986, Modelling Financial Time Series): a Gaussian
return times a volatility whose logarithm adds a fast and a slow autoregression, the U-shape of the day
(Andersen & Bollerslev 1997, J. Empirical Finance 4) and news that fade. Volume and spread feel the same mood
and news (Tauchen & Pitts 1983, Econometrica 51). The stylised facts of Cont (2001, Quantitative Finance 1)
follow: fat tails though every moment is finite, clustered volatility, uncorrelated returns.

Anomalies, subtle to blatant, have innocent doubles among normal bars: news move price, volume and spread at
once; a block lifts the volume of one bar; quotes thin out for a few; in a lull the price stands still.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tuner.data.series import Floats

RAW = ("return", "range", "volume", "spread", "imbalance")
DERIVED = ("volatility", "surge")
LOOKBACK = 20  # the features of row t depend on the bars of rows t - LOOKBACK to t, and on no others
SHORTEST_DAY, FULL_DAY = 60, 390  # minutes: LEAD, the longest event and TAIL just fit; 09:30 to 16:00
LEAD, TAIL, APART = 32, 8, 12  # normal bars before the first event, after the last, and at least between two

_FIRST_DAY, _OPENING = np.datetime64("2024-01-02"), np.timedelta64(9 * 60 + 30, "m")
_OPENING_PRICE, _TICK, _BASIS_POINTS = 100.0, 0.01, 1e4
_DECIMALS = 4  # processors differ in the last bits of exp and log: rounding hides it
_DERIVED_DECIMALS = 8  # a mean of up to 20 values of 4 decimals never lies half-way between two of these


@dataclass(frozen=True)
class Event:
    """A run of consecutive anomalous bars: rows `first` to `past` - 1, all of one of the `KINDS`."""

    kind: str
    first: int
    past: int


@dataclass(frozen=True)
class Session:
    """One trading day.

    Attributes:
        bars: a row a minute: `time` (its start), the features `RAW` and `DERIVED`, `label` (1 if anomalous).
            `return`, `range` (high less low) and `spread` are in basis points, `volume` is the logarithm of
            the shares traded, `imbalance` the share bought by takers less the share sold, in (-1, 1).
        events: what `label` marks, in order.
    """

    bars: pd.DataFrame
    events: tuple[Event, ...]


@dataclass(frozen=True)
class _Tape:
    """Bars before rounding, each (rows,): `move` is the return; `scale`, which nobody sees, sizes anomalies."""

    move: Floats
    scale: Floats
    range: Floats
    volume: Floats
    spread: Floats
    imbalance: Floats

    def __len__(self) -> int:
        return len(self.move)

    def rows(self, first: int, past: int) -> "_Tape":
        return _Tape(*(column[first:past] for column in vars(self).values()))

    def with_rows(self, first: int, rows: "_Tape") -> "_Tape":
        pairs = zip(vars(self).values(), vars(rows).values(), strict=True)
        return _Tape(*(np.concatenate([old[:first], new, old[first + len(new) :]]) for old, new in pairs))


def simulate(sessions: int = 10, minutes: int = FULL_DAY, seed: int = 0) -> list[Session]:
    """Simulates consecutive weekdays; session i is the same however many are asked for.

    Args:
        sessions: how many days.
        minutes: bars a day; a shorter day has its own U-shape, and fewer events.
        seed: of all that is drawn.

    Raises:
        ValueError: if `sessions` is below 1, or `minutes` outside `SHORTEST_DAY` to `FULL_DAY`.
    """
    if sessions < 1 or not SHORTEST_DAY <= minutes <= FULL_DAY:
        raise ValueError(f"{sessions} sessions of {minutes} minutes: at least 1, {SHORTEST_DAY} to {FULL_DAY}")
    days = np.busday_offset(_FIRST_DAY, np.arange(sessions))
    seeds = np.random.SeedSequence(seed).spawn(sessions)
    return [_session(day, minutes, np.random.default_rng(one)) for day, one in zip(days, seeds, strict=True)]


def derive(raw: pd.DataFrame) -> pd.DataFrame:
    """The features `DERIVED`, (rows, 2), each from the last `LOOKBACK` rows of the same session alone.

    `volatility` is the mean absolute return, this row's included, in basis points; `surge` is the log volume
    less its mean over the rows before. Early rows average what there is; the very first has a surge of 0.
    """
    usual = raw["volume"].rolling(LOOKBACK, min_periods=1).mean().shift(1)
    volatility = raw["return"].abs().rolling(LOOKBACK, min_periods=1).mean()
    surge = (raw["volume"] - usual).fillna(0.0)
    return pd.DataFrame({"volatility": volatility, "surge": surge}).round(_DERIVED_DECIMALS)


def _session(day: np.datetime64, minutes: int, rng: np.random.Generator) -> Session:
    tape, events = _normal(minutes, rng), _plan(minutes, rng)
    label = np.zeros(minutes, dtype=np.int64)
    for event in events:
        change, strength = _ANOMALIES[event.kind][0], rng.random()
        tape = tape.with_rows(event.first, change(tape.rows(event.first, event.past), strength, rng))
        label[event.first : event.past] = 1
    raw = _observed(tape)
    time = pd.Series((day + _OPENING + np.arange(minutes)).astype("datetime64[s]"), name="time")
    return Session(pd.concat([time, raw, derive(raw), pd.Series(label, name="label")], axis=1), events)


def _normal(minutes: int, rng: np.random.Generator) -> _Tape:
    clock = (np.arange(minutes) + 0.5) / minutes
    mood = _ar1(rng, minutes, memory=90, deviation=0.55) + _ar1(rng, minutes, memory=8, deviation=0.35)
    news = _fade(_shocks(rng, minutes, rate=0.010, size=1.3), memory=5)
    lull = _fade(_shocks(rng, minutes, rate=0.006, size=2.0), memory=4)
    thin = _fade(_shocks(rng, minutes, rate=0.010, size=0.8), memory=2)
    block = _shocks(rng, minutes, rate=0.015, size=1.0)
    scale = 3.0 * np.exp(0.6 * (2 * clock - 1.1) ** 2 + 0.5 * mood + 0.6 * news)
    habit = _ar1(rng, minutes, memory=30, deviation=0.2) + 0.25 * rng.standard_normal(minutes)
    volume = 9.1 + 0.9 * (2 * clock - 1) ** 2 + 0.35 * mood + 0.6 * news - 0.4 * lull + block + habit
    spread = 0.6 + 0.7 * np.exp(-clock / 0.05) + 0.2 * mood + 0.3 * news + thin
    noise = rng.standard_normal(minutes)
    sigma = scale * np.exp(-lull)
    move = sigma * noise
    return _Tape(
        move=move,
        scale=scale,
        range=_high(move, sigma, rng) + _high(-move, sigma, rng),  # as if the extremes were independent
        volume=volume + 0.12 * np.abs(noise),
        spread=np.exp(spread + 0.12 * rng.standard_normal(minutes)),
        imbalance=np.tanh(0.4 * noise + 0.4 * rng.standard_normal(minutes)),
    )


def _high(move: Floats, sigma: Floats, rng: np.random.Generator) -> Floats:
    """The maximum of Brownian paths from 0 to `move`, by inverting its law (Glasserman 2004, section 6.4)."""
    return (move + np.sqrt(move**2 + 2 * sigma**2 * rng.standard_exponential(len(move)))) / 2


def _ar1(rng: np.random.Generator, rows: int, memory: float, deviation: float) -> Floats:
    """A stationary first-order autoregression whose autocorrelation falls to 1/e in `memory` rows."""
    shocks = deviation * rng.standard_normal(rows)
    shocks[1:] *= np.sqrt(1 - np.exp(-2 / memory))  # the first is drawn from the stationary law itself
    return _fade(shocks, memory)


def _shocks(rng: np.random.Generator, rows: int, rate: float, size: float) -> Floats:
    """Positive shocks at `rate` a row, 0 elsewhere; half-normal, so that their exponential has all moments."""
    return np.where(rng.random(rows) < rate, size * np.abs(rng.standard_normal(rows)), 0.0)


def _fade(shocks: Floats, memory: float) -> Floats:
    """The recursion x(t) = exp(-1 / memory) x(t - 1) + shocks(t), as a convolution."""
    return np.convolve(shocks, np.exp(-np.arange(len(shocks)) / memory))[: len(shocks)]


def _observed(tape: _Tape) -> pd.DataFrame:
    """The features `RAW`, (rows, 5): prices on the grid of ticks, whole shares."""
    price = _OPENING_PRICE * np.exp(np.cumsum(tape.move) / _BASIS_POINTS)
    ticks = np.round(np.concatenate([[_OPENING_PRICE], price]) / _TICK)
    returns, tick = _BASIS_POINTS * np.diff(np.log(ticks)), _BASIS_POINTS / ticks[1:]
    spans = np.maximum(np.round(tape.range / tick) * tick, np.abs(returns))
    columns = (returns, spans, np.log(np.round(np.exp(tape.volume))), tape.spread, tape.imbalance)
    return pd.DataFrame(dict(zip(RAW, columns, strict=True))).round(_DECIMALS)


def _plan(minutes: int, rng: np.random.Generator) -> tuple[Event, ...]:
    """Two to four events of different kinds a full day, anywhere that LEAD, TAIL and APART leave room."""
    count = max(1, round(float(rng.integers(2, 5)) * minutes / FULL_DAY))
    kinds = [KINDS[number] for number in rng.permutation(len(KINDS))[:count]]
    lengths = np.array([rng.integers(*_ANOMALIES[kind][1:], endpoint=True) for kind in kinds])
    room = minutes - LEAD - TAIL - lengths.sum() - APART * (count - 1)
    waits = np.sort(rng.integers(0, room, count, endpoint=True))
    firsts = LEAD + waits + APART * np.arange(count) + np.cumsum(lengths) - lengths
    return tuple(map(Event, kinds, firsts.tolist(), (firsts + lengths).tolist()))


def _flash_crash(rows: _Tape, strength: float, rng: np.random.Generator) -> _Tape:
    """Price falls in a third of the time and rebounds, wholly or almost, in heavy trade and thin quotes."""
    depth = (6 + 14 * strength) * rows.scale.mean()
    turns = [0, len(rows) // 3, len(rows)], [0, -depth, -depth * rng.uniform(0, 0.3)]
    path = np.interp(np.arange(1, len(rows) + 1), *turns)
    volume, spread = rows.volume + 0.5 + 0.8 * strength, rows.spread * (1.4 + 0.8 * strength)
    return _displaced(replace(rows, volume=volume, spread=spread), path)


def _volume_burst(rows: _Tape, strength: float, rng: np.random.Generator) -> _Tape:
    """Much is traded, as much bought as sold, and the price does not answer."""
    burst = (1.0 + 1.2 * strength) * rng.uniform(0.7, 1.3, len(rows))
    return replace(rows, volume=rows.volume + burst, imbalance=rows.imbalance / 2)


def _stuck_feed(rows: _Tape, strength: float, rng: np.random.Generator) -> _Tape:
    """The feed repeats a bar while its price stands still; the weaker, the more bars get through and catch up."""
    fresh = rng.random(len(rows)) < 0.3 * (1 - strength)
    fresh[0], fresh[-1] = False, True  # the last bar catches up, so that later prices are the true ones
    bar = np.maximum.accumulate(np.where(fresh, np.arange(len(rows)), 0))
    price = np.cumsum(rows.move)[bar] * np.logical_or.accumulate(fresh)
    move = np.diff(price, prepend=0.0)
    moved = np.where(fresh, np.maximum(rows.range, np.abs(move)), 0.0)
    return _Tape(move, rows.scale, moved, rows.volume[bar], rows.spread[bar], rows.imbalance[bar])


def _fat_finger(rows: _Tape, strength: float, rng: np.random.Generator) -> _Tape:
    """One absurd trade: within a bar it widens the range, at its close it moves the price until the next."""
    size = (5 + 9 * strength) * rows.scale[0]
    if len(rows) == 1:
        return replace(rows, range=rows.range + size)
    return _displaced(rows, np.array([size * rng.choice([-1.0, 1.0]), 0.0]))


def _spread_blow_out(rows: _Tape, strength: float, rng: np.random.Generator) -> _Tape:
    """Market makers step back: wide quotes, a little less trade."""
    wider = np.exp((0.5 + 0.9 * strength) * rng.uniform(0.6, 1.4, len(rows)))
    return replace(rows, spread=rows.spread * wider, volume=rows.volume - 0.2)


def _volatility_drift(rows: _Tape, strength: float, rng: np.random.Generator) -> _Tape:
    """Moves grow bar by bar, without the volume and the spread that news would bring."""
    ramp = np.linspace(rng.uniform(1.2, 1.8), 3 + 3 * strength, len(rows))
    return replace(rows, move=rows.move * ramp, range=rows.range * ramp)


def _displaced(rows: _Tape, path: Floats) -> _Tape:
    """The rows with a `path` of the price, in basis points, laid over them."""
    change = np.diff(path, prepend=0.0)
    return replace(rows, move=rows.move + change, range=rows.range + np.abs(change))


_Change = Callable[[_Tape, float, np.random.Generator], _Tape]  # rows and strength (0 subtle, 1 blatant)
_ANOMALIES: dict[str, tuple[_Change, int, int]] = {  # with the fewest and the most bars that it lasts
    "flash crash": (_flash_crash, 5, 11),
    "volume burst": (_volume_burst, 5, 11),
    "stuck feed": (_stuck_feed, 5, 11),
    "fat finger": (_fat_finger, 1, 2),
    "spread blow-out": (_spread_blow_out, 5, 11),
    "volatility drift": (_volatility_drift, 12, 20),
}
KINDS = tuple(_ANOMALIES)
