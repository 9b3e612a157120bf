"""Events, and what flagged rows are worth."""

from dataclasses import dataclass

import numpy as np

from tuner.data.series import Bools, Ints


@dataclass(frozen=True)
class Flagged:
    """The quality of flags: precision, recall and F1 of rows, and events caught of events present."""

    precision: float
    recall: float
    f1: float
    caught: int
    events: int


def judge_flags(flags: Bools, labels: Bools, events: Ints) -> Flagged:
    """Judges flags, (m,), by the labels, (m,), of events numbered as by `number_events`, (m,)."""
    right, flagged, present = int((flags & labels).sum()), int(flags.sum()), int(labels.sum())
    return Flagged(
        precision=right / flagged if flagged else 0.0,
        recall=right / present if present else 0.0,
        f1=2 * right / (flagged + present) if flagged + present else 0.0,
        caught=len(np.unique(events[flags & labels])),
        events=len(np.unique(events[labels])),
    )


def number_events(rows: Ints, labels: Bools) -> Ints:
    """The number of the event that each scored row belongs to, (m,), from 0 on; -1 for a normal row.

    Args:
        rows: (m,) where the scored rows lie; anomalous ones next to each other are one event.
        labels: (m,).
    """
    goes_on = np.concatenate([[False], labels[:-1] & (np.diff(rows) == 1)])
    return np.where(labels, np.cumsum(labels & ~goes_on) - 1, -1)
