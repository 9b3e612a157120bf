"""From a study's data files to its data set: columns by role, checked, cut at gaps, mended, without constants."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.data.checks import labels, numbers, refuse_missing, times
from tuner.data.roles import Roles, assign_roles
from tuner.data.series import Bools, Dataset, Floats, Series, join_labels, runs
from tuner.data.sources import lookback, read_tables
from tuner.data.stretches import LONGEST_MENDED, hint, kept, steady
from tuner.data.table import Column, Table
from tuner.data.wording import counted, listed
from tuner.errors import UserError
from tuner.spec.sections import DataSection, Spec


@dataclass(frozen=True)
class _Part:
    """Rows of one file without a gap in time.

    Attributes:
        file: the name of their table.
        time: (rows,).
        values: (rows, columns) of features and targets; NaN where missing, until mended.
        missing: (rows,) does the file lack a value of the row?
        labels: (rows,) or None.
    """

    file: str
    time: Column
    values: Floats
    missing: Bools
    labels: Bools | None

    def rows(self, first: int, past: int) -> "_Part":
        part = slice(first, past)
        marks = None if self.labels is None else self.labels[part]
        return _Part(self.file, self.time[part], self.values[part], self.missing[part], marks)


def load(spec: Spec) -> Dataset:
    """The data set of a study.

    Raises:
        UserError: the data cannot be read, or are not what the study needs; names the file, row and column.
    """
    return make_dataset(read_tables(spec.data), spec)


def make_dataset(tables: Sequence[Table], spec: Spec) -> Dataset:
    """The data set that the tables of a study make.

    Raises:
        UserError: as `load`.
    """
    roles = assign_roles(tables, spec.data)
    steady_parts = [part for table in tables for part in _steady_parts(table, roles, spec.data)]
    parts = [piece for part in steady_parts for piece in _complete_parts(part)]
    if not parts:
        how = "name the columns with fewer missing values"
        raise UserError("every row lacks a value", where="[data] features", hint=how)
    constant = _constant(parts, roles.numeric)
    feature_names, target_names = _chosen(roles, constant, spec.task.kind == "classify")
    series = _series(parts, roles.numeric, feature_names, target_names)
    _check_labels(series, spec)
    mended = max((past - first for part in parts for first, past in runs(part.missing)), default=0)
    reach = lookback(spec.data, {*feature_names, *target_names})
    return Dataset(
        series=series,
        feature_names=feature_names,
        target_names=target_names,
        mended=mended,
        lookback=reach,
        digest=_digest(series, repr((feature_names, target_names, mended, reach))),
        notes=(*roles.notes, *_notes(len(tables), steady_parts, parts, constant, spec.data.max_gap)),
        time_name=roles.time,
    )


def _steady_parts(table: Table, roles: Roles, data: DataSection) -> list[_Part]:
    columns = [numbers(table, name) for name in roles.numeric]
    if data.missing == "refuse":
        for name, column in zip(roles.numeric, columns, strict=True):
            refuse_missing(table, name, column)
    values = np.column_stack(columns)
    time = np.arange(len(values)) if roles.time is None else times(table, roles.time)
    marks = None if roles.label is None else labels(table, roles.label)
    whole = _Part(table.name, time, values, np.asarray(np.isnan(values).any(axis=1)), marks)
    return [whole.rows(*stretch) for stretch in steady(time, data.max_gap)]


def _complete_parts(part: _Part) -> list[_Part]:
    pieces = [part.rows(*stretch) for stretch in kept(part.missing)]
    return [_Part(one.file, one.time, hint(one.values), one.missing, one.labels) for one in pieces]


def _constant(parts: Sequence[_Part], names: Sequence[str]) -> frozenset[str]:
    low = np.min([part.values.min(axis=0) for part in parts], axis=0)
    high = np.max([part.values.max(axis=0) for part in parts], axis=0)
    return frozenset(name for name, same in zip(names, low == high, strict=True) if same)


def _chosen(roles: Roles, constant: frozenset[str], classify: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of features and targets, constant ones left out."""
    features = tuple(name for name in roles.features if name not in constant)
    if not features:
        raise UserError(
            f"every feature is constant: {listed(roles.features)}",
            where="[data] features",
            hint="name columns whose values change",
        )
    targets = () if classify else roles.targets or features[:1]
    if stuck := [name for name in targets if name in constant]:
        raise UserError(
            f"the target `{stuck[0]}` never changes", where="[data] target", hint="name a column whose values change"
        )
    return features, targets


def _series(
    parts: Sequence[_Part], names: Sequence[str], feature_names: Sequence[str], target_names: Sequence[str]
) -> tuple[Series, ...]:
    at = {name: number for number, name in enumerate(names)}
    features, targets = [at[name] for name in feature_names], [at[name] for name in target_names]
    count: dict[str, int] = {}
    series = []
    for part in parts:
        count[part.file] = number = count.get(part.file, 0) + 1
        name = part.file if number == 1 else f"{part.file}#{number}"
        series.append(
            Series(name, part.time, part.values[:, features], part.values[:, targets], part.labels, part.file)
        )
    return tuple(series)


def _check_labels(series: Sequence[Series], spec: Spec) -> None:
    metric, kind = spec.study.metric, spec.task.kind
    need = f'kind = "{kind}"' if kind == "classify" else f'metric = "{metric}"'
    if kind != "classify" and metric == "loss":
        return
    marks = join_labels(series)
    if marks is None:
        raise UserError(
            f"{need} needs a label column, and none was recognised",
            where="[data] label",
            hint="name the column that says which rows are anomalous (1) and which are not (0)",
        )
    if not marks.any():
        raise UserError(
            f"{need} needs anomalous rows, and no row is labelled so",
            where="[data] label",
            hint='use kind = "forecast" and metric = "loss"',
        )


def _notes(
    files: int, steady_parts: Sequence[_Part], parts: Sequence[_Part], constant: frozenset[str], max_gap: float
) -> list[str]:
    notes = [f"Left out as constant: {listed(sorted(constant))}."] if constant else []
    if gaps := len(steady_parts) - files:
        notes.append(
            f"{counted(gaps, 'gap')} longer than {max_gap:g} usual steps: {len(steady_parts)} series, not {files}."
        )
    if rows := sum(int(part.missing.sum()) for part in parts):
        notes.append(f"Interpolated {counted(rows, 'row')} with missing values.")
    if lost := sum(len(part.time) for part in steady_parts) - sum(len(part.time) for part in parts):
        notes.append(
            f"Left out {counted(lost, 'row')} with missing values: at the ends of series, or in runs of more than "
            f"{LONGEST_MENDED}, where the series was cut."
        )
    return notes


def _digest(series: Sequence[Series], facts: str) -> str:
    """SHA-256 over all that training can see; shapes are hashed too, so that no two data sets read alike."""
    digest = hashlib.sha256(facts.encode())
    for one in series:
        arrays = [one.time, one.features, one.targets, *([] if one.labels is None else [one.labels])]
        digest.update(repr((one.name, [(array.dtype.str, array.shape) for array in arrays])).encode())
        for array in arrays:
            digest.update(array.tobytes())
    return digest.hexdigest()
