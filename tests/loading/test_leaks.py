"""Columns made from the label are told from measurements, however they are made."""

import numpy as np
import pytest

from tuner.data.series import Bools, Floats
from tuner.loading.leaks import Telling, telling

RNG = np.random.default_rng(0)
ROWS = 3000
NOISE = RNG.normal(size=ROWS)


def events(length: int = 6, every: int = 97) -> Bools:
    begin = np.arange(ROWS) % every
    return (begin < length + np.arange(ROWS) // every % 3) & (np.arange(ROWS) > every)


LABEL = events()
START = LABEL & ~np.roll(LABEL, 1)
END = LABEL & ~np.roll(LABEL, -1)
NUMBER = np.cumsum(START)
SINCE = np.arange(ROWS) - np.maximum.accumulate(np.where(LABEL, np.arange(ROWS), 0))


def smooth(width: int) -> Floats:
    return np.convolve(LABEL, np.ones(width) / width, mode="same")


DERIVED = {
    "a copy": LABEL,
    "the opposite": ~LABEL,
    "other numbers": np.where(LABEL, -3, 8),
    "a copy in noise": LABEL + 0.05 * NOISE,
    "a score": np.where(LABEL, 0.8, 0.1) + 0.05 * NOISE,
    "a severity": np.where(LABEL, np.abs(NOISE) + 0.01, 0),
    "a row later": np.roll(LABEL, 1),
    "five rows earlier": np.roll(LABEL, -5),
    "widened": np.convolve(LABEL, np.ones(9), mode="same") > 0,
    "smoothed": smooth(5),
    "where events begin": START,
    "where they end": END,
    "both ends": START | END,
    "some rows after they begin": np.roll(START, 8),
    "their number so far": NUMBER,
    "their number, else 0": NUMBER * LABEL,
    "rows since the last one": SINCE,
    "kinds of three": np.array([0, 5, 2, 9])[(1 + NUMBER % 3) * LABEL],
    "one kind of three": LABEL & (NUMBER % 3 == 1),
    "with a few missing": np.where(np.arange(ROWS) % 50 == 7, np.nan, LABEL),
}
MEASURED = {
    "noise": NOISE,
    "a jump in noise": NOISE + 3 * LABEL,
    "a jump on a wave": 5 * np.sin(np.arange(ROWS) / 5) + 0.5 * NOISE + 6 * LABEL,
    "a switch": np.arange(ROWS) // 50 % 2,
    "a rare switch elsewhere": np.arange(ROWS) % 89 < 4,
    "a rare switch, now and then with events": (np.arange(ROWS) % 89 < 4) | (LABEL & (NUMBER % 4 == 0)),
    "a switch within some events": LABEL & (NUMBER % 4 == 0) & ~START,
    "steps": np.arange(ROWS) // 200,
    "one step at an event": np.arange(ROWS) >= np.flatnonzero(START)[9],
    "constant": np.ones(ROWS),
    "missing": np.full(ROWS, np.nan),
}


@pytest.mark.parametrize("name", DERIVED)
def test_what_is_derived_from_the_label(name: str) -> None:
    assert telling(DERIVED[name].astype(np.float64), LABEL) == Telling.DERIVED


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_measured(name: str) -> None:
    assert telling(MEASURED[name].astype(np.float64), LABEL) == Telling.NOT


def test_a_clear_measurement_is_no_more_than_suspect() -> None:
    assert telling(NOISE.clip(-2, 2) + 4.2 * LABEL, LABEL) == Telling.PERFECTLY


@pytest.mark.parametrize("label", [np.zeros(ROWS, dtype=bool), np.ones(ROWS, dtype=bool)])
def test_without_both_classes_nothing_tells(label: Bools) -> None:
    assert telling(label.astype(np.float64), label) == Telling.NOT


def test_a_copy_may_be_further_away_than_events_are_long() -> None:
    short = events(2)
    assert telling(np.roll(short, 8).astype(np.float64), short) == Telling.DERIVED
    assert telling(np.roll(short, 8) + 0.05 * NOISE, short) == Telling.DERIVED


def test_one_step_near_the_only_event_may_be_chance() -> None:
    row = np.arange(ROWS)
    assert telling((row >= 1510).astype(np.float64), (row >= 1500) & (row < 1520)) == Telling.NOT


def test_few_anomalous_rows_are_told_by_any_column_now_and_then() -> None:
    label = np.arange(ROWS) == NOISE.argmax()
    assert telling(NOISE, label) == Telling.NOT
