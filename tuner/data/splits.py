"""Leakage-free folds: purged, embargoed, with edges moved out of events, and the holdout cut off first.

Purging follows López de Prado, Advances in Financial Machine Learning (2018), chapter 7, restated for windows: a
training window must not touch a row that a validation window touches, however windows, horizon and series lie. It is
done on rows, not on index distances, so that it holds by construction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tuner.data.series import Bools, Ints, runs
from tuner.data.windows import Windows
from tuner.errors import UserError
from tuner.spec.sections import CvSection


@dataclass(frozen=True)
class Fold:
    """Indices of the windows that one fold trains on, (n,), and validates on, (m,)."""

    train: Ints
    valid: Ints


@dataclass(frozen=True)
class Split:
    """How a study divides its windows; fixed before the first trial.

    Attributes:
        folds: in order of time under `walk_forward`.
        development: all windows clear of the holdout, (n,).
        holdout: windows wholly inside the holdout, (m,).
    """

    folds: tuple[Fold, ...]
    development: Ints
    holdout: Ints


def make_split(
    lengths: Sequence[int],
    windows: Windows,
    labels: Bools | None,
    cv: CvSection,
    mended: int = 0,
    lookback: int = 0,
) -> Split:
    """Cuts the holdout off, then makes the folds of the study's scheme.

    Args:
        lengths: rows of each series.
        windows: all windows of these series.
        labels: (rows,) or None; runs of true rows are events, which no edge may cut.
        cv: scheme, folds, embargo and holdout.
        mended: the longest run of interpolated rows: such a row depends on values that far away.
        lookback: how many rows back a row's features reach.

    Raises:
        UserError: the rows do not suffice for the holdout or for the folds.
    """
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    # an interpolated row on either side may have been made from the gap between them
    gap = cv.embargo + 2 * mended + lookback
    held = _holdout_rows(offsets, labels, cv)
    development = np.flatnonzero(~windows.touches(_widened(held, offsets, gap)))
    holdout = np.flatnonzero(held[windows.first])
    if len(development) == 0 or (cv.holdout > 0 and len(holdout) == 0):
        part = "before" if len(development) == 0 else "in"
        raise UserError(
            f"no window of {windows.length} rows fits {part} the holdout",
            where="[cv] holdout",
            mend="make `[task] window` shorter or change the share",
        )
    blocks = _series_blocks if cv.scheme == "series" else _time_blocks
    block = blocks(windows, development, labels, cv)
    folds = []
    for number in range(1 if cv.scheme == "walk_forward" else 0, block.max(initial=0) + 1):
        valid = development[block == number]
        candidates = development[block < number] if cv.scheme == "walk_forward" else development[block != number]
        forbidden = _widened(windows.touched_rows(valid), offsets, gap)
        folds.append(Fold(train=candidates[~windows.touches(forbidden)[candidates]], valid=valid))
    split = Split(tuple(folds), development, holdout)
    _refuse_empty(split, windows, cv)
    return split


def _holdout_rows(offsets: Ints, labels: Bools | None, cv: CvSection) -> Bools:
    """The rows of the holdout, (rows,): the last share of each series, or the last series."""
    held = np.zeros(offsets[-1], dtype=bool)
    if cv.holdout == 0:
        return held
    count = len(offsets) - 1
    if cv.scheme == "series":
        kept = count - max(1, round(cv.holdout * count))
        if kept < cv.folds:
            raise UserError(
                f"{count} series are too few for {cv.folds} folds and a holdout of {cv.holdout:g}",
                where="[cv] folds",
                mend="lower `folds`, or use the scheme `blocked`",
            )
        held[offsets[kept] :] = True
        return held
    for start, stop in pairwise(offsets):
        edge = stop - round(cv.holdout * (stop - start))
        held[_outside_events(np.array([edge]), labels, start, stop)[0] : stop] = True
    return held


def _time_blocks(windows: Windows, development: Ints, labels: Bools | None, cv: CvSection) -> Ints:
    """The block of each development window, (n,): each series is cut at rows into equal parts by its own time."""
    count = cv.folds + 1 if cv.scheme == "walk_forward" else cv.folds
    block = np.zeros(len(development), dtype=np.int64)
    owner = windows.series[development]
    target = windows.target[development]
    for number in np.unique(owner):
        mine = owner == number
        start, stop = target[mine].min(), target[mine].max() + 1
        edges = np.round(np.linspace(start, stop, count + 1)[1:-1]).astype(np.int64)
        edges = _outside_events(edges, labels, start, stop)
        block[mine] = np.searchsorted(edges, target[mine], side="right")
    return block


def _series_blocks(windows: Windows, development: Ints, labels: Bools | None, cv: CvSection) -> Ints:
    """The block of each development window, (n,): whole series, dealt so that events, then windows, are even."""
    owner = windows.series[development]
    numbers, counts = np.unique(owner, return_counts=True)
    if len(numbers) < cv.folds:
        raise UserError(
            f"{len(numbers)} series with windows are too few for {cv.folds} folds",
            where="[cv] folds",
            mend="lower `folds`, or use the scheme `blocked`",
        )
    events = np.zeros(len(numbers), dtype=np.int64)
    if labels is not None:
        anomalous = labels[windows.target[development]]
        events = np.array([len(runs(anomalous[owner == number])) for number in numbers])
    load = np.zeros((cv.folds, 2), dtype=np.int64)
    fold_of = {}
    for index in np.lexsort((numbers, -counts, -events)):
        fold = int(np.lexsort((load[:, 1], load[:, 0]))[0])
        load[fold] += events[index], counts[index]
        fold_of[numbers[index]] = fold
    return np.array([fold_of[number] for number in owner], dtype=np.int64)


def _outside_events(edges: Ints, labels: Bools | None, start: int, stop: int) -> Ints:
    """The edges, each moved to the nearer end of the event that it would cut within rows start to stop."""
    if labels is None:
        return edges
    moved = edges.copy()
    for first, past in runs(labels[start:stop]):
        first, past = first + start, past + start
        cut = (edges > first) & (edges < past)
        moved[cut] = np.where(edges[cut] - first < past - edges[cut], first, past)
    return moved


def _widened(rows: Bools, offsets: Ints, gap: int) -> Bools:
    """The rows and their neighbours up to `gap` rows away in the same series."""
    if gap == 0:
        return rows
    wide = rows.copy()
    for start, stop in pairwise(offsets):
        for first, past in runs(rows[start:stop]):
            wide[start + max(first - gap, 0) : min(start + past + gap, stop)] = True
    return wide


def _refuse_empty(split: Split, windows: Windows, cv: CvSection) -> None:
    short = [
        f"fold {number} has {len(fold.train)} training and {len(fold.valid)} validation windows"
        for number, fold in enumerate(split.folds, 1)
        if len(fold.train) < 2 or len(fold.valid) == 0
    ]
    if short or len(split.folds) < cv.folds:
        raise UserError(
            f"{len(windows)} windows do not suffice for {cv.folds} folds after purging: "
            + (short[0] if short else f"only {len(split.folds)} could be cut"),
            where="[cv] folds",
            mend="lower `folds`, `embargo` or `[task] window`",
        )
