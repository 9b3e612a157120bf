"""Folds and holdout: training windows share no row with what judges them, whatever the shapes; events stay whole."""

from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from tests.making import marked
from tuner.data.series import Bools, Ints, runs
from tuner.data.splits import Split, make_split
from tuner.data.windows import Windows, make_windows
from tuner.errors import UserError
from tuner.spec.sections import CvSection


@dataclass(frozen=True)
class Case:
    """A random study's shape, and the split that it got."""

    lengths: list[int]
    windows: Windows
    labels: Bools | None
    cv: CvSection
    gap: int
    split: Split

    @property
    def starts(self) -> list[int]:
        return [0, *np.cumsum(self.lengths)]

    def distance(self, left: Ints, right: Ints) -> Ints:
        """Rows from one window to another, (left, right): 0 when they share one, 1 when they are neighbours."""
        first, target, series = self.windows.first, self.windows.target, self.windows.series
        after = first[left][:, None] - target[right]
        before = first[right] - target[left][:, None]
        apart = np.maximum(np.maximum(after, before), 0)
        return np.where(series[left][:, None] == series[right], apart, np.iinfo(np.int64).max)

    def folds_of(self, windows: Ints) -> set[int]:
        """The folds that validate one of the windows; -1 stands for none."""
        owner = np.full(len(self.windows), -1)
        for number, fold in enumerate(self.split.folds):
            owner[fold.valid] = number
        return set(owner[windows].tolist())


@st.composite
def cases(draw, *schemes):
    scheme = draw(st.sampled_from(schemes or ("blocked", "walk_forward", "series")))
    lengths = draw(st.lists(st.integers(0, 90), min_size=4 if scheme == "series" else 1, max_size=6))
    lengths[0] += 40  # most draws can be split
    cv = CvSection(
        scheme=scheme,
        folds=draw(st.integers(2, 4)),
        embargo=draw(st.sampled_from([0, 0, 1, 4])),
        holdout=draw(st.sampled_from([0.0, 0.1, 0.2, 0.35])),
    )
    labels = None
    if draw(st.booleans()):
        labels = np.zeros(sum(lengths), dtype=bool)
        for _ in range(draw(st.integers(1, 6))):
            first = draw(st.integers(0, len(labels) - 1))
            labels[first : first + draw(st.integers(1, 12))] = True
    interpolated = draw(st.sampled_from([0, 0, 1, 3]))
    lookback = draw(st.sampled_from([0, 0, 2]))
    windows = make_windows(lengths, draw(st.integers(1, 8)), draw(st.integers(0, 4)))
    try:
        split = make_split(lengths, windows, labels, cv, interpolated, lookback)
    except UserError:
        reject()
    return Case(lengths, windows, labels, cv, cv.embargo + 2 * interpolated + lookback, split)


many = settings(max_examples=40)


@many
@given(cases())
def test_training_windows_keep_their_distance_from_the_validation_windows_of_their_fold(case):
    for fold in case.split.folds:
        assert (case.distance(fold.train, fold.valid) > case.gap).all()


@many
@given(cases())
def test_windows_of_folds_keep_their_distance_from_the_holdout(case):
    for fold in case.split.folds:
        for windows in (fold.train, fold.valid):
            assert (case.distance(windows, case.split.holdout) > case.gap).all()
    assert (case.distance(case.split.development, case.split.holdout) > case.gap).all()


@many
@given(cases())
def test_no_more_is_purged_than_must_be(case):
    for number, fold in enumerate(case.split.folds):
        allowed = case.split.development
        if case.cv.scheme == "walk_forward":
            later = np.concatenate([other.valid for other in case.split.folds[number:]])
            allowed = np.setdiff1d(allowed, later)
        clear = (case.distance(allowed, fold.valid) > case.gap).all(axis=1)
        assert fold.train.tolist() == allowed[clear].tolist()


