"""Faults of training and validation data, found in the data alone."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import check_cv

from tuner.data.overlap import shares_rows
from tuner.data.sequences import Sequences
from tuner.data.series import Floats
from tuner.doctor.probe import Finding
from tuner.errors import UserError

# Rows below which statistics say nothing.
LEAST_ROWS = 100


def find_shared_rows(train: Sequences, valid: Sequences) -> Finding | None:
    """Rows that validation sequences share with training ones."""
    if train.steps.shape[1] != valid.steps.shape[1]:
        what = f"training sequences have {train.steps.shape[1]} columns, validation ones {valid.steps.shape[1]}"
        raise UserError(what, where="valid", hint="give both the same columns")
    shared = int(shares_rows(train, valid).sum())
    if not shared:
        return None
    return Finding(
        "shared_rows",
        f"{shared:,} of {len(valid):,} validation sequences contain rows of training sequences.",
        "split the series first and cut windows afterwards, with a gap of one window between the parts",
    )


def find_own_statistics(train: Sequences, valid: Sequences) -> Finding | None:
    """Validation data that were scaled by their own mean and deviation, or by their own minimum and maximum."""
    if all(_is_standard(one.steps[start:][:length]) for one in (train, valid) for start, length in _each(one)):
        return None  # each sequence by itself, as is usual
    kinds = {"mean and deviation": _is_standard, "minimum and maximum": _is_ranged}
    views = [_views(one) for one in (train, valid)]
    for name, is_scaled in kinds.items():
        if all(any(len(rows) >= LEAST_ROWS and is_scaled(rows) for rows in own) for own in views):
            return Finding(
                "own_statistics",
                f"Validation data are scaled by their own {name}: these are exact in both parts.",
                "fit the scaler on training data, and only transform validation data by it",
            )
    return None


def find_absent_classes(answers: npt.NDArray[Any], cv: Any) -> Finding | None:  # noqa: ANN401 (what scikit-learn takes)
    """Classes that no row of a fold has, for training or for validation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of just this
        try:
            splits = list(check_cv(cv, answers, classifier=True).split(answers, answers))
        except (ValueError, TypeError) as error:
            raise UserError(f"these folds cannot be made: {error}", where="cv") from None
    for number, rows in enumerate(splits, 1):
        for kind, part in zip(("training", "validation"), rows, strict=True):
            if len(absent := np.setdiff1d(answers, answers[part])):
                count = int((answers == absent[0]).sum())
                return Finding(
                    "absent_class",
                    f"Fold {number} has no {kind} sequence of class {absent[0]}, of which there are {count}.",
                    "use StratifiedKFold, or fewer folds than the rarest class has sequences",
                )
    return None


def _each(sequences: Sequences) -> list[tuple[int, int]]:
    return list(zip(sequences.first.tolist(), sequences.lengths.tolist(), strict=True))


def _views(sequences: Sequences) -> list[Floats]:
    """What may have been scaled: windows or the series that they were cut from, by column or as a whole."""
    distinct = pd.DataFrame(sequences.steps).drop_duplicates().to_numpy()
    return [rows for each in (sequences.steps, distinct) for rows in (each, each.reshape(-1, 1))]


def _is_standard(rows: Floats) -> bool:
    """True where each column has mean 0 and deviation 1, but for what a few rows more or less would change."""
    near = max(2 / len(rows), 1e-5)
    return bool((np.abs(rows.mean(axis=0)) < near).all() and (np.abs(rows.std(axis=0) - 1) < near).all())


def _is_ranged(rows: Floats) -> bool:
    """True where each column reaches 0 and 1, and goes no further; one that often does so is no scaled one."""
    low, high = rows.min(axis=0), rows.max(axis=0)
    ends = np.abs(low).max() < 1e-6 and np.abs(high - 1).max() < 1e-6
    often = np.maximum((rows == low).sum(axis=0), (rows == high).sum(axis=0)).max()
    return bool(ends and often <= 2)
