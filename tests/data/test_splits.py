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
    files: list[str] | None
    split: Split

    @property
    def stretch_of(self) -> Ints:
        """The stretch of time that each series is a piece of, numbered from 0 on."""
        together = self.cv.scheme == "walk_forward" or (self.cv.scheme == "series" and len(set(self.files or [])) > 1)
        pieces = self.files if self.files is not None and together else range(len(self.lengths))
        numbers: Ints = np.unique(list(pieces), return_inverse=True)[1]
        return numbers

    @property
    def starts(self) -> list[int]:
        """The rows at which a stretch begins, and the end of the last one."""
        rows = np.bincount(self.stretch_of, self.lengths).astype(int)
        return [0, *np.cumsum(rows).tolist()]

    def of(self, stretch: int, windows: Ints) -> Ints:
        """Those of the windows that lie in the stretch."""
        mine: Ints = windows[self.stretch_of[self.windows.series[windows]] == stretch]
        return mine

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
    files = draw(
        st.none() | st.lists(st.sampled_from("abcd"), min_size=len(lengths), max_size=len(lengths)).map(sorted)
    )
    interpolated = draw(st.sampled_from([0, 0, 1, 3]))
    lookback = draw(st.sampled_from([0, 0, 2]))
    windows = make_windows(lengths, draw(st.integers(1, 8)), draw(st.integers(0, 4)))
    try:
        split = make_split(lengths, windows, labels, cv, interpolated, lookback, files)
    except UserError:
        reject()
    return Case(lengths, windows, labels, cv, cv.embargo + 2 * interpolated + lookback, files, split)


many = settings(max_examples=40)


@many
@given(cases())
def test_windows_keep_their_distance_from_those_that_judge_them_and_no_more_than_must_be_is_purged(case):
    split, gap = case.split, case.gap
    every = np.arange(len(case.windows))
    outside = np.setdiff1d(every, split.holdout)
    clear = (case.distance(outside, split.holdout) > gap).all(axis=1)
    # where rows are held back that no window fits into, others have to keep away from these as well
    whole = np.isin(case.windows.series[outside], case.windows.series[split.holdout])
    assert set(outside[clear & whole]) <= set(split.development) <= set(outside[clear])
    if case.cv.holdout == 0:
        assert split.development.tolist() == every.tolist()
    for number, fold in enumerate(split.folds):
        assert (case.distance(fold.valid, split.holdout) > gap).all()
        allowed = split.development
        if case.cv.scheme == "walk_forward":
            allowed = np.setdiff1d(allowed, np.concatenate([other.valid for other in split.folds[number:]]))
        clear = (case.distance(allowed, fold.valid) > gap).all(axis=1)
        assert fold.train.tolist() == allowed[clear].tolist()


@many
@given(cases("walk_forward"))
def test_walk_forward_trains_on_earlier_rows_and_validates_all_blocks_but_the_first_once_in_order(case):
    validated = np.concatenate([fold.valid for fold in case.split.folds])
    assert len(set(validated)) == len(validated)
    for stretch in set(case.stretch_of):
        order = [min(case.folds_of(np.array([window]))) for window in case.of(stretch, case.split.development)]
        assert order == sorted(order)
        for fold in case.split.folds:
            past, ahead = case.of(stretch, fold.train), case.of(stretch, fold.valid)
            assert len(ahead) == 0 or (case.windows.target[past].max(initial=-1) < case.windows.first[ahead]).all()


@many
@given(cases())
def test_there_are_as_many_folds_as_wanted_none_is_empty_and_each_window_is_validated_at_most_once(case):
    assert len(case.split.folds) == case.cv.folds
    assert all(len(fold.train) >= 2 and len(fold.valid) >= 1 for fold in case.split.folds)
    if case.cv.scheme != "walk_forward":
        validated = np.concatenate([fold.valid for fold in case.split.folds])
        assert sorted(validated) == case.split.development.tolist()


@many
@given(cases("blocked", "walk_forward"))
def test_folds_are_blocks_of_windows_in_order_and_the_holdout_is_the_end_of_each_stretch(case):
    held = np.isin(np.arange(len(case.windows)), case.split.holdout)
    for stretch in set(case.stretch_of):
        filled = [mine for fold in case.split.folds if len(mine := case.of(stretch, fold.valid))]
        assert all((np.diff(windows) == 1).all() for windows in filled)
        assert all(before.max() < after.min() for before, after in pairwise(filled))
        mine = held[case.of(stretch, np.arange(len(held)))]
        assert not np.any(mine[:-1] & ~mine[1:])


@many
@given(cases("series"))
def test_the_scheme_series_keeps_each_series_whole_and_the_pieces_of_a_file_together(case):
    parts = [fold.valid for fold in case.split.folds] + [case.split.holdout]
    owners = [set(case.stretch_of[case.windows.series[part]]) for part in parts]
    assert not any(left & right for left, right in combinations(owners, 2))
    held = owners[-1]
    assert all(series > other for series in held for owned in owners[:-1] for other in owned)


@many
@given(cases())
def test_no_edge_of_a_fold_or_the_holdout_cuts_an_event(case):
    if case.labels is None:
        return
    target, development, holdout = case.windows.target, case.split.development, case.split.holdout
    for start, stop in pairwise(case.starts):
        for first, past in runs(case.labels[start:stop]):
            answering = development[(target[development] >= start + first) & (target[development] < start + past)]
            assert len(case.folds_of(answering)) <= 1
    series = np.concatenate([[0], np.cumsum(case.lengths)])
    for stretch in np.unique(case.stretch_of[case.windows.series[holdout]]):
        edge = case.windows.first[case.of(stretch, holdout)].min()
        if edge not in series:  # where a piece begins, so may an event
            assert not (case.labels[edge - 1] and case.labels[edge])


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


