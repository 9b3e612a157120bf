"""Events by hand, and flags against scikit-learn."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from tuner.data.series import runs
from tuner.evaluation.events import Flagged, judge_flags, number_events

LABELS = np.array([1, 1, 0, 1, 1, 0, 1], bool)


def test_events_by_hand():
    assert number_events(np.arange(7), LABELS).tolist() == [0, 0, -1, 1, 1, -1, 2]
    # rows 3 and 4 do not lie side by side
    assert number_events(np.array([0, 1, 2, 3, 9, 10, 11]), LABELS).tolist() == [0, 0, -1, 1, 2, -1, 3]


def test_an_event_is_caught_by_one_flagged_row_and_rows_count_as_they_are():
    flags = np.array([0, 1, 1, 0, 0, 1, 1], bool)
    assert judge_flags(flags, LABELS, number_events(np.arange(7), LABELS)) == Flagged(2 / 4, 2 / 5, 4 / 9, 2, 3)


def test_nothing_flagged_or_present_is_worth_nothing():
    nothing = np.zeros(3, bool)
    assert judge_flags(nothing, nothing, number_events(np.arange(3), nothing)) == Flagged(0.0, 0.0, 0.0, 0, 0)
    assert judge_flags(nothing, ~nothing, number_events(np.arange(3), ~nothing)) == Flagged(0.0, 0.0, 0.0, 0, 1)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
@settings(max_examples=20)
def test_flags_are_worth_what_scikit_learn_says_and_events_are_runs(pairs):
    flags, labels = (np.array(part) for part in zip(*pairs, strict=True))
    found = judge_flags(flags, labels, number_events(np.arange(len(labels)), labels))
    assert found.precision == precision_score(labels, flags, zero_division=0.0)
    assert found.recall == recall_score(labels, flags, zero_division=0.0)
    assert found.f1 == f1_score(labels, flags, zero_division=0.0)
    assert found.events == len(runs(labels))
    assert found.caught == sum(flags[first:past].any() for first, past in runs(labels))
