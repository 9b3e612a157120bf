"""The columns of a data file at a glance, as it was read."""

import numpy as np
import pandas as pd

from tuner.loading.columns import is_date, is_number, missing
from tuner.proposal.profile import Profile
from tuner.reading.table import Column, DataTable

HEADS = ("column", "role", "type", "range", "missing", "first values")
MOST_COLUMNS = 40  # rows of the table; what is left out of a wide file is counted
MOST_LETTERS = 24  # of a cell
SHOWN = 2  # first values


def describe_columns(table: DataTable, found: Profile) -> str:
    """A line for each column, under `HEADS`: those with a part in the study first, what is left out last."""
    rank = ("time", "series", "label", "target", "feature", "")
    rows = [(_role(name, found), *_looks(name, column)) for name, column in table.columns.items()]
    rows.sort(key=lambda row: rank.index(row[0].split(",")[0]))
    shown = [HEADS, *((name, role or "left out", *rest) for role, name, *rest in rows[:MOST_COLUMNS])]
    widths = [max(map(len, cells)) for cells in zip(*shown, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in shown]
    return "\n".join(
        [*lines, *([f"and {len(rows) - MOST_COLUMNS:,} more columns"] if len(rows) > MOST_COLUMNS else [])]
    )


def _role(name: str, found: Profile) -> str:
    if name in found.time:
        return "time"
    for role, column in (("series", found.split), ("label", found.label)):
        if name == column:
            return role
    if name in found.targets and not found.label:
        return "target" if name not in found.features else "target, feature"
    return "feature" if name in found.features else ""


def _looks(name: str, column: Column) -> tuple[str, str, str, str, str]:
    known = column[~missing(column)]
    kind = "date" if is_date(column) else "text"
    if is_number(column):
        kind = "whole number" if bool((known % 1 == 0).all()) else "number"
    spans = len(known) and kind != "text"
    span = f"{_text(known.min())} to {_text(known.max())}" if spans else f"{len(pd.unique(known)):,} values"
    share = 1 - len(known) / max(len(column), 1)
    first = ", ".join(_text(value) for value in known[:SHOWN])
    return _cut(name or "(unnamed)"), kind, span, f"{share:.1%}" if share else "", first


def _text(value: object) -> str:
    if isinstance(value, np.datetime64):
        return str(pd.Timestamp(value)).removesuffix(":00").removesuffix(" 00:00")
    return f"{value:.6g}" if isinstance(value, np.floating) else _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"
