"""From a study's data files to its data set: columns by role, checked, cut at gaps, interpolated, without constants."""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner.data.series import (
    LONGEST_INTERPOLATED,
    Bools,
    Dataset,
    Floats,
    Series,
    interpolate,
    join_labels,
    runs,
    split_at_gaps,
    split_at_missing,
)
from tuner.errors import UserError, counted, listed
from tuner.loading.clock import Clock, read_clock
from tuner.loading.columns import numbers, refuse_missing
from tuner.loading.labels import read_labels
from tuner.loading.resampling import any_by_bin, find_bins, mean_by_bin
from tuner.loading.roles import Roles, assign_roles
from tuner.loading.sources import lookback, read_tables
from tuner.reading.table import Column, DataTable, merged
from tuner.spec.sections import DataSection, Spec

BLOCK = 65_536  # rows hashed at a time


@dataclass(frozen=True)
class _Rows:
    """Consecutive rows of one file.

    Attributes:
        file: the name of their table.
        time: (rows,).
        values: (rows, columns) of features and targets, NaN where missing.
        missing: (rows,) does the file lack a value of the row?
        labels: (rows,) or None.
    """

    file: str
    time: Column
    values: Floats
    missing: Bools
    labels: Bools | None

    def pieces(self, cuts: Sequence[tuple[int, int]]) -> "list[_Rows]":
        """The rows of each half-open interval."""
        marks = self.labels
        return [
            _Rows(self.file, self.time[a:b], self.values[a:b], self.missing[a:b], None if marks is None else marks[a:b])
            for a, b in cuts
        ]


def load_dataset(spec: Spec) -> Dataset:
    """The data set of a study.

    Raises:
        UserError: the data cannot be read, or are not what the study needs; names the file, row and column.
    """
    if spec.on_samples:
        from tuner.loading.sample_file import load_samples  # what it needs is slow to import

        return load_samples(spec)
    if spec.task.kind == "regress":
        hint = 'name an .npz file, or use "forecast"'
        raise UserError("values of samples are learnt from an .npz file", where="[task] kind", hint=hint)
    if not spec.task.scale:
        raise UserError("series are always scaled", where="[task] scale", hint="remove it, or learn from an .npz file")
    return make_dataset(read_tables(spec.data), spec)


def make_dataset(tables: Sequence[DataTable], spec: Spec) -> Dataset:
    """The data set that the tables of a study make.

    Raises:
        UserError: as `load_dataset`.
    """
    roles, tables = assign_roles(tables, spec.data)
    clocks = [read_clock(table, roles.time) if roles.time else None for table in tables]
    files = [_checked(table, clock, roles, spec.data) for table, clock in zip(tables, clocks, strict=True)]
    read = [note for table in tables for note in table.notes]
    read += [note for clock in clocks if clock is not None for note in clock.notes]
    steady = [piece for rows in files for piece in rows.pieces(split_at_gaps(rows.time, spec.data.max_gap))]
    segments = [piece for rows in steady for piece in rows.pieces(split_at_missing(rows.missing))]
    if not segments:
        how = "name the columns with fewer missing values"
        raise UserError("every row lacks a value", where="[data] features", hint=how)
    low = np.min([np.nanmin(rows.values, axis=0) for rows in segments], axis=0)
    high = np.max([np.nanmax(rows.values, axis=0) for rows in segments], axis=0)
    constant = {name for name, same in zip(roles.numeric, low == high, strict=True) if same}
    feature_names, target_names = _chosen(roles, constant, spec.task.kind == "classify")
    series = _series(segments, roles.numeric, feature_names, target_names)
    _check_labels(series, spec)
    longest = max((past - first for rows in segments for first, past in runs(rows.missing)), default=0)
    reach = lookback(spec.data, {*feature_names, *target_names})
    return Dataset(
        series=series,
        feature_names=feature_names,
        target_names=target_names,
        interpolated=longest,
        lookback=reach,
        digest=_digest(series, repr((feature_names, target_names, longest, reach))),
        notes=(*dict.fromkeys(read), *roles.notes, *_notes(files, steady, segments, constant, spec.data)),
        time_names=roles.time,
        label_name=None if roles.label is None else roles.label.name,
        anomalous=None if roles.label is None or roles.label.plain else roles.label.anomalous,
        series_name=roles.series,
        warnings=roles.warnings,
        reading=merged(table.reading for table in tables),
    )


def _checked(table: DataTable, clock: Clock | None, roles: Roles, data: DataSection) -> _Rows:
    table = table if clock is None else table.take(clock.rows)
    # filled column by column, so that large data stand there once
    values = np.empty((len(table.columns[roles.numeric[0]]), len(roles.numeric)))
    for index, name in enumerate(roles.numeric):
        values[:, index] = numbers(table, name)
    if data.missing == "refuse":
        for index, name in enumerate(roles.numeric):
            refuse_missing(table, name, values[:, index])
    time = np.arange(len(values)) if clock is None else clock.time
    marks = None if roles.label is None else read_labels(table, roles.label)
    if data.every is not None and len(time):
        first, time = find_bins(time, data.every)
        values = np.column_stack([mean_by_bin(column[:, None], first) for column in values.T])
        marks = None if marks is None else any_by_bin(marks, first)
    return _Rows(table.name, time, values, np.asarray(np.isnan(values).any(axis=1)), marks)