@many
@given(cases())
def test_development_is_every_window_far_enough_from_the_holdout(case):
    every = np.arange(len(case.windows))
    outside = np.setdiff1d(every, case.split.holdout)
    clear = (case.distance(outside, case.split.holdout) > case.gap).all(axis=1)
    assert set(case.split.development) <= set(outside[clear])
    if case.cv.holdout == 0:
        assert case.split.development.tolist() == every.tolist()


@many
@given(cases("walk_forward"))
def test_walk_forward_trains_on_rows_before_those_it_validates(case):
    for fold in case.split.folds:
        for series in np.unique(case.windows.series[fold.valid]):
            past = fold.train[case.windows.series[fold.train] == series]
            ahead = fold.valid[case.windows.series[fold.valid] == series]
            assert (case.windows.target[past].max(initial=-1) < case.windows.first[ahead]).all()


@many
@given(cases("blocked", "series"))
def test_every_development_window_is_validated_exactly_once(case):
    validated = np.concatenate([fold.valid for fold in case.split.folds])
    assert sorted(validated) == case.split.development.tolist()


@many
@given(cases("walk_forward"))
def test_walk_forward_validates_all_but_the_first_block_exactly_once(case):
    validated = np.concatenate([fold.valid for fold in case.split.folds])
    assert len(set(validated)) == len(validated)
    for series in range(len(case.lengths)):
        mine = case.split.development[case.windows.series[case.split.development] == series]
        order = [min(case.folds_of(np.array([window]))) for window in mine]
        assert order == sorted(order)


@many
@given(cases())
def test_there_are_as_many_folds_as_wanted_and_none_is_empty(case):
    assert len(case.split.folds) == case.cv.folds
    assert all(len(fold.train) >= 2 and len(fold.valid) >= 1 for fold in case.split.folds)


@many
@given(cases("blocked", "walk_forward"))
def test_folds_are_blocks_of_rows_in_order(case):
    for series in range(len(case.lengths)):
        targets = [
            case.windows.target[fold.valid[case.windows.series[fold.valid] == series]] for fold in case.split.folds
        ]
        filled = [rows for rows in targets if len(rows)]
        assert all((np.diff(rows) == 1).all() for rows in filled)
        assert all(before.max() < after.min() for before, after in pairwise(filled))


@many
@given(cases("series"))
def test_the_scheme_series_keeps_each_series_whole(case):
    parts = [fold.valid for fold in case.split.folds] + [case.split.holdout]
    owners = [set(case.windows.series[part]) for part in parts]
    assert not any(left & right for left, right in combinations(owners, 2))
    held = owners[-1]
    assert all(series > other for series in held for owned in owners[:-1] for other in owned)


@many
@given(cases())
def test_windows_that_answer_rows_of_one_event_are_validated_together(case):
    if case.labels is None:
        return
    target, development = case.windows.target, case.split.development
    for start, stop in pairwise(case.starts):
        for first, past in runs(case.labels[start:stop]):
            answering = development[(target[development] >= start + first) & (target[development] < start + past)]
            assert len(case.folds_of(answering)) <= 1


@many
@given(cases())
def test_the_holdout_begins_outside_events(case):
    if case.labels is None:
        return
    for series in np.unique(case.windows.series[case.split.holdout]):
        edge = case.windows.first[case.split.holdout][case.windows.series[case.split.holdout] == series].min()
        if edge > case.starts[series]:
            assert not (case.labels[edge - 1] and case.labels[edge])


@many
@given(cases("blocked", "walk_forward"))
def test_the_holdout_is_the_end_of_each_series(case):
    for series in range(len(case.lengths)):
        held = np.zeros(len(case.windows), dtype=bool)
        held[case.split.holdout] = True
        mine = held[case.windows.series == series]
        assert not np.any(mine[:-1] & ~mine[1:])


