"""A profile of a data set before there is a study of it: its size, events, rhythm, memory and drift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tuner.data.seasonality import Rhythm, as_signals, drift, find_rhythm, no_change, typical_length
from tuner.data.series import Dataset, Series, join_labels, runs
from tuner.errors import UserError, counted, listed
from tuner.loading.counters import goes_round
from tuner.spec.sections import CvSection

SHORTEST = 16  # rows of a series worth measuring
ENOUGH_FILES = 5  # to validate on whole ones, and to hold whole ones back
HOLDOUT = float(CvSection.model_fields["holdout"].default)
MOST_MEASURED = 200_000  # rows of a series whose rhythm is measured
PERSISTENT = 0.1  # of the error of forecasting the mean: an autocorrelation above 0.95 from row to row


@dataclass(frozen=True)
class Profile:
    """Findings that a study file is proposed from: all that a choice hangs on is seen before the usual holdout.

    Rhythm, memory and drift are those of the targets.

    Attributes:
        files: how many files the series come from.
        series: how many series.
        rows: of all series.
        typical: rows of the series in which the middle row lies: half of all rows are in series at least this long.
        step: the usual one from row to row, in nanoseconds if the time is `dated`.
        time: the time column, or the parts of it; empty without one.
        label: the label column, None without one.
        features: the columns to learn from.
        anomalous: the label's values that mean so, None where 1 does.
        split: the column that tells the series of one file apart, None where each file is one.
        targets: the columns to forecast: the first feature, with labels all, but on/off signals, hours and the like.
        named: were the targets named? Then nothing else is learnt.
        events: runs of anomalous rows, 0 without labels.
        share: of all rows that are anomalous.
        event: rows of a usual one before the holdout; of a series without events all.
        seen: events before the holdout.
        labelled_files: files with one of these.
        lead: the share of a series that lies before its first event, the minimum of all; 1 without events.
        no_change: the squared error of forecasting no change, as a share of forecasting the mean.
        level: the rhythm of the values.
        change: the rhythm of their changes from row to row.
        drift: from the first third to the last, in standard deviations within a third.
        reading: the keys by which files of this kind are read alike.
        notes: how the data were read, as sentences.
        warnings: what can make a result worthless, as sentences.
    """

    files: int
    series: int
    rows: int
    typical: int
    step: float
    dated: bool
    time: tuple[str, ...]
    label: str | None
    anomalous: tuple[str, ...] | None
    split: str | None
    features: tuple[str, ...]
    targets: tuple[str, ...]
    named: bool
    events: int
    share: float
    event: int
    seen: int
    labelled_files: int
    lead: float
    no_change: float
    level: Rhythm
    change: Rhythm
    drift: float
    reading: Mapping[str, Any]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def persistent(self) -> bool:
        """Is forecasting no change hard to beat, as for a random walk?"""
        return self.no_change < PERSISTENT

    def __str__(self) -> str:
        """The data set in one sentence."""
        files = "" if self.split else f"{counted(self.files, 'file')}, "
        sizes = f"{files}{self.series:,} series, {counted(self.rows, 'row')}, "
        sizes += f"{counted(len(self.features), 'column')} of numbers"
        if self.label is None:
            return f"Found {sizes}, no labels."
        return f"Found {sizes}, {counted(self.events, 'event')} ({self.share:.1%} of the rows are anomalous)."


def make_profile(data: Dataset, *, named: bool = False) -> Profile:
    """Measures a data set; its targets are forecast if they were `named`.

    Raises:
        UserError: no series is long enough.
    """
    typical = typical_length([len(series) for series in data.series])
    if typical < SHORTEST:
        raise UserError(
            f"the series are too short to learn from: half of the {data.rows} rows are in pieces of less than "
            f"{SHORTEST}",
            hint="join the files of one series, or name what tells several series apart as `[data] series`",
        )
    known = _before_holdout(data.series)
    features, targets = _columns(data, known)
    columns = [data.feature_names.index(name) for name in targets]
    targets = data.target_names if named else targets
    signals = as_signals([series.targets if named else series.features[:, columns] for series in known])
    if not signals:
        raise UserError(f"{listed(targets)} never changes in a series of {typical} rows or more", where="[data]")
    begins = [signal[:MOST_MEASURED] for signal in signals]
    marks, labels = join_labels(data.series), {one.name: one.labels for one in known if one.labels is not None}
    lengths = {series.name: len(series) for series in data.series}
    return Profile(
        files=len({series.file for series in data.series}),
        series=len(data.series),
        rows=data.rows,
        typical=typical,
        step=float(np.median(np.concatenate([np.diff(one.time).astype(np.float64) for one in data.series]))),
        dated=data.series[0].time.dtype.kind == "M",
        time=data.time_names,
        label=data.label_name,
        anomalous=data.anomalous,
        split=data.series_name,
        features=features,
        targets=targets,
        named=named,
        events=sum(len(runs(one.labels)) for one in data.series if one.labels is not None),
        share=0.0 if marks is None else float(marks.mean()),
        event=round(np.median([past - first for mark in labels.values() for first, past in runs(mark)] or [typical])),
        seen=sum(len(runs(mark)) for mark in labels.values()),
        labelled_files=len({one.file for one in known if one.name in labels and labels[one.name].any()}),
        lead=min((float(mark.argmax() / lengths[name]) for name, mark in labels.items() if mark.any()), default=1.0),
        no_change=no_change(signals),
        level=find_rhythm(begins),
        change=find_rhythm([np.diff(signal, axis=0) for signal in begins]),
        drift=drift(signals),
        reading=data.reading.model_dump(exclude_none=True),
        notes=data.notes,
        warnings=data.warnings,
    )


def _before_holdout(series: Sequence[Series]) -> list[Series]:
    """The series without any row that the usual holdout takes under some scheme: from the end of each, of each file,
    and of many files the last."""
    files = list(dict.fromkeys(one.file for one in series))
    kept = len(files) - (max(1, round(HOLDOUT * len(files))) if len(files) >= ENOUGH_FILES else 0)
    found = []
    for file in files[:kept]:
        pieces = [one for one in series if one.file == file]
        left = sum(map(len, pieces)) - round(HOLDOUT * sum(map(len, pieces)))
        for one in pieces:
            rows = min(len(one) - round(HOLDOUT * len(one)), left)
            left -= len(one)
            if rows > 0:
                parts = {name: getattr(one, name)[:rows] for name in ("time", "features", "targets")}
                found.append(replace(one, **parts, labels=None if one.labels is None else one.labels[:rows]))
    return found


def _columns(data: Dataset, known: Sequence[Series]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The features that change before the holdout, and what to forecast: the first of them that takes more than two
    values and does not just go round, as hours do; with labels every such one, as an anomaly may show in any."""
    low, high = (np.array([pick(one.features, axis=0) for one in known]) for pick in (np.min, np.max))
    low, high = low.min(axis=0), high.max(axis=0)
    features = tuple(name for name, still in zip(data.feature_names, low == high, strict=True) if not still)
    if not features:
        raise UserError(f"every feature is constant before the holdout: {listed(data.feature_names)}", where="[data]")
    between = np.any([((one.features > low) & (one.features < high)).any(axis=0) for one in known], axis=0)
    between &= ~np.all([[goes_round(column) for column in one.features.T] for one in known], axis=0)
    worth = tuple(name for name, more in zip(data.feature_names, between, strict=True) if more) or features[:1]
    return features, worth if data.labelled else worth[:1]
