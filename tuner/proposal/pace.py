"""The pace of a study: longer rows, fewer windows and fewer trials, where all would take far longer than an hour."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from tuner.data.folds import Problem
from tuner.proposal.profile import Profile
from tuner.spec.sections import Spec, StudySection

HOUR = 3600.0
TRIALS = int(StudySection.model_fields["trials"].default)
FEWEST_TRIALS = 20  # so that the sampler learns from some
MANY_ROWS = 100_000  # from here on rows may be put together,
ENOUGH_ROWS = 50_000  # to about so many,
EVENT_ROWS = 4  # as long as an event keeps so many,
PERIOD_ROWS = 24  # and a period, or three times the memory, so many
# lengths of time that people use, by their seconds
LENGTHS = {
    **{n: f"{n}s" for n in (1, 2, 5, 10, 15, 30)},
    **{60 * n: f"{n}min" for n in (1, 2, 5, 10, 15, 30)},
    **{3600 * n: f"{n}h" for n in (1, 2, 3, 6, 12, 24)},
}

Timed = Callable[[Spec, Problem], Callable[[int, int], float]]


@dataclass(frozen=True)
class Pace:
    """What keeps a study to about an hour.

    Attributes:
        stride: rows from one window to the next.
        trials: how many.
        seconds: that they take, about; None where there are so few rows that nobody asked.
    """

    stride: int = 1
    trials: int = TRIALS
    seconds: float | None = None


def find_length(found: Profile) -> str | None:
    """The length of a row, as `[data] every` says it, where there are many more rows than a study needs."""
    rhythm = (found.level.period or 3 * found.level.memory) / PERIOD_ROWS
    times = min(found.rows / ENOUGH_ROWS, rhythm, found.event / EVENT_ROWS if found.seen else math.inf)
    if found.rows < MANY_ROWS or times < 2:
        return None
    if not found.dated:
        return f"{math.floor(times) * found.step:g}"
    fitting = [said for seconds, said in LENGTHS.items() if 2 * found.step <= seconds * 1e9 <= times * found.step]
    return fitting[-1] if fitting else None


def find_pace(seconds: Callable[[int, int], float], longest: int) -> Pace:
    """The pace of about an hour, if it can be reached: windows are thinned first, and then trials.

    Args:
        seconds: that a study of so many trials takes, with a window every so many rows.
        longest: the stride beyond which rows or events are lost.
    """
    stride = next((rows for rows in range(1, longest) if seconds(TRIALS, rows) <= HOUR), longest)
    trials = next((n for n in range(TRIALS, FEWEST_TRIALS, -1) if seconds(n, stride) <= HOUR), FEWEST_TRIALS)
    return Pace(stride, trials, seconds(trials, stride))
