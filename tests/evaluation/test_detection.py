"""Detection metrics: against scikit-learn and by hand, with thresholds that never see the fold they judge."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from tests.making import known
from tuner.data.series import Bools, runs
from tuner.evaluation.detection import (
    Detection,
    Flagged,
    choose_threshold,
    detect,
    fold_metric,
    inner_thresholds,
    judge_flags,
    number_events,
)
from tuner.spec.sections import Flagging

Scores = npt.NDArray[np.float64]


def array(*values: float) -> Scores:
    return np.array(values, dtype=float)


def truth(bits: str) -> Bools:
    return np.array([bit == "1" for bit in bits])


@pytest.mark.parametrize(
    ("scores", "labels", "threshold"),
    [
        (array(0.1, 0.2, 0.8, 0.9), "0011", 0.8),
        (array(0.9, 0.1, 0.8, 0.2), "1000", 0.9),
        (array(0.1, 0.2, 0.3, 0.4), "1111", 0.1),
        (array(0.5, 0.5, 0.5), "010", 0.5),
        (array(0.1, 0.2, 0.3, 0.4), "0101", 0.2),  # 2/3 at 0.4, 4/5 at 0.2
        (array(3.0, 2.0, 1.0, 0.0), "1001", 3.0),  # 2/3 at 3.0, and at 0.0 again: the higher one
    ],
)
def test_the_threshold_of_the_greatest_f1_by_hand(scores, labels, threshold):
    assert choose_threshold(scores, truth(labels)) == threshold


# few different scores, so that many are equal
flagged = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=30)


@given(flagged.filter(lambda pairs: any(label for _, label in pairs)))
@settings(max_examples=50)
def test_no_threshold_has_a_greater_f1(pairs):
    scores, labels = (np.array(part) for part in zip(*pairs, strict=True))
    best = choose_threshold(scores.astype(float), labels)
    values = {limit: f1_score(labels, scores >= limit) for limit in np.unique(scores)}
    assert values[best] == pytest.approx(max(values.values()))


@pytest.mark.parametrize(
    ("labels", "wanted", "threshold"),
    [
        ("0111", 0.9, 0.2),
        ("0101", 0.6, 0.2),  # 2/3 from 0.2 on, 1/2 from 0.3 on
        ("0101", 0.7, 0.4),
        ("0101", 0.5, 0.1),
        ("1001", 1.0, 0.4),
        ("0110", 0.9, 0.2),  # reached nowhere: 2/3 is the most
        ("0100", 0.9, 0.2),
    ],
)
def test_the_threshold_of_a_wanted_precision_by_hand(labels, wanted, threshold):
    assert choose_threshold(array(0.1, 0.2, 0.3, 0.4), truth(labels), Flagging(wanted)) == threshold


@given(flagged.filter(lambda pairs: any(label for _, label in pairs)), st.floats(0.01, 1.0))
@settings(max_examples=50)
def test_no_threshold_of_a_wanted_precision_finds_more(pairs, wanted):
    scores, labels = (np.array(part) for part in zip(*pairs, strict=True))
    limits = np.unique(scores)
    precision = {limit: labels[scores >= limit].mean() for limit in limits}
    chosen = choose_threshold(scores.astype(float), labels, Flagging(wanted))
    if max(precision.values()) >= wanted:
        assert precision[chosen] >= wanted
        assert all(precision[limit] < wanted for limit in limits if limit < chosen)
    else:
        assert precision[chosen] == max(precision.values())


SCORES = (array(0.1, 0.9, 0.2), array(0.3, 0.4, 0.8), array(0.5, 0.6, 0.7))
LABELS = (truth("010"), truth("001"), truth("011"))
ROWS = (np.arange(3), np.arange(3, 6), np.arange(6, 9))


def test_inner_thresholds_by_hand():
    assert inner_thresholds(SCORES, LABELS, earlier_only=False) == (0.6, 0.6, 0.8)
    assert inner_thresholds(SCORES, LABELS, earlier_only=True) == (None, 0.9, 0.8)


@pytest.mark.parametrize(("share", "flagged"), [(0.1, 10), (0.02, 2), (0.001, 1)])
def test_a_wanted_share_of_rows_is_flagged_with_labels_or_without(share, flagged):
    scores = np.random.default_rng(0).permutation(100).astype(float)
    limit = choose_threshold(scores, None, Flagging(share=share))
    assert (scores >= limit).sum() == flagged
    assert choose_threshold(scores, scores > 50, Flagging(share=share)) == limit


def test_inner_thresholds_obey_the_wanted_precision():
    assert inner_thresholds(SCORES, LABELS, earlier_only=False, flagging=Flagging(0.9)) == (0.6, 0.6, 0.8)
    assert inner_thresholds(SCORES, LABELS, earlier_only=False, flagging=Flagging(0.5)) == (0.3, 0.1, 0.3)
    assert fold_metric("f1", SCORES, LABELS, earlier_only=False, flagging=Flagging(0.5)) == (1.0, 1 / 2, 4 / 5)


def test_there_is_no_threshold_where_the_other_folds_have_no_event():
    labels = (truth("010"), truth("000"), truth("000"))
    assert inner_thresholds(SCORES, labels, earlier_only=False) == (None, 0.9, 0.9)
    assert inner_thresholds(SCORES, labels[::-1], earlier_only=True) == (None, None, None)


def folds(draw: st.DrawFn) -> tuple[list[Scores], list[Bools]]:
    sizes = draw(st.lists(st.integers(3, 12), min_size=2, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    labels = [rng.random(size) < 0.4 for size in sizes]
    for label in labels:
        label[rng.integers(len(label))] = True
    return [rng.integers(0, 20, size) / 20 for size in sizes], labels


@given(st.composite(folds)(), st.data())
@settings(max_examples=50)
def test_a_threshold_depends_on_no_fold_that_it_may_not_see(parts, data):
    scores, labels = parts
    fold = data.draw(st.integers(0, len(scores) - 1))
    earlier_only = data.draw(st.booleans())
    hidden = range(fold, len(scores)) if earlier_only else [fold]
    other_scores = [-3 * part if number in hidden else part for number, part in enumerate(scores)]
    other_labels = [~part if number in hidden else part for number, part in enumerate(labels)]
    before = inner_thresholds(scores, labels, earlier_only=earlier_only)[fold]
    assert inner_thresholds(other_scores, other_labels, earlier_only=earlier_only)[fold] == before


def test_the_average_precision_of_a_fold_is_scikit_learns():
    scores = (array(0.1, 0.9, 0.2), array(0.3, 0.8, 0.4), array(9.0, 0.6, 0.7))
    values = fold_metric("average_precision", scores, LABELS, earlier_only=True)
    assert values == tuple(average_precision_score(label, score) for score, label in zip(scores, LABELS, strict=True))
    assert values == pytest.approx((1.0, 1 / 2, 7 / 12)), "one by one, not all as one"


def test_the_f1_of_a_fold_is_at_its_inner_threshold():
    # 0.6, 0.6 and 0.8: flags 010, 001 and 000
    assert fold_metric("f1", SCORES, LABELS, earlier_only=False) == (1.0, 1.0, 0.0)


def test_the_first_fold_of_a_walk_forward_has_no_f1():
    first, *later = fold_metric("f1", SCORES, LABELS, earlier_only=True)
    assert math.isnan(first)
    assert later == [0.0, 0.0]


def test_a_score_at_the_threshold_is_flagged():
    assert fold_metric("f1", [array(0.5, 0.1), array(0.5, 0.1)], [truth("10")] * 2, earlier_only=False) == (1.0, 1.0)


def test_the_pooled_detection_is_scikit_learns_at_the_inner_thresholds():
    pooled, everything = np.concatenate(SCORES), np.concatenate(LABELS)
    found = detect(SCORES, LABELS, ROWS, earlier_only=False)
    flags = np.concatenate([SCORES[0] >= 0.6, SCORES[1] >= 0.6, SCORES[2] >= 0.8])
    assert found is not None
    assert found.average_precision == average_precision_score(everything, pooled)
    assert (found.precision, found.recall) == (precision_score(everything, flags), recall_score(everything, flags))
    assert found.f1 == f1_score(everything, flags)
    assert found.threshold == choose_threshold(pooled, everything)
    assert found.reached == precision_score(everything, pooled >= found.threshold)


def test_a_walk_forward_judges_the_folds_that_have_a_threshold():
    scores = (array(0.1, 0.4, 0.2), *SCORES[1:])  # thresholds of 0.4 and 0.4 for folds 2 and 3: flags 011 and 111
    found = known(detect(scores, LABELS, ROWS, earlier_only=True))
    assert (found.precision, found.recall, found.f1) == pytest.approx((3 / 5, 1.0, 3 / 4))
    judged = average_precision_score(np.concatenate(LABELS[1:]), np.concatenate(scores[1:]))
    assert found.average_precision == judged


def test_there_is_no_detection_without_any_threshold():
    assert detect(SCORES[:1], LABELS[:1], ROWS[:1], earlier_only=True) is None


def test_events_are_caught_by_any_flagged_row_of_theirs():
    # flags 010, 001 and 000: the events of the first two folds are caught, the last fold's, of two rows, is not
    found = known(detect(SCORES, LABELS, ROWS, earlier_only=False))
    assert (found.caught, found.events) == (2, 3)
    # two rows that are not neighbours are two events
    found = known(detect(SCORES, LABELS, (*ROWS[:2], np.array([6, 8, 10])), earlier_only=False))
    assert (found.caught, found.events) == (2, 4)


def test_a_fold_without_an_anomalous_row_counts_in_the_pooled_metrics():
    labels = (truth("000"), *LABELS[1:])
    found = known(detect(SCORES, labels, ROWS, earlier_only=False))
    assert (found.caught, found.events) == (1, 2)
    assert found.precision == 1 / 2  # flags 010, 001 and 000


# --- flags and events

EVENTS = np.array([1, 1, 0, 1, 1, 0, 1], bool)


def test_events_by_hand():
    assert number_events(np.arange(7), EVENTS).tolist() == [0, 0, -1, 1, 1, -1, 2]
    # rows 3 and 4 do not lie side by side
    assert number_events(np.array([0, 1, 2, 3, 9, 10, 11]), EVENTS).tolist() == [0, 0, -1, 1, 2, -1, 3]


def test_an_event_is_caught_by_one_flagged_row_and_rows_count_as_they_are():
    flags = np.array([0, 1, 1, 0, 0, 1, 1], bool)
    assert judge_flags(flags, EVENTS, number_events(np.arange(7), EVENTS)) == Flagged(2 / 4, 2 / 5, 4 / 9, 2, 3)


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


def drawn(signal: float, seed: int, *, rows: int = 600, events: int = 8, length: int = 10) -> Detection:
    """A detection in two folds: rows of an event, as long each, exceed the noise by so much."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(rows, bool)
    for first in np.linspace(10, rows - 2 * length, events).astype(int):
        labels[first : first + length] = True
    # neighbouring rows have neighbouring scores
    scores = np.convolve(rng.normal(size=rows + 9), np.ones(10) / 10**0.5, "valid") + signal * labels
    halves = np.array_split(np.arange(rows), 2)
    parts = [scores[half] for half in halves], [labels[half] for half in halves]
    return known(detect(*parts, halves, earlier_only=False, reach=10))


def test_guessing_is_called_so_and_a_good_detector_is_not():
    guesses = [drawn(0.0, seed) for seed in range(60)]
    assert {found.base_rate for found in guesses} == {80 / 600}
    assert np.mean([found.beats_guessing for found in guesses]) <= 0.05
    assert np.mean([drawn(3.0, seed).beats_guessing for seed in range(20)]) >= 0.9
    best = drawn(99.0, 0)
    assert (best.average_precision, best.interval) == (1.0, (1.0, 1.0))


def test_rows_of_one_event_are_one_case():
    many, few = drawn(9.0, 0), drawn(9.0, 0, events=2, length=70)
    assert many.beats_guessing
    assert few.interval is None, "blocks as long as the events are fewer than ten"
    assert not few.beats_guessing
