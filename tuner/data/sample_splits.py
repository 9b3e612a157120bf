"""Folds of samples: drawn at random by whole groups, or in order and purged where samples share rows."""

import warnings

import numpy as np

from tuner.data.series import HELD_OUT, TRAIN, VALID, Bools, Ints, Samples
from tuner.data.splits import Fold, Split, refuse_empty
from tuner.data.windows import Windows
from tuner.errors import UserError
from tuner.spec.sections import CvSection

WHERE = "[cv] folds"


def split_samples(samples: Samples, windows: Windows, cv: CvSection, seed: int) -> Split:
    """Cuts a holdout off, then makes the folds. No sample that is trained on shares a row with one that is validated.

    Folds are those that the user gives; else, by time, each trained on what came before it (`walk_forward`); else
    blocks of neighbours where samples share rows like windows of a series; else drawn at random by whole groups, with
    classes in proportion. They are fewer than wanted where a class has fewer groups.

    Args:
        samples: in the order of `windows`.
        windows: the same as windows.
        cv: scheme, folds and holdout.
        seed: of the study.

    Raises:
        UserError: there are too few samples or groups, or the scheme needs a time that they do not have.
    """
    if cv.embargo or cv.scheme == "series":
        key = "embargo" if cv.embargo else "scheme"
        what = f"`{key}` belongs to series, and these are samples"
        raise UserError(what, where=f"[cv] {key}", hint="remove it, or give `groups` that stay together")
    if samples.parts is not None:
        held = np.asarray((samples.parts == HELD_OUT).all(axis=0))
        pairs = [(np.flatnonzero(part == TRAIN), np.flatnonzero(part == VALID)) for part in samples.parts]
    elif cv.scheme == "walk_forward" or samples.group is None:
        held, pairs = _in_order(samples, windows, cv)
    else:
        held, pairs = _by_group(samples, samples.group, cv, seed)
    holdout = np.flatnonzero(held)
    apart = ~windows.touches(windows.touched_rows(holdout))
    folds = []
    for train, valid in pairs:
        valid = valid[apart[valid]]
        clear = apart & ~windows.touches(windows.touched_rows(valid))
        folds.append(Fold(train[clear[train]], valid))
    split = Split(tuple(folds), np.flatnonzero(apart), holdout)
    refuse_empty(split, windows, cv)
    return split


def _in_order(samples: Samples, windows: Windows, cv: CvSection) -> tuple[Bools, list[tuple[Ints, Ints]]]:
    """The last share held out, and blocks of what comes before: by time, or by rows."""
    walk = cv.scheme == "walk_forward"
    if walk and samples.time is None:
        raise UserError("walk-forward folds need a time", where="[cv] scheme", hint="give `time`, one for each sample")
    rank = samples.time if walk and samples.time is not None else np.arange(len(windows))
    order = np.argsort(rank, kind="stable")

    def cut(among: Ints, edges: Ints) -> Ints:
        """The edges, each before the first of those that are as old as the one that it would cut off."""
        return np.searchsorted(rank[among], rank[among[np.minimum(edges, len(among) - 1)]])

    edge = len(order)
    if cv.holdout > 0:
        edge = int(cut(order, np.array([len(order) - max(1, round(cv.holdout * len(order)))]))[0])
    held = np.zeros(len(order), dtype=bool)
    held[order[edge:]] = True
    order = order[:edge][~windows.touches(windows.touched_rows(order[edge:]))[order[:edge]]]
    count = cv.folds + walk
    if len(order) < 2 * count:
        raise UserError(f"{len(order)} samples are too few for {cv.folds} folds", where=WHERE, hint="lower `folds`")
    blocks = np.split(order, cut(order, np.linspace(0, len(order), count + 1)[1:-1].astype(np.int64)))
    numbers = range(1, count) if walk else range(count)
    pairs = [
        (np.sort(np.concatenate([block for at, block in enumerate(blocks) if at < n or (at > n and not walk)])), valid)
        for n, valid in ((n, np.sort(blocks[n])) for n in numbers)
    ]
    return held, pairs


def _by_group(samples: Samples, group: Ints, cv: CvSection, seed: int) -> tuple[Bools, list[tuple[Ints, Ints]]]:
    """A share of the groups held out, and the others dealt to folds, at random with classes in proportion."""
    own = np.argmax(samples.answers, axis=1) if samples.classes else None
    held = np.zeros(len(group), dtype=bool)
    if cv.holdout > 0:
        held[_deal(group, own, max(2, round(1 / cv.holdout)), seed)[0][1]] = True
    rest = np.flatnonzero(~held)
    count = cv.folds
    if own is not None:
        counts = [len(np.unique(group[rest][own[rest] == one])) for one in range(len(samples.classes))]
        count = min(count, *counts)
        if count < 2:
            name = samples.classes[int(np.argmin(counts))]
            what = f"class {name} has only {int((own == np.argmin(counts)).sum())} samples, or one group"
            raise UserError(what, where="y", hint="leave it out, put it together with another, or add samples")
    pairs = _deal(group[rest], None if own is None else own[rest], count, seed)
    return held, [(rest[train], rest[valid]) for train, valid in pairs]


def _deal(group: Ints, own: Ints | None, count: int, seed: int) -> list[tuple[Ints, Ints]]:
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold  # slow to import

    if (there := len(np.unique(group))) < count:
        hint = "lower `folds`, or the share of the holdout"
        raise UserError(f"{there} groups of samples are too few for {count} parts", where=WHERE, hint=hint)
    kind = GroupKFold if own is None else StratifiedGroupKFold
    splitter = kind(count, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer samples than parts, which the caller sees to
        return list(splitter.split(group, group if own is None else own, group))
