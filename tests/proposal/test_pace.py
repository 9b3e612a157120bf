"""A study that would take far longer than an hour gets fewer windows, then fewer trials, and its time is said."""

import pytest

from tuner.proposal.pace import FEWEST_TRIALS, HOUR, TRIALS, Pace, find_pace


@pytest.mark.parametrize(
    ("hours", "pace"),
    [
        (0.5, Pace(1, TRIALS, 0.5 * HOUR)),
        (3.0, Pace(3, TRIALS, HOUR)),
        (12.0, Pace(8, round(TRIALS * 8 / 12), HOUR * 12 / 8 * round(TRIALS * 8 / 12) / TRIALS)),
        (80.0, Pace(8, FEWEST_TRIALS, 10 * HOUR * FEWEST_TRIALS / TRIALS)),
    ],
)
def test_windows_are_thinned_and_then_trials(hours: float, pace: Pace) -> None:
    found = find_pace(lambda trials, stride: hours * HOUR * trials / TRIALS / stride, longest=8)
    assert (found.stride, found.trials) == (pace.stride, pace.trials)
    assert found.seconds == pytest.approx(pace.seconds, rel=0.05)