@pytest.mark.parametrize(("window", "horizon", "folds"), [(1, 0, 5), (4, 1, 3), (7, 3, 2), (8, 0, 4)])
def test_purging_is_the_rule_by_index_in_one_plain_series(window, horizon, folds):
    windows = make_windows([150], window, horizon)
    split = make_split([150], windows, None, CvSection(folds=folds, holdout=0.0))
    for fold in split.folds:
        near = np.abs(np.arange(len(windows))[:, None] - fold.valid).min(axis=1) <= window + horizon - 1
        assert fold.train.tolist() == np.flatnonzero(~near).tolist()


def plain(rows: int, labels: Bools | None = None, window: int = 2, interpolated: int = 0, **cv: Any) -> Split:
    """The split of one series into windows that answer the row after the last one seen."""
    return make_split([rows], make_windows([rows], window, 1), labels, CvSection(**cv), interpolated)


def listed(windows: Ints) -> str:
    """Window numbers as ranges: "0-3 7-9"."""
    present = np.isin(np.arange(windows.max() + 2), windows)
    return " ".join(f"{first}-{past - 1}" for first, past in runs(present))


def folds(split: Split) -> list[tuple[str, str]]:
    return [(listed(fold.train), listed(fold.valid)) for fold in split.folds]


# windows of two rows that answer the next one: window i touches rows i, i + 1, i + 2; window 0 answers row 2


def test_blocked_by_hand():
    assert folds(plain(14, folds=3, holdout=0.0)) == [("6-11", "0-3"), ("0-1 10-11", "4-7"), ("0-5", "8-11")]


def test_walk_forward_by_hand():
    assert folds(plain(14, scheme="walk_forward", folds=2, holdout=0.0)) == [("0-1", "4-7"), ("0-5", "8-11")]


def test_an_embargo_widens_the_gap_on_both_sides():
    split = plain(14, folds=3, embargo=1, holdout=0.0)
    assert folds(split) == [("7-11", "0-3"), ("0-0 11-11", "4-7"), ("0-4", "8-11")]


def test_an_embargo_reaches_back_to_the_first_row():
    split = make_split([16], make_windows([16], 1, 0), None, CvSection(folds=4, embargo=4, holdout=0.0))
    assert folds(split)[1] == ("12-15", "4-7")


def test_an_interpolated_run_widens_the_gap_by_twice_its_length():
    assert folds(plain(40, folds=2, interpolated=3, holdout=0.0)) == folds(plain(40, folds=2, embargo=6, holdout=0.0))


def test_the_holdout_by_hand():
    split = plain(20, folds=2, holdout=0.25)  # rows 15 to 19
    assert (listed(split.development), listed(split.holdout)) == ("0-12", "15-17")
    assert listed(plain(18, folds=2, holdout=0.2).holdout) == "14-15", "3.6 rows are rounded to 4"


def test_a_fold_edge_moves_to_the_nearer_end_of_the_event_it_cuts():
    plainly = folds(plain(14, folds=2, holdout=0.0))
    assert plainly == [("8-11", "0-5"), ("0-3", "6-11")]  # the edge lies before row 8
    assert folds(plain(14, marked(14, (7, 12)), folds=2, holdout=0.0))[0][1] == "0-4"
    assert folds(plain(14, marked(14, (5, 9)), folds=2, holdout=0.0))[0][1] == "0-6"
    assert folds(plain(14, marked(14, (8, 12)), folds=2, holdout=0.0)) == plainly
    assert folds(plain(14, marked(14, (4, 8)), folds=2, holdout=0.0)) == plainly
    assert folds(plain(14, marked(14, (6, 10)), folds=2, holdout=0.0))[0][1] == "0-7", "to the later one from halfway"


def test_the_holdout_edge_moves_out_of_an_event():
    assert listed(plain(20, marked(20, (14, 18)), folds=2, holdout=0.25).holdout) == "14-17"
    assert listed(plain(20, marked(20, (10, 16)), folds=2, holdout=0.25).holdout) == "16-17"


def test_blocks_are_cut_in_each_series_by_its_own_time():
    lengths = [14, 26]
    windows = make_windows(lengths, 2, 1)
    split = make_split(lengths, windows, None, CvSection(folds=3, holdout=0.0))
    assert [listed(fold.valid) for fold in split.folds] == ["0-3 12-19", "4-7 20-27", "8-11 28-35"]


