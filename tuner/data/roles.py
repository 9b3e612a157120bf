"""The columns by their role (time, label, feature, target): as the study file says, else recognised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuner.data.clock import time_parts
from tuner.data.columns import dates, is_date, is_number, missing, parsed, truths
from tuner.errors import UserError, counted, listed, nearest
from tuner.reading.table import Column, DataTable
from tuner.spec.sections import DataSection

MOST_FEATURES = 1000
# names without their case and whatever is no letter
_TIME = {"time", "timestamp", "date", "datetime", "ts"}
_LABEL = {"label", "labels", "anomaly", "isanomaly"}
_INDEX = {"", "index", "unnamed", "indexlevel"}  # what files call the index of a data frame


@dataclass(frozen=True)
class Roles:
    """The columns of a study by the part they play.

    Attributes:
        time: the column, or the parts of it; empty without one.
        label: None without one.
        features: numeric columns, constant ones included.
        targets: those that the study file names; None leaves it to the first feature that is not constant.
        notes: what was recognised and what was left out, as sentences.
    """

    time: tuple[str, ...]
    label: str | None
    features: tuple[str, ...]
    targets: tuple[str, ...] | None
    notes: tuple[str, ...]

    @property
    def numeric(self) -> tuple[str, ...]:
        """Features and targets, each once."""
        return tuple(dict.fromkeys(self.features + (self.targets or ())))


def assign_roles(tables: Sequence[DataTable], data: DataSection) -> Roles:
    """The part that each column plays, the same in every table; where nothing is named the first table decides.

    An empty name for time or label says that there is none, whatever could be recognised.

    Raises:
        UserError: a column is missing, named for two parts, or holds text among its numbers; no column is numeric.
    """
    first = tables[0]
    _check_named(first, data)
    named = {*(data.time or ()), data.label or None, *(data.features or ()), *(data.target or ())}
    free = {name: column for name, column in first.columns.items() if name not in named}
    recognised = _recognised_time(free) if not data.time else None
    clock = data.time or time_parts(free, recognised)
    time = () if data.time == () else clock
    alike = [name for name in free if name not in clock and _letters(name) in _LABEL]
    recognised = next((name for name in alike if _marks(free[name])), None)
    label = recognised if data.label is None else data.label or None
    notes = [f"Using column `{label}` as the anomaly label (1 = anomalous)."] if label and data.label is None else []
    features = data.features
    if features is None:
        others = [name for name in first.columns if name not in {*clock, label, *alike}]
        features, left_out = _numeric_columns(tables, others)
        left_out["named like a label"] = [name for name in alike if name != label]
        notes += [f"Left out as {why}: {listed(names)}." for why, names in left_out.items() if names]
        if not features:
            raise UserError(
                f"no column holds numbers to learn from; there are {listed(first.columns)}",
                where=first.where,
                hint="add columns of numbers, besides the time and the label",
            )
    if len(features) > MOST_FEATURES:
        raise UserError(
            f"{counted(len(features), 'column')} are more than the {MOST_FEATURES:,} that can be learnt from",
            where=first.where,
            hint="name those that matter as `[data] features`",
        )
    roles = Roles(time, label, features, data.target, tuple(notes))
    for table in tables[1:]:
        for name in (*time, label, *roles.numeric):
            if name is not None and name not in table.columns:
                raise UserError(
                    f"there is no column `{name}`, which {first.where} has",
                    where=table.where,
                    hint="files of one study share their columns; name those that all have as `[data] features`",
                )
    return roles


def _check_named(table: DataTable, data: DataSection) -> None:
    single = {"time": data.time or (), "label": (data.label,) if data.label else ()}
    for key, names in {**single, "features": data.features or (), "target": data.target or ()}.items():
        for name in names:
            if name not in table.columns:
                hint = nearest(name, table.columns)
                raise UserError(f"there is no column `{name}` in {table.where}", where=f"[data] {key}", hint=hint)
            other = next((part for part, taken in single.items() if part != key and name in taken), None)
            if other is not None or names.count(name) > 1:
                fault = f"`{name}` is the {other} already" if other else f"`{name}` is named twice"
                raise UserError(fault, where=f"[data] {key}", hint="give each column one part")


def _recognised_time(columns: Mapping[str, Column]) -> str | None:
    """The column named like a time; else the index of a data frame; else the first column of dates."""
    if called := [name for name, column in columns.items() if _letters(name) in _TIME and _readable(column)]:
        return called[0]
    for number, (name, column) in enumerate(columns.items()):
        index = number == 0 and _letters(name) in _INDEX and is_number(column) and bool(np.all(np.diff(column) > 0))
        if index or is_date(column) or (not is_number(column) and _readable(column) and _all_dates(column)):
            return name
    return None


def _readable(column: Column) -> bool:
    """Are there times in it? Times of day without a date are none."""
    return is_number(column) or not bool(np.isnan(dates(column[:100])).all())


def _all_dates(column: Column) -> bool:
    return not bool(np.isnan(dates(column)).any())


def _marks(column: Column) -> bool:
    """Is every value 0, 1, true or false? Missing ones are left to be refused."""
    absent = missing(column)
    return not absent.all() and not (truths(column)[1] & ~absent).any()


def _numeric_columns(tables: Sequence[DataTable], names: Sequence[str]) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """Those of the named columns that hold numbers, and why others do not."""
    numeric: list[str] = []
    left_out: dict[str, list[str]] = {"empty": [], "dates": [], "text": [], "missing from some files": []}
    for name in names:
        column = tables[0].columns[name]
        if all(missing(table.columns[name]).all() for table in tables if name in table.columns):
            left_out["empty"].append(name)
        elif is_date(column):
            left_out["dates"].append(name)
        elif is_number(column) or _mostly_numbers(column):
            numeric.append(name)  # text among the numbers is refused when they are read
        else:
            left_out["text"].append(name)
    elsewhere = {name for table in tables[1:] for name in table.columns} - set(tables[0].columns)
    left_out["missing from some files"] = sorted(elsewhere)
    return tuple(numeric), left_out


def _mostly_numbers(column: Column) -> bool:
    values, other = parsed(column)
    return bool((~np.isnan(values)).sum() > other.sum())


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalpha())
