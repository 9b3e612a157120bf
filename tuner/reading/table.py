"""A file's columns as numbers, dates or text, each read in one way from its first row to its last."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import compute

from tuner.errors import listed, quoted
from tuner.reading.dates import Order, Parsed, read_dates
from tuner.reading.numerals import Decimal, Dressed, all_grouped, choose_decimal, numbers, sentinels, undress
from tuner.spec.sections import NOTHING_TOLD, Reading

Column = npt.NDArray[Any]
Counts = dict[str, dict[str, int]]  # of each mark, by column

# Text is taken for the first of these that all cells of its column can be read as.
KINDS = (
    *(pa.int64(), pa.bool_(), pa.float64(), pa.date32(), pa.timestamp("s"), pa.timestamp("ns")),
    *(pa.timestamp("s", "UTC"), pa.timestamp("ns", "UTC")),
)
# what pyarrow takes for missing by itself
NULLS = (
    *("", "#N/A", "#N/A N/A", "#NA", "-NaN", "-nan", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null"),
    *("-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN"),
)


def number_of(row: int) -> int:
    """The number of a row from 1, where rows are not lines of a file."""
    return row + 1


@dataclass(frozen=True)
class DataTable:
    """Rows of a data file as they were read, nothing chosen or checked yet.

    Attributes:
        name: what its series are called.
        where: what it is called in messages.
        columns: by name, (rows,) each: whole numbers (truth values too) or numbers, with NaN where missing; dates,
            with NaT where missing; or text as objects, with None where missing.
        line: the line of a row in the file, or its number.
        reading: how the file was read, what was told and what was found; to read others of its kind alike.
        notes: what was decided in reading it, a sentence each.
        unsure: columns of dates whose day and month can be read both ways.
    """

    name: str
    where: str
    columns: Mapping[str, Column]
    line: Callable[[int], int] = number_of
    reading: Reading = NOTHING_TOLD
    notes: tuple[str, ...] = ()
    unsure: frozenset[str] = frozenset()

    def at(self, row: int, column: str) -> str:
        """A cell's place in the words of a message."""
        return f"{self.where}:{self.line(row)} {column}"

    def take(self, rows: "npt.NDArray[np.int64]") -> "DataTable":
        """The same table with these of its rows, in this order."""
        if len(rows) == len(next(iter(self.columns.values()))) and (rows == np.arange(len(rows))).all():
            return self
        columns = {name: column[rows] for name, column in self.columns.items()}
        line = self.line
        return replace(self, columns=columns, line=lambda row: line(int(rows[row])))


@dataclass(frozen=True)
class Form:
    """What is known of a file before its cells are read.

    Attributes:
        told: how it is to be read.
        delimiter: of its values; empty where it has none.
        notes: what was decided so far.
    """

    told: Reading = NOTHING_TOLD
    delimiter: str = ""
    notes: tuple[str, ...] = ()


def make_table(
    name: str,
    where: str,
    table: Any,  # noqa: ANN401 (pyarrow has no types)
    line: Callable[[int], int] = number_of,
    form: Form = Form(),
) -> DataTable:
    """The rows of an Arrow table, whose text becomes numbers or dates where all of a column is."""
    cells = {one: _cells(column, form.told) for one, column in zip(table.column_names, table.columns, strict=True)}
    columns = {one: _plain(column) for one, column in cells.items()}
    text = [one for one, column in columns.items() if pa.types.is_string(column.type)]
    told = form.told.dates
    dates = {one: parsed for one in text if (parsed := read_dates(cells[one], told)) is not None}
    dressed = {one: found for one in text if one not in dates and (found := undress(cells[one])) is not None}
    decimal = choose_decimal(list(dressed.values()), form.delimiter, form.told.decimal)
    if decimal == ",":
        grouped = [one for one, column in columns.items() if pa.types.is_floating(column.type)]
        grouped = [one for one in grouped if pa.types.is_string(cells[one].type) and all_grouped(cells[one])]
        dressed |= {one: found for one in grouped if (found := undress(cells[one])) is not None}
    columns |= {one: numbers(column, decimal) for one, column in dressed.items()}
    values = {one: dates[one].dates if one in dates else _values(column) for one, column in columns.items()}
    values, marks = _without_sentinels(values, form.told)
    marked = {one: column.marked for one, column in dressed.items()}
    marked = {one: marked.get(one, {}) | marks.get(one, {}) for one in values}
    order = next((parsed.order for parsed in dates.values() if parsed.order is not None), None)
    texts = tuple(dict.fromkeys(mark for counts in marked.values() for mark in counts))
    reading = form.told.model_copy(
        update={
            "decimal": form.told.decimal or (decimal if dressed else None),
            "dates": form.told.dates or order,
            "missing_marks": texts if form.told.missing_marks is None else form.told.missing_marks,
        }
    )
    notes = (*form.notes, *_number_notes(dressed, decimal), *_mark_notes(marked), *_date_notes(dates))
    unsure = frozenset(one for one, parsed in dates.items() if parsed.unsure)
    return DataTable(name, where, values, line, reading, notes, unsure)


