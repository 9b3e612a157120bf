"""The columns by their role (time, series, label, feature, target): as the study file says, else recognised."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from tuner.errors import UserError, counted, listed, nearest, quoted
from tuner.loading.clock import time_parts
from tuner.loading.columns import dates, is_date, is_number, missing, numbers, parsed
from tuner.loading.counters import (
    ENOUGH_ROWS,
    Order,
    is_called_time,
    is_counter,
    order_of,
    recognise_series,
    recognise_time,
    seen,
    split_series,
)
from tuner.loading.labels import Label, find_label, is_called_label, read_labels, told_label
from tuner.loading.leaks import Telling, telling
from tuner.reading.table import Column, DataTable
from tuner.spec.sections import DataSection

MOST_FEATURES = 1000
MOST_JUDGED = 200_000  # rows of a table by which it is judged what tells the label


@dataclass(frozen=True)
class Roles:
    """The columns of a study by the part they play.

    Attributes:
        time: the column, or the parts of it; empty without one.
        series: the column that tells the series of a file apart; None where each file is one.
        label: None without one.
        features: numeric columns, constant ones included.
        targets: those that the study file names; None leaves it to the first feature that is not constant.
        notes: what was recognised and what was left out, as sentences.
        warnings: what can make a result worthless, as sentences.
    """

    time: tuple[str, ...]
    series: str | None
    label: Label | None
    features: tuple[str, ...]
    targets: tuple[str, ...] | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def numeric(self) -> tuple[str, ...]:
        """Features and targets, each once."""
        return tuple(dict.fromkeys(self.features + (self.targets or ())))


def assign_roles(tables: Sequence[DataTable], data: DataSection) -> tuple[Roles, list[DataTable]]:
    """The part that each column plays, the same in every table, and the tables, one for each series.

    Where nothing is named the first table decides. An empty name for time, label or series says that there is none,
    whatever could be recognised.

    Raises:
        UserError: a column is missing, named for two parts, or holds text among its numbers; no column is numeric.
    """
    first = tables[0]
    _check_named(first, data)
    named = {*(data.time or ()), data.series, data.label, *(data.features or ()), *(data.target or ())}
    free = [name for name in first.columns if name not in named]
    unnamed = {name: first.columns[name] for name in free}
    clock = data.time or time_parts(unnamed, recognise_time(unnamed))
    free = [name for name in free if name not in clock]
    series = recognise_series(first, clock, free) if data.series is None and clock else data.series or None
    notes, warnings = _said_of_order(first, clock, series, data)
    series = None if data.time == () and data.series is None else series
    parts = split_series(tables, series) if series else list(tables)
    label, alike, said = find_label(tables, [name for name in free if name != series])
    if data.anomalous is not None and label is not None:
        label = told_label(tables, label.name, data.anomalous)
    if data.label is None:
        notes += [f"Using column `{label.name}` as the anomaly label ({label})."] if label else said
    else:
        label = told_label(tables, data.label, data.anomalous) if data.label else None
    if data.anomalous is not None and label is None:
        what, hint = "there is no label whose values could mean so", "name it as `[data] label`"
        raise UserError(what, where="[data] anomalous", hint=hint)
    alike = [name for name in alike if label is None or name != label.name]
    features = data.features
    if features is None:
        taken = {*clock, series, label and label.name, *alike}
        features, left_out = _measurements(parts, [name for name in first.columns if name not in taken])
        left_out["named like a label"] = alike
        if not clock and (lost := [name for name in left_out["text"] if is_called_time(name)]):
            cell = quoted(next(value for value in first.columns[lost[0]] if value is not None))
            notes.append(f"`{lost[0]}` is no time that can be read ({cell}): rows are taken to be evenly spaced.")
        notes += [f"Left out as {why}: {listed(names)}." for why, names in left_out.items() if names]
    roles = Roles(data.time if data.time is not None else clock, series, label, features, data.target, (), ())
    _check_shared(tables, roles)
    if label is not None:
        roles, said = _without_leaks(parts, roles, label, named=data.features is not None)
        warnings += said
    if len(features) > MOST_FEATURES:
        what = f"{counted(len(features), 'column')} are more than the {MOST_FEATURES:,} that can be learnt from"
        raise UserError(what, where=first.where, hint="name those that matter as `[data] features`")
    return replace(roles, notes=tuple(notes), warnings=tuple(warnings)), parts


def _said_of_order(
    table: DataTable, clock: Sequence[str], series: str | None, data: DataSection
) -> tuple[list[str], list[str]]:
    """Notes on the time and the series as recognised, and a warning where they were told not to be there but are."""
    if data.time != () or not clock:
        notes = [f"Using column {listed(clock)} as the time."] if clock and data.time is None else []
        if series and data.series is None:
            notes.append(f"Using column `{series}` to tell the series of one file apart.")
        return notes, []
    column = table.columns[clock[0]]
    stamps = column if is_number(column) else dates(column)
    if series and data.series is None:
        what, hint = f"the file holds several series, told apart by `{series}`", f'`[data] series = "{series}"`'
    elif order_of(stamps) <= Order.TIES and stamps[-1] < stamps[0]:
        what, hint = "the newest row comes first, so time runs backwards", f'`[data] time = "{clock[0]}"`'
    elif order_of(stamps) == Order.NONE and not data.series:
        what, hint = (
            "the rows are in no order of time",
            "put them in order, or name what tells series apart as `[data] series`",
        )
    else:
        return [], []
    return [], [f"Without a time the rows are taken as they stand, but by `{clock[0]}` {what}: {hint}."]


def _check_named(table: DataTable, data: DataSection) -> None:
    single = {
        "time": data.time or (),
        "series": (data.series,) if data.series else (),
        "label": (data.label,) if data.label else (),
    }
    for key, names in {**single, "features": data.features or (), "target": data.target or ()}.items():
        for name in names:
            if name not in table.columns:
                hint = nearest(name, table.columns)
                raise UserError(f"there is no column `{name}` in {table.where}", where=f"[data] {key}", hint=hint)
            other = next((part for part, taken in single.items() if part != key and name in taken), None)
            if other is not None or names.count(name) > 1:
                fault = f"`{name}` is the {other} already" if other else f"`{name}` is named twice"
                raise UserError(fault, where=f"[data] {key}", hint="give each column one part")


def _check_shared(tables: Sequence[DataTable], roles: Roles) -> None:
    label = [roles.label.name] if roles.label else []
    for table in tables[1:]:
        for name in (*roles.time, *([roles.series] if roles.series else []), *label, *roles.numeric):
            if name not in table.columns:
                what = f"there is no column `{name}`, which {tables[0].where} has"
                hint = "files of one study share their columns; name those that all have as `[data] features`"
                raise UserError(what, where=table.where, hint=hint)


def _measurements(tables: Sequence[DataTable], names: Sequence[str]) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """Those of the named columns that hold numbers and do more than count, and why others are left out.

    Raises:
        UserError: there are none.
    """
    numeric: list[str] = []
    left_out: dict[str, list[str]] = defaultdict(list)
    for name in names:
        column = tables[0].columns[name]
        if all(missing(table.columns[name]).all() for table in tables if name in table.columns):
            left_out["empty"].append(name)
        elif is_date(column):
            left_out["dates"].append(name)
        elif not is_number(column) and not _mostly_numbers(column):
            left_out["text"].append(name)
        elif _only_counts(tables, name):
            left_out["counters or clocks"].append(name)
        else:
            numeric.append(name)  # text among the numbers is refused when they are read
    left_out["missing from some files"] = sorted({*chain(*(table.columns for table in tables))} - {*tables[0].columns})
    if not numeric:
        counters = left_out["counters or clocks"]
        only = f" but {listed(counters)}, which only counts" if counters else ""
        what = f"no column holds numbers to learn from{only}; there are {listed(tables[0].columns)}"
        raise UserError(what, where=tables[0].where, hint="add columns of numbers, besides the time and the label")
    return tuple(numeric), left_out


def _only_counts(tables: Sequence[DataTable], name: str) -> bool:
    columns = [table.columns[name] for table in tables if name in table.columns]
    long = [column for column in columns if len(column) >= ENOUGH_ROWS]
    return all(is_counter(name, column) for column in long or columns)


def _without_leaks(tables: Sequence[DataTable], roles: Roles, label: Label, *, named: bool) -> tuple[Roles, list[str]]:
    """The roles without features that are derived from the label, unless they were named, and warnings of all."""
    marks = [read_labels(table, label) for table in tables]
    parts = (lambda column: seen(column)[:MOST_JUDGED], seen, np.asarray)
    part = next(part for part in parts if part is parts[-1] or any(part(mark).any() for mark in marks))
    joined = np.concatenate([part(mark) for mark in marks])
    found = {
        name: telling(np.concatenate([part(numbers(table, name)) for table in tables]), joined)
        for name in roles.numeric
    }
    derived = [name for name, how in found.items() if how == Telling.DERIVED or (how and is_called_label(name))]
    kept = tuple(name for name in roles.features if name not in derived)
    said = []
    if not named and kept and derived:
        said.append(
            f"Left out {listed(derived)}: {'it' if len(derived) == 1 else 'each of them'} alone tells the label "
            f"`{label.name}`. To use it all the same, name all features as `[data] features`."
        )
        roles = replace(roles, features=kept)
    if suspect := [name for name, how in found.items() if how and name in roles.numeric]:
        said.append(
            f"{listed(suspect)} alone all but {'tells' if len(suspect) == 1 else 'tell'} the label `{label.name}`: "
            "if that is no measurement but derived from the label, no detection score means anything."
        )
    return roles, said


def _mostly_numbers(column: Column) -> bool:
    values, other = parsed(column)
    return bool((~np.isnan(values)).sum() > other.sum())
