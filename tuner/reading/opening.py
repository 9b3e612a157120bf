"""Data files and data frames, opened: their columns by name, read whole or some rows at a time."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import compute, parquet
from pyarrow import csv as arrow

from tuner.errors import UserError, counted
from tuner.files import display_path
from tuner.reading.containers import NEEDED, Text, read_text
from tuner.reading.layout import COMMENTS, Layout, find_layout, misplaced_quote, said_lines, squeezed
from tuner.reading.table import DataTable, check_names, make_table, number_of
from tuner.spec.sections import NOTHING_TOLD, Reading

PARQUET = (".parquet", ".pq")


@dataclass(frozen=True)
class DataFile:
    """A data file whose columns are known and whose rows are still to be read.

    Attributes:
        where: what it is called in messages.
        names: of its columns.
        batches: reads the named columns from the first row on, as tables of Arrow; text is still to be interpreted.
        line: as of `DataTable`.
        told: how it is to be read.
        delimiter: of its values; empty where it has none.
        notes: what was decided so far.
        others: the numbers of the lines between the rows that are none, as far as some were met in reading.
    """

    where: str
    names: Sequence[str]
    batches: Callable[[Sequence[str]], Iterator[Any]]
    line: Callable[[int], int] = number_of
    told: Reading = NOTHING_TOLD
    delimiter: str = ""
    notes: tuple[str, ...] = ()
    others: Callable[[], Sequence[int]] = tuple

    def read(self, name: str, columns: Sequence[str] | None = None) -> DataTable:
        """All rows, of the named columns or of all.

        Raises:
            UserError: the file cannot be read, or holds no rows.
        """
        batches = self.batches(self.names if columns is None else columns)
        table = make_table(name, self.where, pa.concat_tables(batches), self.line, self.told, self.delimiter)
        pa.default_memory_pool().release_unused()  # the text of large data
        lost = self.others()
        note = (f"Left out {said_lines(lost)}: blank, a remark, or the names again.",) if lost else ()
        return replace(table, notes=(*note, *self.notes, *table.notes))

    def parts(self, columns: Sequence[str], rows: int) -> Iterator[tuple[DataTable, Any]]:
        """`rows` rows at a time, and what is left: each part as read, and as a table of Arrow.

        Later parts are read as the first one was found to be written.

        Raises:
            UserError: as `read`.
        """
        start, held, told = 0, [], self.told
        for batch in self.batches(columns):
            held.append(batch)
            while sum(map(len, held)) >= rows:
                joined = pa.concat_tables(held)
                part = self._part(joined.slice(0, rows), start, told)
                yield part, joined.slice(0, rows)
                told = part.reading
                start, held = start + rows, [joined.slice(rows)]
        if sum(map(len, held)):
            joined = pa.concat_tables(held)
            yield self._part(joined, start, told), joined

    def _part(self, table: Any, start: int, told: Reading) -> DataTable:  # noqa: ANN401 (pyarrow has no types)
        return make_table("", self.where, table, lambda row: self.line(start + row), told, self.delimiter)


def open_file(path: Path, told: Reading = NOTHING_TOLD) -> DataFile:
    """Opens a file of text, compressed or not, or a Parquet file.

    Args:
        path: of the file.
        told: how it is to be read, as far as that is known; the rest is found.

    Raises:
        UserError: the file cannot be read, is empty, or is not what its name says.
    """
    where = display_path(path)
    try:
        if path.suffix.lower() in PARQUET or _is_parquet(path):
            return _open_parquet(path, where)
        return _open_text(path, told, where)
    except OSError as error:
        hint = "change its permissions, or name another file"
        raise UserError(f"the file cannot be read: {error.strerror}", where=where, hint=hint) from None
    except MemoryError:
        raise UserError("the file does not fit into memory", where=where, hint="cut it, or name another file") from None


def open_frame(frame: pd.DataFrame, where: str = "the data frame") -> DataFile:
    """The columns of a data frame; a named level of its index is one too.

    Raises:
        UserError: two columns have the same name.
    """
    levels = [level for level in frame.index.names if level is not None and level not in frame.columns]
    frame = frame.reset_index(level=levels) if levels else frame
    names = check_names([str(name) for name in frame.columns], where)

    def batches(columns: Sequence[str]) -> Iterator[Any]:
        yield pa.table({name: _to_arrow(frame.iloc[:, names.index(name)]) for name in columns})

    return DataFile(where, names, batches)


def _to_arrow(series: "pd.Series[Any]") -> Any:  # noqa: ANN401
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # cells of several types
        return pa.array([None if absent else str(cell) for cell, absent in zip(series, series.isna(), strict=True)])


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.read(4)
        return first == b"PAR1" and file.seek(0, 2) > 12 and file.seek(-4, 2) > 0 and file.read(4) == first


def _open_parquet(path: Path, where: str) -> DataFile:
    try:
        with parquet.ParquetFile(path) as file:
            raw = list(file.schema_arrow.names)
    except pa.ArrowException as error:
        raise _no_parquet(where, error) from None
    if len(set(raw)) < len(raw):
        raise UserError("two columns have the same name", where=where, hint="rename one of them")
    names = check_names(raw, where)

    def batches(columns: Sequence[str]) -> Iterator[Any]:
        wanted = [raw[names.index(name)] for name in columns]
        try:
            with parquet.ParquetFile(path) as file:
                if file.metadata.num_rows == 0:
                    raise UserError("the file has no rows", where=where, hint=NEEDED)
                for batch in file.iter_batches(columns=wanted, use_threads=False):
                    yield pa.Table.from_batches([batch]).select(wanted).rename_columns(list(columns))
        except (pa.ArrowException, OSError) as error:
            raise _no_parquet(where, error) from None

    return DataFile(where, names, batches)


def _no_parquet(where: str, error: Exception) -> UserError:
    what = f"this is not a Parquet file: {str(error).splitlines()[0]}"
    return UserError(what, where=where, hint="write it anew, or give a CSV file a name in .csv")


def _open_text(path: Path, told: Reading, where: str) -> DataFile:
    text = read_text(path, told, where)
    layout = find_layout(text, told, where)
    if layout.delimiter == " ":
        rows = text.read(layout.begin, layout.end - layout.begin).decode()
        content = "".join(map(squeezed, rows.splitlines(keepends=True))).encode()
        text, layout = replace(text, source=content, size=len(content)), replace(layout, begin=0, end=len(content))
    read = _Rows(text, layout, where)

    def batches(columns: Sequence[str]) -> Iterator[Any]:
        rows = 0
        for batch in read.batches([layout.names.index(name) for name in columns]):
            rows += len(batch)
            yield batch.rename_columns(list(columns))
        if rows == 0:
            raise UserError("the file has no rows", where=where, hint=NEEDED)

    notes = (text.note, *layout.notes) if text.note else layout.notes
    return DataFile(where, layout.names, batches, read.line, told, layout.delimiter, notes, read.others)


@dataclass(frozen=True)
class _Rows:
    """The rows of a table in a text, without blank ones, remarks, and repetitions of the names."""

    text: Text
    layout: Layout
    where: str
    met: list[bool] = field(default_factory=list)  # lines that are no rows, while rows are read

    def others(self) -> list[int]:
        """The numbers of the lines within the table that are no rows, found the slow way if there are any."""
        return [line for line, cells in self._records(True) if not self._is_row(cells)] if any(self.met) else []

    def batches(self, columns: Sequence[int]) -> Iterator[Any]:
        names = [str(number) for number in range(len(self.layout.names))]
        last = None
        try:
            with (
                self.text.stream(self.layout.begin, self.layout.end) as stream,
                arrow.open_csv(
                    stream,
                    arrow.ReadOptions(use_threads=False, column_names=names),
                    arrow.ParseOptions(
                        delimiter=self.layout.delimiter,
                        newlines_in_values=True,
                        invalid_row_handler=lambda row: "skip" if self._skips(row.text) else "error",
                    ),
                    arrow.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
                ) as reader,
            ):
                for batch in reader:
                    if len(batch):
                        last = batch.column(batch.num_columns - 1)[-1].as_py()
                        yield self._without_others(pa.Table.from_batches([batch])).select(columns)
        except MemoryError:
            what, hint = "the file does not fit into memory", "cut it, or name another file"
            raise UserError(what, where=self.where, hint=hint) from None
        except (pa.ArrowException, OSError) as error:
            other = UserError(f"this is not a CSV file: {error}", where=self.where, hint=NEEDED)
            raise self._fault() or other from None
        # a quotation mark left open swallows all that follows
        if last is not None and ("\n" in last or "\r" in last) and (fault := self._fault()):
            raise fault

    def line(self, row: int) -> int:
        lines = (line for line, cells in self._records() if self._is_row(cells))
        return next(islice(lines, row, None))

    def _skips(self, line: str) -> bool:
        self.met.append(self._is_remark(line))
        return self.met[-1]

    def _is_remark(self, line: str) -> bool:
        return not line.strip(self.layout.delimiter + " \t") or line.lstrip().startswith(COMMENTS)

    def _is_row(self, cells: Sequence[str]) -> bool:
        whole = len(cells) == len(self.layout.names)
        return whole and (len(cells) == 1 or any(map(str.strip, cells))) and not self._is_header(cells)

    def _is_header(self, cells: Sequence[str]) -> bool:
        return bool(self.layout.header) and tuple(cell.strip() for cell in cells) == self.layout.header

    def _without_others(self, table: Any) -> Any:  # noqa: ANN401
        """The table without rows that are blank or repeat the names; of one column, a blank is a missing value."""
        blank = [""] * table.num_columns if table.num_columns > 1 else []
        for cells in filter(None, (blank, self.layout.header)):
            others = _every(table, cells)
            if others is not None:
                self.met.append(True)
                table = table.filter(compute.invert(others))
        return table

    def _fault(self) -> UserError | None:
        """The first line that makes this no table, found the slow way; None if there is no such line."""
        try:
            for line, cells in self._records():
                if len(cells) != len(self.layout.names):
                    hint = "give each row as many values as there are columns; quote text with a separator or quote"
                    what = f"{counted(len(cells), 'value')} where the header names {len(self.layout.names)} columns"
                    return UserError(what, where=f"{self.where}:{line}", hint=hint)
        except UserError as fault:
            return fault
        return None

    def _records(self, remarks: bool = False) -> Iterator[tuple[int, list[str]]]:
        """The line on which each record begins, and its cells; blank lines are left out, and remarks unless wanted."""
        layout = self.layout
        with self.text.stream(layout.begin, layout.end) as stream:
            lines = TextIOWrapper(stream, encoding="utf-8", newline="", errors="replace")
            reader, first = csv.reader(lines, delimiter=layout.delimiter, strict=True), layout.line
            try:
                for cells in reader:
                    whole = remarks or len(cells) == len(layout.names)
                    if cells and (whole or not self._is_remark(layout.delimiter.join(cells))):
                        yield first, cells
                    first = layout.line + reader.line_num
            except csv.Error as error:
                raise misplaced_quote(error, f"{self.where}:{first}") from None


def _every(table: Any, expected: Sequence[str]) -> Any:  # noqa: ANN401
    """Marks the rows whose every cell is as expected of its column; None if there is no such row."""
    marked: Any = None
    for column, cell in zip(table.columns, expected, strict=True):
        same = compute.equal(compute.utf8_trim_whitespace(column), cell)
        marked = same if marked is None else compute.and_(marked, same)
        if not compute.any(marked).as_py():
            return None
    return marked