@pytest.mark.parametrize(
    ("cv", "expected"),
    [
        ({"folds": 3}, [("6-11", "0-3"), ("0-1 10-11", "4-7"), ("0-5", "8-11")]),
        ({"folds": 3, "embargo": 1}, [("7-11", "0-3"), ("0-0 11-11", "4-7"), ("0-4", "8-11")]),
        ({"folds": 2, "scheme": "walk_forward"}, [("0-1", "4-7"), ("0-5", "8-11")]),
    ],
)
def test_folds_by_hand(cv, expected):
    assert folds(plain(14, **cv, holdout=0.0)) == expected


def test_an_embargo_reaches_back_to_the_first_row():
    split = make_split([16], make_windows([16], 1, 0), None, CvSection(folds=4, embargo=4, holdout=0.0))
    assert folds(split)[1] == ("12-15", "4-7")


def test_an_interpolated_run_widens_the_gap_by_twice_its_length():
    assert folds(plain(40, folds=2, interpolated=3, holdout=0.0)) == folds(plain(40, folds=2, embargo=6, holdout=0.0))


@pytest.mark.parametrize(
    ("rows", "share", "event", "development", "holdout"),
    [
        (20, 0.25, (), "0-12", "15-17"),  # rows 15 to 19
        (18, 0.2, (), "0-11", "14-15"),  # 3.6 rows are rounded to 4
        (20, 0.25, (14, 18), "0-11", "14-17"),  # its edge moves out of an event, to the nearer end
        (20, 0.25, (10, 16), "0-13", "16-17"),
    ],
)
def test_the_holdout_by_hand(rows, share, event, development, holdout):
    split = plain(rows, marked(rows, event) if event else None, folds=2, holdout=share)
    assert (listed(split.development), listed(split.holdout)) == (development, holdout)


@pytest.mark.parametrize(
    ("event", "first_fold"),
    # without an event the edge lies before row 8; from halfway it moves to the later end
    [((), "0-5"), ((7, 12), "0-4"), ((5, 9), "0-6"), ((8, 12), "0-5"), ((4, 8), "0-5"), ((6, 10), "0-7")],
)
def test_a_fold_edge_moves_to_the_nearer_end_of_the_event_it_cuts(event, first_fold):
    assert folds(plain(14, marked(14, event) if event else None, folds=2, holdout=0.0))[0][1] == first_fold


def judged(lengths: list[int], labels: Bools | None, **cv: Any) -> list[str]:
    """The windows that each fold validates."""
    split = make_split(lengths, make_windows(lengths, 2, 1), labels, CvSection(**{"holdout": 0.0, **cv}))
    return [listed(fold.valid) for fold in split.folds]


def test_blocks_are_cut_in_each_series_and_each_piece_of_a_file_by_its_own_time():
    assert judged([14, 26], None, folds=3) == ["0-3 12-19", "4-7 20-27", "8-11 28-35"]
    pieces = [14, 26, 14]
    split = make_split(pieces, make_windows(pieces, 2, 1), None, CvSection(folds=3, holdout=0.0), files=["a", "a", "b"])
    assert [listed(fold.valid) for fold in split.folds] == judged(pieces, None, folds=3)


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


@pytest.mark.parametrize(
    ("lengths", "events", "expected"),
    [
        ([40, 36, 32, 28], [1, 2, 2, 3], [[0, 3], [1, 2], []]),  # events even
        ([40, 30, 30, 30], [1, 1, 1, 3], [[3], [0, 1, 2], []]),  # though windows come out uneven
        ([40, 20, 20], [1, 1, 1], [[0], [1, 2], []]),  # of series with as many events, windows
        ([40, 30, 12, 20], [0, 0, 0, 0], [[0, 2], [1, 3], []]),
    ],
)
def test_the_scheme_series_deals_series_by_their_events_then_by_their_windows(lengths, events, expected):
    assert dealt(lengths, events, folds=2, holdout=0.0) == expected


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


@pytest.mark.parametrize(
    ("lengths", "keys", "what", "where", "hint"),
    [
        (
            [14],
            {"folds": 3, "embargo": 6, "holdout": 0.0},
            "12 windows do not suffice for 3 folds after purging: fold 1 has 0 training and 4 validation windows",
            "folds",
            "embargo",
        ),
        ([40], {"window": 9, "holdout": 0.2}, "no window of 9 rows fits in the holdout", "holdout", "shorter"),
        ([40], {"window": 9, "holdout": 0.9}, "no window of 9 rows fits before the holdout", "holdout", "shorter"),
        (
            [20, 20, 20],
            {"scheme": "series", "folds": 3, "holdout": 0.2},
            "3 series are too few for 3 folds and a holdout of 0.2",
            "folds",
            "blocked",
        ),
        (
            [20, 1, 20],  # a series too short for a window does not count
            {"scheme": "series", "folds": 3, "holdout": 0.0},
            "2 series with windows are too few for 3 folds",
            "folds",
            "blocked",
        ),
    ],
)
def test_what_cannot_be_split_is_refused_with_the_counts(lengths, keys, what, where, hint):
    error = refused(lengths, **keys)
    assert what in error.what
    assert (error.where, hint in error.hint) == (f"[cv] {where}", True)


def test_two_training_windows_are_enough_for_a_fold_but_one_is_not():
    assert folds(plain(14, folds=2, embargo=2, holdout=0.0)) == [("10-11", "0-5"), ("0-1", "6-11")]
    assert "fold 1 has 1 training and 6 validation windows" in refused([14], folds=2, embargo=3, holdout=0.0).what


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