def merged(readings: Iterable[Reading]) -> Reading:
    """What several files of one kind tell together: of each key the first value, and all marks."""
    keys: dict[str, Any] = {}
    for reading in readings:
        for key, value in reading:
            if key == "missing_marks" and value is not None:
                keys[key] = tuple(dict.fromkeys([*keys.get(key, ()), *value]))
            elif value is not None:
                keys.setdefault(key, value)
    return Reading(**keys)


def _cells(column: Any, told: Reading) -> Any:  # noqa: ANN401
    """A column without blanks around its cells, and null where one is blank or bears a mark that was told."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    stripped = compute.utf8_trim_whitespace(column)
    absent = compute.is_in(stripped, pa.array([*NULLS, *(told.missing_marks or ())]))
    return compute.if_else(absent, None, stripped)


def _plain(cells: Any) -> Any:  # noqa: ANN401
    """The column as numbers, truth values or dates where all of its cells are plainly written ones."""
    if pa.types.is_string(cells.type):
        for kind in KINDS:
            with suppress(pa.ArrowInvalid):
                return cells.cast(kind)
    return cells


def _values(column: Any) -> Column:  # noqa: ANN401
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return np.asarray(column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy())
    if (pa.types.is_integer(kind) or pa.types.is_boolean(kind)) and kind != pa.uint64() and column.null_count == 0:
        return np.asarray(column.to_numpy()).astype(np.int64)
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    if any(matches(kind) for matches in numeric):
        column = column.cast(pa.float64(), safe=False)
        return np.asarray(column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy())
    texts = ("" if value is None else str(value).strip() for value in column.to_pylist())
    return np.array([text or None for text in texts], dtype=object)


def _without_sentinels(columns: Mapping[str, Column], told: Reading) -> tuple[dict[str, Column], Counts]:
    """Columns whose numbers that mean missing are NaN, and how often each stood in which column."""
    result, counts = dict(columns), {name: dict[str, int]() for name in columns}
    marks = [value for mark in told.missing_marks or () if (value := _number(mark)) is not None]
    for name, column in columns.items():
        if column.dtype.kind not in "if":
            continue
        found = sentinels(column.astype(np.float64)) if told.missing_marks is None else marks
        for mark in found:
            bears = result[name] == mark
            if bears.any():
                counts[name][f"{mark:.15g}"] = int(bears.sum())
                result[name] = np.where(bears, np.nan, result[name])
    return result, counts


def _number(text: str) -> float | None:
    with suppress(ValueError):
        return float(text)
    return None


def _number_notes(dressed: Mapping[str, Dressed], decimal: Decimal | None) -> list[str]:
    """What was made of numbers in dress, with an example."""
    commas = [name for name, column in dressed.items() if column.mark(decimal) == ","]
    notes = [f"Decimal comma: {listed(commas)}."] if commas else []
    examples = [
        f"{quoted(column.shown)} in `{name}`" for name, column in dressed.items() if column.shown and name not in commas
    ]
    return [*notes, f"Read as numbers: {', '.join(examples[:4])}."] if examples else notes


def _mark_notes(marked: Mapping[str, Mapping[str, int]]) -> list[str]:
    """How often each mark was taken as missing, and where."""
    places: dict[str, list[str]] = {}
    for name, counts in marked.items():
        for mark, count in counts.items():
            places.setdefault(mark, []).append(f"{count:,} in `{name}`")
    if not places:
        return []
    shown = [f"{quoted(mark)} ({', '.join([*where[:4], *['…'][: len(where) - 4]])})" for mark, where in places.items()]
    return [f"Taken as missing: {'; '.join(shown)}."]


def _date_notes(dates: Mapping[str, Parsed]) -> list[str]:
    said: dict[Order, list[str]] = {}
    for name, found in dates.items():
        if found.order is not None and not found.unsure:
            said.setdefault(found.order, []).append(name)
    words = {"day-first": "day first", "month-first": "month first"}
    return [f"Dates are read {words[order]}: {listed(names)}." for order, names in said.items()]
