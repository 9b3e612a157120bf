"""The pace of a study: longer rows, fewer windows and fewer trials, where all would take far longer than an hour."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuner.data.folds import FoldData, make_problem
from tuner.data.series import Dataset
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
TIMED_ROWS = 20_000  # windows that suffice to tell how long one of many takes

Timed = Callable[[Spec, Sequence[FoldData]], float]


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


def find_pace(spec: Spec, data: Dataset, timed: Timed, longest: int) -> Pace:
    """The pace of about an hour, if it can be reached: windows are thinned first, and then trials.

    Args:
        spec: the study at full pace.
        data: its data set.
        timed: the seconds that a study takes on these folds, about.
        longest: the stride beyond which rows or events are lost.
    """

    # timed on thinned windows, which is quick: an epoch takes as long as it has windows
    thin = max(1, min(-(-data.rows // TIMED_ROWS), longest))
    paced = spec.model_copy(update={"task": spec.task.model_copy(update={"stride": thin})})
    whole = timed(paced, make_problem(paced, data).folds()) * thin
    if whole <= HOUR:
        return Pace(seconds=whole)
    stride = min(math.ceil(whole / HOUR), longest)
    trials = min(TRIALS, max(FEWEST_TRIALS, round(TRIALS * HOUR * stride / whole)))
    return Pace(stride, trials, whole / stride * trials / TRIALS)
