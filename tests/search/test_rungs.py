"""The default pruner, against the rule written out by hand."""

from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.making import make_finished, make_spec
from tuner.search.pruner import PruningCallback, is_audit
from tuner.search.rungs import RUNGS
from tuner.search.view import KnownTrial, StudyView
from tuner.spec.sections import LEAST_KNOWN

EPOCHS = 20
EIGHTHS = st.integers(-40, 40).map(lambda number: number / 8)
CURVES = st.lists(EIGHTHS, min_size=1, max_size=EPOCHS)
ENDS = st.sampled_from(["complete", "complete", "pruned", "failed"])


def share_at(epoch: int) -> float:
    """The share of known trials that may be better, between the rungs on a straight line."""
    place = epoch / EPOCHS
    for (left, high), (right, low) in pairwise(RUNGS):
        if left <= place <= right:
            return high + (low - high) * (place - left) / (right - left)
    return RUNGS[0][1] if place < RUNGS[0][0] else RUNGS[-1][1]


def by_hand(curve: list[float], others: list[tuple[str, list[float]]], *, maximise: bool) -> int | None:
    """The epoch after which the curve is ended."""
    best = max if maximise else min
    known = [(state, values) for state, values in others if state != "failed"]
    for epoch in range(2, len(curve) + 1):  # a tenth of 20 epochs
        better = 0
        for state, values in known:
            if state == "pruned" and len(values) < epoch:
                continue
            theirs, mine = best(values[:epoch]), best(curve[:epoch])
            better += theirs > mine if maximise else theirs < mine
        if len(known) >= LEAST_KNOWN and better + 1e-9 >= share_at(epoch) * (len(known) + 1):
            return epoch
    return None


@given(
    curve=CURVES,
    others=st.lists(
        st.tuples(st.sampled_from(["complete", "complete", "pruned", "failed"]), CURVES), min_size=5, max_size=16
    ),
    maximise=st.booleans(),
)
def test_it_decides_as_written_out_by_hand(curve, others, maximise) -> None:
    spec = make_spec(train={"max_epochs": EPOCHS}, study={"metric": "f1" if maximise else "loss"})
    finished = [make_finished(spec, number, values, state) for number, (state, values) in enumerate(others)]
    number = next(number for number in count(len(others) + 2) if not is_audit(spec.study.seed, number))
    callback = PruningCallback(StudyView(spec), number, finished)
    ended = next((e for e in range(1, len(curve) + 1) if callback.should_prune(e, curve[:e])), None)
    assert ended == by_hand(curve, others, maximise=maximise)


def survivors(finished: list[KnownTrial], values: list[float], epoch: int) -> int:
    """How many trials that stand at these values after so many epochs go on."""
    spec = make_spec(train={"max_epochs": EPOCHS})
    number = next(number for number in count(50) if not is_audit(spec.study.seed, number))
    return sum(not PruningCallback(StudyView(spec), number, finished).should_prune(epoch, [v] * epoch) for v in values)


def test_it_does_not_get_stricter_as_poor_trials_are_ended() -> None:
    spec = make_spec(train={"max_epochs": EPOCHS})
    values = [number / 40 for number in range(40)]
    whole = [make_finished(spec, number, [value] * EPOCHS) for number, value in enumerate(values)]
    cut = [make_finished(spec, n, [v] * (EPOCHS if v < 0.5 else 2), "complete" if v < 0.5 else "pruned")
           for n, v in enumerate(values)]  # fmt: skip
    # the share falls from 0.5 at 2 epochs to 0.25 at 6; the poor half was ended after 2
    for epoch, left in ((2, 20), (4, 15), (6, 10)):
        assert survivors(whole, values, epoch) == survivors(cut, values, epoch) == pytest.approx(left, abs=1)