def judged(lengths: list[int], labels: Bools | None, **cv: Any) -> list[str]:
    """The windows that each fold validates."""
    split = make_split(lengths, make_windows(lengths, 2, 1), labels, CvSection(**{"holdout": 0.0, **cv}))
    return [listed(fold.valid) for fold in split.folds]


def test_series_too_short_for_a_window_change_nothing_of_how_the_others_are_cut():
    assert judged([14, 1, 26], None, folds=3) == judged([14, 26], None, folds=3)
    assert judged([1, 14], None, folds=3) == judged([14], None, folds=3) == ["0-3", "4-7", "8-11"]


def test_an_event_that_ends_a_series_is_not_one_with_the_event_that_begins_the_next():
    # rows 4 to 13 are the first one: halfway between the edges 6 and 10 it would be longer with the rows from 14 on
    assert judged([14, 26], marked(40, (4, 24)), folds=3) == ["0-1 12-19", "2-11 20-27", "28-35"]
    lengths = [20, 40]
    split = make_split(lengths, make_windows(lengths, 2, 1), marked(60, (11, 30)), CvSection(folds=2, holdout=0.2))
    assert listed(split.holdout) == "50-55", "none of the first series, as the end of its event is nearer to row 16"


def test_the_holdout_is_the_same_share_of_each_series():
    lengths = [20, 40]
    split = make_split(lengths, make_windows(lengths, 2, 1), None, CvSection(folds=2, holdout=0.25))
    assert listed(split.holdout) == "15-17 48-55"


def dealt(lengths: list[int], events: list[int], **cv: Any) -> list[list[int]]:
    """The series of each fold, and of the holdout, where the first rows of a series hold so many events."""
    labels = np.concatenate(
        [
            marked(rows, *((row, row + 1) for row in range(3, 3 + 2 * count, 2)))
            for rows, count in zip(lengths, events, strict=True)
        ]
    )
    windows = make_windows(lengths, 2, 1)
    split = make_split(lengths, windows, labels, CvSection(scheme="series", **cv))
    return [
        sorted(set(windows.series[part].tolist())) for part in [*(fold.valid for fold in split.folds), split.holdout]
    ]


def test_the_scheme_series_deals_series_by_their_events():
    assert dealt([40, 36, 32, 28], [1, 2, 2, 3], folds=2, holdout=0.0) == [[0, 3], [1, 2], []]


def test_the_scheme_series_deals_by_events_even_if_windows_come_out_uneven():
    assert dealt([40, 30, 30, 30], [1, 1, 1, 3], folds=2, holdout=0.0) == [[3], [0, 1, 2], []]


def test_the_scheme_series_deals_series_with_as_many_events_by_their_windows():
    assert dealt([40, 20, 20], [1, 1, 1], folds=2, holdout=0.0) == [[0], [1, 2], []]


def test_the_scheme_series_deals_series_without_events_by_their_windows():
    assert dealt([40, 30, 12, 20], [0, 0, 0, 0], folds=2, holdout=0.0) == [[0, 2], [1, 3], []]


def test_the_scheme_series_deals_windows_evenly_where_few_series_have_events():
    parts = dealt([20] * 12, [1, 1, 1] + [0] * 9, folds=2, holdout=0.0)
    assert [len(part) for part in parts] == [6, 6, 0]


def test_the_holdout_of_the_scheme_series_is_the_last_series():
    assert dealt([20] * 6, [1] * 6, folds=2, holdout=0.3)[-1] == [4, 5]
    assert dealt([20] * 6, [1] * 6, folds=2, holdout=0.01)[-1] == [5]
    assert dealt([20] * 3, [1] * 3, folds=2, holdout=0.2) == [[0], [1], [2]], "one for each fold suffices"


