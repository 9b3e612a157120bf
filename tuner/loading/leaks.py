"""Leaks: columns that by themselves all but tell the label, on its rows or shortly before and after them."""

import math
from enum import IntEnum

import numpy as np

from tuner.data.series import Bools, Floats, Ints, runs

REACH = 10  # rows before and after an event that are shortly so, or as many as an event usually has
TELLS = 0.95  # F1 of a threshold, and the share of marks and of events, from which on a column all but tells the label
PERFECT = 0.995  # F1 that is worth a word in a column that may well be a measurement
APART = 5.0  # standard deviations within a class: no measurement keeps normal and anomalous rows further apart
NEAR = 0.98  # area under the ROC curve below which no threshold on few events comes near TELLS
CHANCE = 1e-3  # that rows lie as they do by chance
MOST_LEVELS = 30  # values of a column whose rare ones are marks
LEAST_ROWS = 5  # of a value, on average, in such a column: a value that stands once goes with one class anyway


class Telling(IntEnum):
    """How far a column by itself tells the label."""

    NOT = 0
    PERFECTLY = 1  # as a clear measurement may, or a score
    DERIVED = 2  # as what is made from the label does


def telling(values: Floats, labels: Bools) -> Telling:
    """How far a column by itself tells the label.

    It is derived where a threshold divides it as no measurement is divided, each of its values goes with one class, or
    it marks whole events, or where they begin or end, and hardly anything else.

    Args:
        values: (rows,), NaN where missing.
        labels: (rows,) is the row anomalous?
    """
    events, known = runs(labels), ~np.isnan(values)
    if _by_chance(len(labels), int(labels.sum())) or not known.any():
        return Telling.NOT
    values = np.where(known, values, np.median(values[known]))
    levels, codes = np.unique(values, return_inverse=True)
    if len(levels) == 1:
        return Telling.NOT
    score, here = _best_threshold(codes, labels)
    few = len(levels) <= min(MOST_LEVELS, len(values) / LEAST_ROWS)
    if score >= TELLS and (few or _apart(values, codes, here)):
        return Telling.DERIVED
    marks = [np.concatenate([[False], values[1:] != values[:-1]])]
    if few:
        counts = np.bincount(codes)
        marks += [codes != counts.argmax(), (np.bincount(codes, weights=labels) > counts / 2)[codes]]
        if 2 * (labels & marks[-1]).sum() >= TELLS * (labels.sum() + marks[-1].sum()):
            return Telling.DERIVED
    reach = max(REACH, int(np.median([past - first for first, past in events])))
    if any(_marks_events(mark, events, reach) for mark in marks):
        return Telling.DERIVED
    return Telling.PERFECTLY if score >= PERFECT else Telling.NOT


def _best_threshold(codes: Ints, labels: Bools) -> tuple[float, Bools]:
    """The best F1 of a threshold for the labels of these rows, or of rows up to `REACH` away, and these labels."""
    counts = np.bincount(codes)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # of equal values their mean
    best, best_labels = 0.0, labels
    for shift in sorted(range(-min(REACH, len(codes) - 1), min(REACH, len(codes) - 1) + 1), key=abs):
        here = np.roll(labels, shift)
        here[: max(shift, 0)], here[len(here) + min(shift, 0) :] = False, False
        positive = int(here.sum())
        if _by_chance(len(codes), positive):
            continue
        area = (ranks[codes[here]].mean() - (positive + 1) / 2) / (len(codes) - positive)
        if max(area, 1 - area) < NEAR:
            continue
        hits = np.bincount(codes[here], minlength=len(counts))
        if area > 0.5:
            hits, total = hits[::-1], counts[::-1]
        else:
            total = counts
        score = float((2 * np.cumsum(hits) / (np.cumsum(total) + positive)).max())
        if score > best:
            best, best_labels = score, here
    return best, best_labels


def _by_chance(rows: int, positive: int) -> bool:
    """May so few of the rows stand at one end of a column by chance, for one of all thresholds looked at?"""
    orders = math.lgamma(rows + 1) - math.lgamma(positive + 1) - math.lgamma(rows - positive + 1)
    return orders < math.log(2 * (2 * REACH + 1) / CHANCE)


def _apart(values: Floats, codes: Ints, labels: Bools) -> bool:
    """Is one class all but constant, or do both lie far apart?"""
    classes = [labels, ~labels]
    if any(np.bincount(codes[rows]).max() >= TELLS * rows.sum() for rows in classes):
        return True
    within = np.sqrt(np.mean([values[rows].var() for rows in classes]))
    return bool(abs(values[labels].mean() - values[~labels].mean()) > APART * within)


def _marks_events(marks: Bools, events: list[tuple[int, int]], reach: int) -> bool:
    """Do marks lie at nearly all events and hardly anywhere else, or are they whole events?"""
    marked = runs(marks)
    if not marked or marks.mean() > 0.5:
        return False
    if len(marked) > 1 and set(marked) <= set(events):
        return True
    near = np.zeros(len(marks), dtype=bool)
    for first, past in events:
        near[max(first - reach, 0) : past + reach] = True
    hit = np.mean([marks[max(first - reach, 0) : past + reach].any() for first, past in events])
    unlikely = len(marked) * np.log(near.mean()) < np.log(CHANCE)
    return bool(unlikely and hit >= TELLS and near[marks].mean() >= TELLS)
