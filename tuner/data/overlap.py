"""Overlap of sequences, found by their rows: which share some, in whatever order they come.

Runs of consecutive rows are hashed. How long a run must be to say where it comes from is read from the data: of real
numbers two rows do; of few levels runs are taken so long that longer ones would hardly be more diverse.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from tuner.data.sequences import Sequences
from tuner.data.series import Bools, Ints

Hashes = npt.NDArray[np.uint64]

BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2 ** 64
# Runs of a length tell positions apart when twice as long ones are hardly more diverse.
SATURATED = 0.95
# Of the pairs that have a run in common, as many have all in common at least where that is no coincidence.
LEAST_AGREED = 0.5


@dataclass(frozen=True)
class Placement:
    """Sequences on the rows that they are cut from.

    Attributes:
        stretch: (n,) sequences of one stretch hang together by rows that they share.
        place: (n,) the first row of each in its stretch, from 0 on.
        shared: rows that a sequence shares with the next one in its stretch, at the median; 0 where most stand alone.
    """

    stretch: Ints
    place: Ints
    shared: int


class Runs:
    """Hashes of runs of rows inside sequences: equal runs have equal ones, wherever they lie."""

    def __init__(self, sequences: Sequences) -> None:
        frame = pd.DataFrame(sequences.steps + 0.0)  # -0.0 is 0.0
        rows = pd.util.hash_pandas_object(frame, index=False).to_numpy(np.uint64)
        self.lengths = sequences.lengths
        self.first = sequences.first
        self._inverse = np.cumprod(np.full(len(rows), pow(BASE, -1, 2**64), dtype=np.uint64))
        terms = rows * np.cumprod(np.full(len(rows), BASE, dtype=np.uint64))
        self._total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])
        self._changes = np.cumsum(np.concatenate([[False], rows[1:] != rows[:-1]]))

    def hash(self, begin: Ints, length: int | Ints) -> Hashes:
        """Of the runs of `length` rows, at least 1, from the rows `begin` on, (n,)."""
        value: Hashes = (self._total[begin + length] - self._total[begin]) * self._inverse[begin]
        return value

    def begins(self, length: int) -> Ints:
        """The first row of each run of `length` rows within a sequence, but for runs of one value, ascending."""
        rows = np.arange(len(self._inverse))
        ends = np.repeat(self.first + self.lengths, self.lengths)
        begin = rows[rows + length <= ends]
        lively = self._changes[begin + length - 1] > self._changes[begin]
        return begin[lively] if length > 1 else begin

    def telling(self) -> int | None:
        """The length of runs that say where they come from; None where even the longest do not."""
        length = 1
        while 2 * length <= self.lengths.min():
            # sorted: many times as fast here as np.unique, which hashes
            ordered = [np.sort(self.hash(self.begins(rows), rows)) for rows in (length, 2 * length)]
            short, long = (np.count_nonzero(np.diff(values)) for values in ordered)
            length *= 2
            if short >= SATURATED * long:
                return length
        return None


def place_sequences(sequences: Sequences) -> Placement:
    """The stretches of sequences that share rows, and where each lies in its own.

    Where rows repeat themselves, so that a sequence could lie at several places, it lies at one of them.
    """
    count = len(sequences)
    left, right, shift = _links(Runs(sequences))
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(count, count)).tocsr()
    stretch = connected_components(graph, directed=False)[1].astype(np.int64)
    steps = dict(zip(zip(left.tolist(), right.tolist(), strict=True), shift.tolist(), strict=True))
    place = np.zeros(count, dtype=np.int64)
    _, starts, sizes = np.unique(stretch, return_index=True, return_counts=True)
    for start in starts[sizes > 1]:
        order, before = breadth_first_order(graph, int(start), directed=False)
        for one in order[1:].tolist():
            past = int(before[one])
            place[one] = place[past] + (steps[past, one] if (past, one) in steps else -steps[one, past])
    least = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(least, stretch, place)
    place -= least[stretch]
    order = np.lexsort((place, stretch))
    common = np.where(np.diff(stretch[order]) == 0, sequences.lengths[order][:-1] - np.diff(place[order]), 0)
    return Placement(stretch, place, int(np.median(np.maximum(common, 0))) if count > 1 else 0)


def _links(runs: Runs) -> tuple[Ints, Ints, Ints]:
    """Pairs of sequences that share rows, enough of them to join all that do, and where the second begins in the first.

    Of two sequences that overlap one begins inside the other, and they agree as far as they overlap.
    """
    none = np.empty(0, dtype=np.int64)
    length = runs.telling()
    if length is None:
        return none, none, none
    begin = runs.begins(length)
    value, owner = runs.hash(begin, length), np.searchsorted(runs.first, begin, side="right") - 1
    own = np.unique(owner, return_index=True)[1]  # each sequence's first run
    known, holder = np.unique(value[own], return_index=True)
    found = np.flatnonzero(np.isin(value, known))
    second = owner[own[holder[np.searchsorted(known, value[found])]]]
    # what a sequence has twice counts once, and the first two others are enough
    found, second = found[owner[found] != second], second[owner[found] != second]
    once = np.sort(np.unique(owner[found] * len(runs.lengths) + second, return_index=True)[1])
    first = owner[found[once]]
    once = once[np.arange(len(first)) - np.searchsorted(first, first) < 2]
    found, second = found[once], second[once]
    first, at = owner[found], begin[found] - runs.first[owner[found]]
    shift = at - (begin[own] - runs.first[owner[own]])[np.searchsorted(owner[own], second)]
    ahead, behind = np.maximum(shift, 0), np.maximum(-shift, 0)
    common = np.minimum(runs.lengths[first] - ahead, runs.lengths[second] - behind)
    agree = runs.hash(runs.first[first] + ahead, common) == runs.hash(runs.first[second] + behind, common)
    if agree.sum() < LEAST_AGREED * len(agree):
        return none, none, none
    return first[agree], second[agree], shift[agree]


def shares_rows(left: Sequences, right: Sequences) -> Bools:
    """Marks the sequences of `right` that share rows with one of `left`, (n,)."""
    lengths = np.concatenate([left.lengths, right.lengths])
    placement = place_sequences(Sequences(np.concatenate([left.steps, right.steps]), lengths, None))
    offset = placement.stretch * (int(placement.place.max()) + int(lengths.max()) + 1) + placement.place
    begins = np.sort(offset[: len(left)])
    ends = np.maximum.accumulate((offset[: len(left)] + left.lengths)[np.argsort(offset[: len(left)])])
    mine = offset[len(left) :]
    before = np.searchsorted(begins, mine + right.lengths) - 1
    return np.asarray((before >= 0) & (ends[np.maximum(before, 0)] > mine))