def refused(lengths: list[int], window: int = 2, **cv: Any) -> UserError:
    with pytest.raises(UserError) as error:
        make_split(lengths, make_windows(lengths, window, 1), None, CvSection(**cv))
    return error.value


def test_too_few_windows_are_refused_with_the_counts():
    error = refused([14], folds=3, embargo=6, holdout=0.0)
    assert "12 windows do not suffice for 3 folds" in error.what
    assert "fold 1 has 0 training and 4 validation windows" in error.what
    assert (error.where, "embargo" in error.hint) == ("[cv] folds", True)


def test_two_training_windows_are_enough_for_a_fold_but_one_is_not():
    assert folds(plain(14, folds=2, embargo=2, holdout=0.0)) == [("10-11", "0-5"), ("0-1", "6-11")]
    assert "fold 1 has 1 training and 6 validation windows" in refused([14], folds=2, embargo=3, holdout=0.0).what


def test_an_empty_holdout_is_refused():
    error = refused([40], window=9, holdout=0.2)
    assert "no window of 9 rows fits in the holdout" in error.what
    assert error.where == "[cv] holdout"


def test_a_holdout_that_leaves_nothing_is_refused():
    assert "no window of 9 rows fits before the holdout" in refused([40], window=9, holdout=0.9).what


def test_too_few_series_are_refused_with_the_counts():
    error = refused([20, 20, 20], scheme="series", folds=3, holdout=0.2)
    assert "3 series are too few for 3 folds and a holdout of 0.2" in error.what
    assert (error.where, "blocked" in error.hint) == ("[cv] folds", True)


def test_series_too_short_for_a_window_do_not_count_as_series():
    error = refused([20, 1, 20], scheme="series", folds=3, holdout=0.0)
    assert "2 series with windows are too few for 3 folds" in error.what
    assert error.where == "[cv] folds"


def test_a_fold_whose_rows_an_event_swallows_is_refused():
    labels = marked(26, (7, 25))  # all edges of folds but the first lie in it
    with pytest.raises(UserError, match=r"fold 2 has \d+ training and \d+ validation windows"):
        plain(26, labels, folds=4, holdout=0.0)


def test_a_walk_forward_over_the_pieces_of_one_file_trains_on_the_past_alone() -> None:
    lengths = [30, 50, 20]
    windows = make_windows(lengths, 4, 1)
    cv = CvSection(scheme="walk_forward", folds=3, holdout=0.2)
    split = make_split(lengths, windows, None, cv, files=["a", "a", "a"])
    for fold in split.folds:
        assert windows.target[fold.train].max() < windows.first[fold.valid].min()
    assert windows.target[split.development].max() < windows.first[split.holdout].min() == 80


def test_pieces_of_one_file_stay_in_one_fold_unless_they_are_all_there_is() -> None:
    lengths = [30, 20, 40, 40]
    windows = make_windows(lengths, 4, 1)
    cv = CvSection(scheme="series", folds=3, holdout=0.0)
    together = make_split(lengths, windows, None, cv, files=["a", "a", "b", "c"])
    assert [sorted(set(windows.series[fold.valid])) for fold in together.folds] == [[0, 1], [2], [3]]
    alone = make_split(lengths, windows, None, cv, files=["a"] * 4)
    assert sum(len(set(windows.series[fold.valid])) for fold in alone.folds) == 4
    lengths = [30, 20, 40]
    windows = make_windows(lengths, 4, 1)
    two = make_split(lengths, windows, None, CvSection(scheme="series", folds=2, holdout=0.0), files=["a", "a", "b"])
    assert [sorted(set(windows.series[fold.valid])) for fold in two.folds] == [[0, 1], [2]]


def test_blocks_are_cut_in_each_piece_of_a_file() -> None:
    lengths = [14, 26, 14]
    windows = make_windows(lengths, 2, 1)
    split = make_split(lengths, windows, None, CvSection(folds=3, holdout=0.0), files=["a", "a", "b"])
    assert [listed(fold.valid) for fold in split.folds] == judged(lengths, None, folds=3)
