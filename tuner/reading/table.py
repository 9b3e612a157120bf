"""A file's columns as numbers, dates or text, each read in one way from its first row to its last."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from unicodedata import category

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import compute

from tuner.errors import UserError, listed, quoted
from tuner.reading.dates import Order, Parsed, read_dates
from tuner.reading.numerals import Decimal, Dressed, all_grouped, choose_decimal, parse_numbers, sentinels, undress
from tuner.spec.sections import NOTHING_TOLD, Reading

Column = npt.NDArray[Any]
Counts = dict[str, dict[str, int]]  # of each mark, by column

# Text is taken for the first of these that all cells of its column can be read as.
KINDS = (
    *(pa.int64(), pa.bool_(), pa.float64(), pa.date32(), pa.timestamp("s"), pa.timestamp("ns")),
    *(pa.timestamp("s", "UTC"), pa.timestamp("ns", "UTC")),
)
_NUMERAL = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
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


def make_table(
    name: str,
    where: str,
    table: Any,  # noqa: ANN401 (pyarrow has no types)
    line: Callable[[int], int] = number_of,
    told: Reading = NOTHING_TOLD,
    delimiter: str = "",
) -> DataTable:
    """The rows of an Arrow table, whose text becomes numbers or dates where all of a column is.

    Args:
        name, where, line: as of `DataTable`.
        table: of Arrow.
        told: how it is to be read.
        delimiter: of its values; empty where it has none.
    """
    columns, cells = dict[str, Any](), dict[str, Any]()
    for one in table.column_names:
        stripped = _cells(table[one], told)
        columns[one] = _plain(stripped)
        if pa.types.is_string(columns[one].type):
            cells[one] = stripped
    dates = {one: parsed for one, column in cells.items() if (parsed := read_dates(column, told.dates)) is not None}
    undated = {one: column for one, column in cells.items() if one not in dates}
    dressed = {one: found for one, column in undated.items() if (found := undress(column)) is not None}
    decimal = choose_decimal(list(dressed.values()), delimiter, told.decimal)
    if decimal == ",":
        written = {one for one in table.column_names if pa.types.is_string(table[one].type)}
        plain = {one: _cells(table[one], told) for one in written if pa.types.is_floating(columns[one].type)}
        grouped = {one: column for one, column in plain.items() if all_grouped(column)}
        dressed |= {one: found for one, column in grouped.items() if (found := undress(column)) is not None}
    columns |= {one: parse_numbers(column, decimal) for one, column in dressed.items()}
    values = dict[str, Column]()
    # in one block, which is given back whole
    block = np.empty((len(columns), table.num_rows), dtype=np.int64)
    for place, (one, column) in zip(block, columns.items(), strict=True):
        values[one] = read = dates[one].dates if one in dates else _values(column)
        if read.dtype.kind != "O":
            place[:] = read.view(np.int64)
            values[one] = place.view(read.dtype)
    values, marks, doubts = _without_sentinels(values, told)
    marked = {one: column.marked for one, column in dressed.items()}
    marked = {one: marked.get(one, {}) | marks.get(one, {}) for one in values}
    order = next((parsed.order for parsed in dates.values() if parsed.order is not None), None)
    texts = tuple(dict.fromkeys(mark for counts in marked.values() for mark in counts))
    reading = told.model_copy(
        update={
            "decimal": told.decimal or (decimal if dressed else None),
            "dates": told.dates or order,
            "missing_marks": texts if told.missing_marks is None else told.missing_marks,
        }
    )
    notes = (*_number_notes(dressed, decimal), *_mark_notes(marked), *doubts, *_date_notes(dates))
    unsure = frozenset(one for one, parsed in dates.items() if parsed.unsure)
    return DataTable(name, where, values, line, reading, notes, unsure)


def check_names(names: Sequence[str], where: str) -> tuple[str, ...]:
    """The columns' names without blanks around them, each on one line; those that have none are numbered.

    Raises:
        UserError: two columns have the same, or one holds a control character, which a terminal would obey.
    """
    # an unnamed first column is usually the index of a data frame
    clean = [
        re.sub(r"[\t-\r]+", " ", name.strip()) or (f"column {n}" if n > 1 else "") for n, name in enumerate(names, 1)
    ]
    if odd := [number for number, name in enumerate(clean, 1) if any(category(letter) == "Cc" for letter in name)]:
        raise UserError(f"the name of column {odd[0]} holds a control character", where=where, hint="rename it")
    twice = [name for name, count in Counter(clean).items() if count > 1]
    if twice:
        raise UserError(f"two columns are called `{twice[0]}`", where=where, hint="rename one of them")
    return tuple(clean)


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
    kind, dated = column.type, pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)
    if (pa.types.is_integer(kind) or pa.types.is_boolean(kind)) and kind != pa.uint64() and column.null_count == 0:
        return np.asarray(column.to_numpy()).astype(np.int64)
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    if not dated and not any(matches(kind) for matches in numeric):
        texts = ("" if value is None else str(value).strip() for value in column.to_pylist())
        return np.array([text or None for text in texts], dtype=object)
    column = column if dated else column.cast(pa.float64(), safe=False)
    return np.asarray(column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy())


def _without_sentinels(columns: Mapping[str, Column], told: Reading) -> tuple[dict[str, Column], Counts, list[str]]:
    """Columns whose numbers that mean missing are NaN, how often each stood where, and which others may mean it."""
    result, counts, doubts = dict(columns), {name: dict[str, int]() for name in columns}, list[str]()
    marks = [(float(mark), True) for mark in told.missing_marks or () if _NUMERAL.fullmatch(mark)]
    for name, column in columns.items():
        if column.dtype.kind not in "if":
            continue
        for mark, usual in sentinels(column.astype(np.float64)) if told.missing_marks is None else marks:
            bears = result[name] == mark
            if usual and bears.any():
                counts[name][f"{mark:.15g}"] = int(bears.sum())
                result[name] = np.where(bears, np.nan, result[name])
            elif not usual:
                times = f"{quoted(f'{mark:.15g}')} stands {bears.sum():,} times in `{name}`, far from all other values"
                doubts.append(f"{times}; if it means missing, name it as `[data] missing_marks`.")
    return result, counts, doubts


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
