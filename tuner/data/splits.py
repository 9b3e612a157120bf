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
    """The division of a study's windows; fixed before the first trial.

    Attributes:
        folds: in order of time under `walk_forward`.
        development: all windows clear of the holdout, (n,).
        holdout: windows wholly inside the holdout, (m,).
    """

    folds: tuple[Fold, ...]
    development: Ints
    holdout: Ints

    @property
    def last(self) -> Fold:
        """All windows before the holdout to train on, the holdout's to validate on."""
        return Fold(self.development, self.holdout)


def make_split(
    lengths: Sequence[int],
    windows: Windows,
    labels: Bools | None,
    cv: CvSection,
    interpolated: int = 0,
    lookback: int = 0,
    files: Sequence[str] | None = None,
) -> Split:
    """Cuts the holdout off, then makes the folds of the study's scheme.

    Args:
        lengths: rows of each series.
        windows: all windows of these series.
        labels: (rows,) or None; runs of true rows are events, which no edge may cut.
        cv: scheme, folds, embargo and holdout.
        interpolated: the longest run of interpolated rows: such a row depends on values that far away.
        lookback: how many rows back a row's features reach.
        files: of which file each series is a piece; None if each is whole. The pieces of one file are one stretch of
            time under `walk_forward` (cut one by one, some would be trained on before their past is validated), and
            under `series` they stay together, unless there is only one file.

    Raises:
        UserError: the rows do not suffice for the holdout or for the folds.
    """
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    # an interpolated row on either side may have been made from the gap between them
    gap = cv.embargo + 2 * interpolated + lookback
    stretches = offsets
    if files is not None and (cv.scheme == "walk_forward" or (cv.scheme == "series" and len(set(files)) > 1)):
        begins = [start for start, (last, file) in zip(offsets, pairwise([None, *files]), strict=False) if last != file]
        stretches = np.array([*begins, offsets[-1]])
    held = _holdout_rows(stretches, labels, cv)
    development = np.flatnonzero(~windows.touches(_widened(held, offsets, gap)))
    holdout = np.flatnonzero(held[windows.first])
    if len(development) == 0 or (cv.holdout > 0 and len(holdout) == 0):
        part = "before" if len(development) == 0 else "in"
        raise UserError(
            f"no window of {windows.length} rows fits {part} the holdout",
            where="[cv] holdout",
            hint="make `[task] window` shorter or change the share",
        )
    if cv.scheme == "series":
        block = _series_blocks(stretches, windows.target[development], labels, cv)
    else:
        block = _time_blocks(stretches, windows.target[development], labels, cv)
    folds = []
    first = 1 if cv.scheme == "walk_forward" else 0
    for number in range(first, first + cv.folds):
        valid = development[block == number]
        candidates = development[block < number] if cv.scheme == "walk_forward" else development[block != number]
        forbidden = _widened(windows.touched_rows(valid), offsets, gap)
        folds.append(Fold(train=candidates[~windows.touches(forbidden)[candidates]], valid=valid))
    split = Split(tuple(folds), development, holdout)
    refuse_empty(split, windows, cv)
    return split


def _holdout_rows(offsets: Ints, labels: Bools | None, cv: CvSection) -> Bools:
    """The rows of the holdout, (rows,): the last share of each stretch between two offsets, or the last stretches."""
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
                hint="lower `folds`, or use the scheme `blocked`",
            )
        held[offsets[kept] :] = True
        return held
    for start, stop in pairwise(offsets):
        edge = stop - round(cv.holdout * (stop - start))
        held[_outside_events(np.array([edge]), labels, start, stop)[0] : stop] = True
    return held


def _time_blocks(offsets: Ints, target: Ints, labels: Bools | None, cv: CvSection) -> Ints:
    """The block of each window that answers a row of `target`, (n,): each stretch is cut into equal parts."""
    count = cv.folds + 1 if cv.scheme == "walk_forward" else cv.folds
    block = np.zeros(len(target), dtype=np.int64)
    for mine in map(slice, *np.searchsorted(target, [offsets[:-1], offsets[1:]])):
        if mine.start == mine.stop:
            continue
        start, stop = target[mine][0], target[mine][-1] + 1
        edges = np.round(np.linspace(start, stop, count + 1)[1:-1]).astype(np.int64)
        edges = _outside_events(edges, labels, start, stop)
        block[mine] = np.searchsorted(edges, target[mine], side="right")
    return block


def _series_blocks(offsets: Ints, target: Ints, labels: Bools | None, cv: CvSection) -> Ints:
    """The block of each window that answers a row of `target`, (n,): whole stretches, dealt to have events even."""
    owner = np.searchsorted(offsets, target, side="right")
    numbers, begins, counts = np.unique(owner, return_index=True, return_counts=True)
    if len(numbers) < cv.folds:
        raise UserError(
            f"{len(numbers)} series with windows are too few for {cv.folds} folds",
            where="[cv] folds",
            hint="lower `folds`, or use the scheme `blocked`",
        )
    events = np.zeros(len(numbers), dtype=np.int64)
    if labels is not None:
        anomalous = labels[target]
        events = np.array([len(runs(part)) for part in np.split(anomalous, begins[1:])])
    load = np.zeros((cv.folds, 2), dtype=np.int64)
    fold_of = np.zeros(len(numbers), dtype=np.int64)
    for index in np.lexsort((numbers, -counts, -events)):
        # a series without events goes to the fold with the fewest windows, whatever events that fold has
        keys = (load[:, 1], load[:, 0]) if events[index] else (load[:, 1],)
        fold = int(np.lexsort(keys)[0])
        load[fold] += events[index], counts[index]
        fold_of[index] = fold
    return np.repeat(fold_of, counts)


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
    wide = rows.copy()
    for start, stop in pairwise(offsets):
        for first, past in runs(rows[start:stop]):
            wide[start + max(first - gap, 0) : min(start + past + gap, stop)] = True
    return wide


def refuse_empty(split: Split, windows: Windows, cv: CvSection) -> None:
    """Refuses folds without windows.

    Raises:
        UserError: a fold has too few to train on, or none to validate on.
    """
    short = [
        f"fold {number} has {len(fold.train)} training and {len(fold.valid)} validation windows"
        for number, fold in enumerate(split.folds, 1)
        if len(fold.train) < 2 or len(fold.valid) == 0
    ]
    if short:
        raise UserError(
            f"{len(windows)} windows do not suffice for {cv.folds} folds after purging: {short[0]}",
            where="[cv] folds",
            hint="lower `folds`, `embargo` or `[task] window`",
        )