def _chosen(roles: Roles, constant: Collection[str], classify: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of features and targets, constant ones left out."""
    features = tuple(name for name in roles.features if name not in constant)
    if not features:
        hint = "name columns whose values change"
        raise UserError(f"every feature is constant: {listed(roles.features)}", where="[data] features", hint=hint)
    targets = () if classify else roles.targets or features[:1]
    if stuck := [name for name in targets if name in constant]:
        hint = "name a column whose values change"
        raise UserError(f"the target `{stuck[0]}` never changes", where="[data] target", hint=hint)
    return features, targets


def _series(
    segments: Sequence[_Rows], names: Sequence[str], feature_names: Sequence[str], target_names: Sequence[str]
) -> tuple[Series, ...]:
    features, targets = ([names.index(name) for name in chosen] for chosen in (feature_names, target_names))
    count: Counter[str] = Counter()
    series = []
    for rows in segments:
        count[rows.file] += 1
        name = rows.file if count[rows.file] == 1 else f"{rows.file}#{count[rows.file]}"
        values = interpolate(rows.values)
        seen = values if features == [*range(len(names))] else values[:, features]  # all of them without a copy
        series.append(Series(name, rows.time, seen, values[:, targets], rows.labels, rows.file))
    return tuple(series)


def _check_labels(series: Sequence[Series], spec: Spec) -> None:
    metric, kind = spec.study.metric, spec.task.kind
    need = f'kind = "{kind}"' if kind == "classify" else f'metric = "{metric}"'
    if kind != "classify" and metric == "loss":
        return
    marks = join_labels(series)
    if marks is None:
        hint = "name the column that says which rows are anomalous (1) and which are not (0)"
        raise UserError(f"{need} needs a label column, and none was recognised", where="[data] label", hint=hint)
    if not marks.any():
        hint = 'use kind = "forecast" and metric = "loss"'
        raise UserError(f"{need} needs anomalous rows, and no row is labelled so", where="[data] label", hint=hint)


def _notes(
    files: Sequence[_Rows],
    steady: Sequence[_Rows],
    segments: Sequence[_Rows],
    constant: Collection[str],
    data: DataSection,
) -> list[str]:
    max_gap = data.max_gap
    notes = [f"Left out as constant: {listed(sorted(constant))}."] if constant else []
    if data.every is not None:
        count = sum(len(rows.time) for rows in files)
        notes.append(f"Put rows together by `[data] every` = {data.every}: {count:,} means, anomalous if any row is.")
    if gaps := len(steady) - len(files):
        have, are = ("file has", "it is") if len(files) == 1 else (f"{len(files)} files have", "they are")
        step = f" of {_duration(np.median(np.diff(files[0].time)))}" if len(files) == 1 else ""
        notes.append(
            f"The {have} {counted(gaps, 'time gap')} (longer than {max_gap:g} times the usual step{step}), "
            f"so {are} treated as {len(steady)} separate series."
        )
    if filled := sum(int(rows.missing.sum()) for rows in segments):
        notes.append(f"Interpolated {counted(filled, 'row')} with missing values.")
    if lost := sum(len(rows.time) for rows in steady) - sum(len(rows.time) for rows in segments):
        notes.append(
            f"Left out {counted(lost, 'row')} with missing values: at the ends of series, or in runs of more than "
            f"{LONGEST_INTERPOLATED}, where the series was cut."
        )
    return notes


def _duration(step: Any) -> str:  # noqa: ANN401 (a number of NumPy's)
    """A difference of times, in the largest unit that it fills: `1 h`, `2.5 s`; a bare number between numbers."""
    if step.dtype.kind != "m":
        return f"{step:g}"
    nanoseconds = float(step / np.timedelta64(1, "ns"))
    units = {"d": 86_400e9, "h": 3_600e9, "min": 60e9, "s": 1e9, "ms": 1e6, "ns": 1.0}
    unit, length = next((unit, length) for unit, length in units.items() if nanoseconds >= length or unit == "ns")
    return f"{nanoseconds / length:.3g} {unit}"


def _digest(series: Sequence[Series], facts: str) -> str:
    """SHA-256 over all that training can see; shapes are hashed too, so that no two data sets read alike."""
    digest = hashlib.sha256(facts.encode())
    for one in series:
        arrays = [one.time, one.features, one.targets, *([] if one.labels is None else [one.labels])]
        digest.update(repr((one.name, [(array.dtype.str, array.shape) for array in arrays])).encode())
        for array in arrays:
            for first in range(0, len(array), BLOCK):  # a copy at a time
                digest.update(array[first : first + BLOCK].tobytes())
    return digest.hexdigest()
