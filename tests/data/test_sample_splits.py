"""Folds of samples: apart in rows and groups, classes in proportion, time before time, whatever comes in."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.making import refused
from tuner.data.sample_splits import split_samples
from tuner.data.series import HELD_OUT, TRAIN, VALID, Samples
from tuner.data.splits import Split
from tuner.data.windows import Windows
from tuner.errors import UserError
from tuner.spec.sections import CvSection


def make(
    first: Sequence[int],
    lengths: Sequence[int],
    classes: Sequence[int] | None = None,
    group: Sequence[int] | None = None,
    time: Sequence[int] | None = None,
    parts: np.ndarray | None = None,
) -> tuple[Samples, Windows]:
    answers = np.zeros((len(first), 1)) if classes is None else np.eye(max(classes) + 1)[list(classes)]
    names = () if classes is None else tuple(map(str, range(answers.shape[1])))
    one, two = np.asarray(first), np.asarray(lengths)
    own = None if group is None else np.asarray(group)
    samples = Samples(one, two, answers, names, own, None if time is None else np.asarray(time), parts)
    rows = int((one + two).max())
    return samples, Windows(one, np.zeros(len(one), np.int64), int(two.max()), 0, rows, two)


def rows_of(windows: Windows, chosen: np.ndarray) -> set[int]:
    assert windows.lengths is not None
    return {row for one in chosen for row in range(windows.first[one], windows.first[one] + windows.lengths[one])}


def apart(split: Split, windows: Windows) -> None:
    """Nothing that is validated, or held out, shares a row with what is trained on."""
    held = rows_of(windows, split.holdout)
    for fold in split.folds:
        assert not rows_of(windows, fold.train) & (rows_of(windows, fold.valid) | held)
        assert not rows_of(windows, fold.valid) & held
        assert not set(fold.train) & set(fold.valid)
    assert not rows_of(windows, split.development) & held


@settings(max_examples=40)
@given(
    steps=st.lists(st.integers(0, 6), min_size=60, max_size=90),
    lengths=st.lists(st.integers(1, 4), min_size=90, max_size=90),
    folds=st.integers(2, 4),
    walk=st.booleans(),
    seed=st.integers(0, 9),
)
def test_folds_in_order_share_no_row_whatever_overlaps(steps, lengths, folds, walk, seed) -> None:
    first = np.cumsum(steps)
    time = np.random.default_rng(seed).integers(0, 60, len(first))
    samples, windows = make(first.tolist(), lengths[: len(first)], time=time.tolist() if walk else None)
    cv = CvSection(scheme="walk_forward" if walk else "blocked", folds=folds, holdout=0.2)
    try:
        split = split_samples(samples, windows, cv, seed)
    except UserError:
        return  # too few are left
    apart(split, windows)
    assert len(split.folds) == folds
    if walk:
        for fold in split.folds:
            assert time[fold.train].max() < time[fold.valid].min()
            assert time[fold.valid].max() < time[split.holdout].min()


@settings(max_examples=40)
@given(group=st.lists(st.integers(0, 25), min_size=80, max_size=120), folds=st.integers(2, 5), seed=st.integers(0, 9))
def test_groups_are_never_parted_and_every_sample_is_validated_once(group, folds, seed) -> None:
    samples, windows = make(range(0, 3 * len(group), 3), [3] * len(group), group=group)
    try:
        split = split_samples(samples, windows, CvSection(folds=folds), seed)
    except UserError:
        assert len(set(group)) <= 6
        return
    own = np.asarray(group)
    for fold in split.folds:
        assert not set(own[fold.train]) & set(own[fold.valid])
        assert not set(own[split.holdout]) & set(own[np.concatenate([fold.train, fold.valid])])
    validated = np.sort(np.concatenate([fold.valid for fold in split.folds]))
    np.testing.assert_array_equal(validated, split.development)
    apart(split, windows)


def test_classes_are_in_proportion_and_folds_fall_to_the_rarest() -> None:
    classes = [0] * 80 + [1] * 20
    samples, windows = make(range(0, 300, 3), [3] * 100, classes, group=range(100))
    split = split_samples(samples, windows, CvSection(folds=4), 0)
    own = np.asarray(classes)
    assert own[split.holdout].sum() == 4
    assert [int(own[fold.valid].sum()) for fold in split.folds] == [4, 4, 4, 4]
    samples, windows = make(range(0, 249, 3), [3] * 83, [0] * 80 + [1] * 3, group=range(83))
    assert len(split_samples(samples, windows, CvSection(folds=5), 0).folds) in (2, 3)
    samples, windows = make(range(0, 243, 3), [3] * 81, [0] * 80 + [1], group=range(81))
    assert "class 1 has only" in refused(split_samples, samples, windows, CvSection(), 0).what


def test_another_seed_deals_otherwise_and_the_same_alike() -> None:
    samples, windows = make(range(0, 300, 3), [3] * 100, group=range(100))
    one, two, again = (split_samples(samples, windows, CvSection(), seed).holdout.tolist() for seed in (0, 1, 0))
    assert one == again != two


def test_folds_of_the_users_own_are_taken_and_purged() -> None:
    # sample 1 shares a row with sample 0, sample 5 with sample 4
    first = [0, 2, 6, 9, 12, 14, 18, 21]
    parts = np.array(
        [[VALID, TRAIN, TRAIN, TRAIN, 0, TRAIN, TRAIN, HELD_OUT], [TRAIN] * 3 + [0, VALID, TRAIN, TRAIN, 3]]
    )
    samples, windows = make(first, [3] * 8, parts=parts)
    split = split_samples(samples, windows, CvSection(folds=2), 0)
    assert [fold.valid.tolist() for fold in split.folds] == [[0], [4]]
    assert [fold.train.tolist() for fold in split.folds] == [[2, 3, 5, 6], [0, 1, 2, 6]]
    assert split.holdout.tolist() == [7]


@pytest.mark.parametrize(
    ("cv", "said"),
    [
        ({"embargo": 3}, "`embargo` belongs to series"),
        ({"scheme": "series"}, "`scheme` belongs to series"),
        ({"scheme": "walk_forward"}, "need a time"),
        ({"folds": 50}, "too few"),
    ],
)
def test_what_samples_cannot_have_is_refused(cv, said) -> None:
    samples, windows = make(range(0, 30, 3), [3] * 10, group=range(10))
    assert said in refused(split_samples, samples, windows, CvSection(**cv), 0).what
