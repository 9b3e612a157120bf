"""A profile of a data set before there is a study of it: its size, events, rhythm, memory and drift."""

from dataclasses import dataclass

import numpy as np

from tuner.data.seasonality import Rhythm, as_signals, drift, find_rhythm, no_change, typical_length
from tuner.data.series import Dataset, runs
from tuner.errors import UserError, counted, listed

SHORTEST = 16  # rows of a series worth measuring
PERSISTENT = 0.1  # of the error of forecasting the mean: an autocorrelation above 0.95 from row to row


@dataclass(frozen=True)
class Profile:
    """Findings that a study file is proposed from; rhythm, memory and drift are those of the targets.

    Attributes:
        files: how many files the series come from.
        series: how many series.
        rows: of all series.
        typical: rows of the series in which the middle row lies: half of all rows are in series at least this long.
        time: the time column, or the parts of it; empty without one.
        label: the label column, None without one.
        features: the columns to learn from.
        targets: the columns to forecast: the first feature; with labels all but on/off signals.
        events: runs of anomalous rows, 0 without labels.
        anomalous: anomalous rows.
        labelled_files: files with an event.
        lead: the share of a series that lies before its first event, the minimum of all; 1 without events.
        no_change: the squared error of forecasting no change, as a share of forecasting the mean.
        level: the rhythm of the values.
        change: the rhythm of their changes from row to row.
        drift: from the first third to the last, in standard deviations within a third.
        notes: how the data were read, as sentences.
    """

    files: int
    series: int
    rows: int
    typical: int
    time: tuple[str, ...]
    label: str | None
    features: tuple[str, ...]
    targets: tuple[str, ...]
    events: int
    anomalous: int
    labelled_files: int
    lead: float
    no_change: float
    level: Rhythm
    change: Rhythm
    drift: float
    notes: tuple[str, ...]

    @property
    def persistent(self) -> bool:
        """Is forecasting no change hard to beat, as for a random walk?"""
        return self.no_change < PERSISTENT

    def __str__(self) -> str:
        """The data set in one sentence."""
        sizes = f"{counted(self.files, 'file')}, {self.series:,} series, {counted(self.rows, 'row')}, "
        sizes += f"{counted(len(self.features), 'column')} of numbers"
        if self.label is None:
            return f"Found {sizes}, no labels."
        share = self.anomalous / self.rows
        return f"Found {sizes}, {counted(self.events, 'event')} ({share:.1%} of the rows are anomalous)."


def make_profile(data: Dataset) -> Profile:
    """Measures a data set.

    Raises:
        UserError: no series is long enough.
    """
    typical = typical_length([len(series) for series in data.series])
    if typical < SHORTEST:
        raise UserError(
            f"the series are too short to learn from: half of the {data.rows} rows are in pieces of less than "
            f"{SHORTEST}",
            hint="raise `[data] max_gap` if gaps cut them, or join the files of one series",
        )
    targets = _targets(data)
    columns = [data.feature_names.index(name) for name in targets]
    signals = as_signals([series.features[:, columns] for series in data.series])
    if not signals:
        raise UserError(f"{listed(targets)} never changes in a series of {typical} rows or more", where="[data]")
    labels = [np.zeros(0, dtype=bool) if series.labels is None else series.labels for series in data.series]
    return Profile(
        files=len({series.file for series in data.series}),
        series=len(data.series),
        rows=data.rows,
        typical=typical,
        time=data.time_names,
        label=data.label_name,
        features=data.feature_names,
        targets=targets,
        events=sum(len(runs(mark)) for mark in labels),
        anomalous=int(sum(mark.sum() for mark in labels)),
        labelled_files=len({series.file for series, mark in zip(data.series, labels, strict=True) if mark.any()}),
        lead=min((float(mark.argmax() / len(mark)) for mark in labels if mark.any()), default=1.0),
        no_change=no_change(signals),
        level=find_rhythm(signals),
        change=find_rhythm([np.diff(signal, axis=0) for signal in signals]),
        drift=drift(signals),
        notes=data.notes,
    )


def _targets(data: Dataset) -> tuple[str, ...]:
    """The first feature; with labels every one that takes more than two values: an anomaly may show in any of them."""
    if not data.labelled:
        return data.feature_names[:1]
    values = np.concatenate([series.features for series in data.series])
    between = (values > values.min(axis=0)) & (values < values.max(axis=0))
    many = [name for name, more in zip(data.feature_names, between.any(axis=0), strict=True) if more]
    return tuple(many) or data.feature_names[:1]
