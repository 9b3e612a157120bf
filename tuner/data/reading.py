"""Data files and data frames, opened: their columns by name, read whole or some rows at a time."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from unicodedata import category

import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow
from pyarrow import parquet

from tuner.data.columns import DataTable, make_table, number_of
from tuner.errors import UserError, counted
from tuner.spec.sections import NOTHING_TOLD, Reading

PARQUET = (".parquet", ".pq")
# Bytes that tell how a text file is to be read; its first line must lie in them.
HEAD_BYTES = 1 << 20
SAVE = "save it as CSV in UTF-8, or as Parquet with a name in .parquet"
NEEDED = "a data file names its columns on its first line, and holds one row a time below it"


@dataclass(frozen=True)
class DataFile:
    """A data file whose columns are known and whose rows are still to be read.

    Attributes:
        where: what it is called in messages.
        names: of its columns.
        batches: reads the named columns from the first row on, as tables of Arrow; text is still to be interpreted.
        line: as of `DataTable`.
    """

    where: str
    names: Sequence[str]
    batches: Callable[[Sequence[str]], Iterator[Any]]
    line: Callable[[int], int] = number_of

    def read(self, name: str, columns: Sequence[str] | None = None) -> DataTable:
        """All rows, of the named columns or of all.

        Raises:
            UserError: the file cannot be read, or holds no rows.
        """
        batches = self.batches(self.names if columns is None else columns)
        return make_table(name, self.where, pa.concat_tables(batches), self.line)

    def parts(self, columns: Sequence[str], rows: int) -> Iterator[tuple[DataTable, Any]]:
        """`rows` rows at a time, and what is left: each part as read, and as a table of Arrow.

        Raises:
            UserError: as `read`.
        """
        start, held = 0, []
        for batch in self.batches(columns):
            held.append(batch)
            while sum(map(len, held)) >= rows:
                joined = pa.concat_tables(held)
                yield self._part(joined.slice(0, rows), start)
                start, held = start + rows, [joined.slice(rows)]
        if sum(map(len, held)):
            yield self._part(pa.concat_tables(held), start)

    def _part(self, table: Any, start: int) -> tuple[DataTable, Any]:  # noqa: ANN401 (pyarrow has no types)
        return make_table("", self.where, table, lambda row: self.line(start + row)), table


def open_file(path: Path, told: Reading = NOTHING_TOLD) -> DataFile:  # noqa: ARG001
    """Opens a CSV file, or a Parquet file if its name ends so.

    Args:
        path: of the file.
        told: how it is to be read, as far as that is known; the rest is found.

    Raises:
        UserError: the file cannot be read, is empty, or is not what its name says.
    """
    where = display_path(path)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        hint = "change its permissions, or name another file"
        raise UserError(f"the file cannot be read: {error.strerror}", where=where, hint=hint) from None
    if not head.strip():
        raise UserError("the file is empty", where=where, hint=NEEDED)
    read = _Parquet(path, where) if path.suffix.lower() in PARQUET else _Csv(path, where, _delimiter(head, where))
    try:
        names = _clean_names(read.names(), where)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise read.refusal(error) from None

    def batches(columns: Sequence[str]) -> Iterator[Any]:
        rows = 0
        try:
            for batch in read.batches([names.index(name) for name in columns]):
                rows += len(batch)
                yield pa.Table.from_batches([batch]).rename_columns(list(columns))
        except MemoryError:
            what, hint = "the file does not fit into memory", "cut it, or name another file"
            raise UserError(what, where=where, hint=hint) from None
        except (pa.ArrowException, OSError) as error:
            raise read.refusal(error) from None
        if rows == 0:
            raise UserError("the file has no rows", where=where, hint=NEEDED)

    return DataFile(where, names, batches, read.line)


def open_frame(frame: pd.DataFrame, where: str = "the data frame") -> DataFile:
    """The columns of a data frame; a named level of its index is one too.

    Raises:
        UserError: two columns have the same name.
    """
    levels = [level for level in frame.index.names if level is not None and level not in frame.columns]
    frame = frame.reset_index(level=levels) if levels else frame
    names = _clean_names([str(name) for name in frame.columns], where)

    def batches(columns: Sequence[str]) -> Iterator[Any]:
        yield pa.table({name: _to_arrow(frame.iloc[:, names.index(name)]) for name in columns})

    return DataFile(where, names, batches)


def _to_arrow(series: "pd.Series[Any]") -> Any:  # noqa: ANN401
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # cells of several types
        return pa.array([None if absent else str(cell) for cell, absent in zip(series, series.isna(), strict=True)])


@dataclass(frozen=True)
class _Parquet:
    path: Path
    where: str

    def names(self) -> list[str]:
        with parquet.ParquetFile(self.path) as file:
            names = list(file.schema_arrow.names)
        if len(set(names)) < len(names):
            raise UserError("two columns have the same name", where=self.where, hint="rename one of them")
        return names

    def batches(self, columns: Sequence[int]) -> Iterator[Any]:
        with parquet.ParquetFile(self.path) as file:
            names = [file.schema_arrow.names[column] for column in columns]
            for batch in file.iter_batches(columns=names, use_threads=False):
                yield batch.select(names)

    def refusal(self, error: Exception) -> UserError:
        what = f"this is not a Parquet file: {str(error).splitlines()[0]}"
        return UserError(what, where=self.where, hint="write it anew, or give a CSV file a name in .csv")

    def line(self, row: int) -> int:
        return number_of(row)


@dataclass(frozen=True)
class _Csv:
    path: Path
    where: str
    delimiter: str

    def names(self) -> list[str]:
        names = self._raw_names()
        self._refuse_open_quote(names)
        # whole numbers in sequence are the names that pandas gives to columns
        counting = [str(number + int(names[0] == "1")) for number in range(len(names))]
        if names != counting and all(re.fullmatch(r"[-+]?[\d.][-+\d.,:eET/ ]*Z?", name.strip()) for name in names):
            raise UserError(
                f"the first line holds values ({', '.join(names[:3])}), not the columns' names",
                where=f"{self.where}:1",
                hint="write the names of the columns, separated by commas, on the first line",
            )
        return names

    def batches(self, columns: Sequence[int]) -> Iterator[Any]:
        last = None
        with self._open(column_types=dict.fromkeys(self._raw_names(), pa.string()), strings_can_be_null=True) as reader:
            for batch in reader:
                yield batch.select(columns)
                last = batch.column(batch.num_columns - 1)[-1].as_py() if len(batch) else last
        self._refuse_open_quote([last or ""])

    def refusal(self, error: Exception) -> UserError:
        return self._fault() or UserError(f"this is not a CSV file: {error}", where=self.where, hint=NEEDED)

    def line(self, row: int) -> int:
        return next(islice(self._records(), row + 1, None))[0]

    def _raw_names(self) -> list[str]:
        with self._open() as reader:
            return list(reader.schema.names)

    def _open(self, **converting: Any) -> Any:  # noqa: ANN401
        return arrow.open_csv(
            self.path,
            arrow.ReadOptions(use_threads=False),
            arrow.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
            arrow.ConvertOptions(**converting),
        )

    def _refuse_open_quote(self, cells: Sequence[str]) -> None:
        """Has a closer look where a cell has several lines: a quotation mark left open swallows all that follow."""
        if any("\n" in cell or "\r" in cell for cell in cells) and (fault := self._fault()):
            raise fault

    def _fault(self) -> UserError | None:
        """The first line that makes this no CSV file, found the slow way; None if there is no such line."""
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    line.decode()
                except UnicodeDecodeError:
                    return UserError("this is not UTF-8 text", where=f"{self.where}:{number}", hint=SAVE)
        try:
            (_, header), *rows = self._records()
        except UserError as fault:
            return fault
        for begin, values in rows:
            if values != header:
                hint = "give each row as many values as there are columns; quote text that holds a separator or a quote"
                what = f"{counted(values, 'value')} where the header names {header} columns"
                return UserError(what, where=f"{self.where}:{begin}", hint=hint)
        return None if rows else UserError("the file has no rows", where=self.where, hint=NEEDED)

    def _records(self) -> Iterator[tuple[int, int]]:
        """The line on which each record begins, blank ones left out, and how many values it has."""
        with self.path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
            reader, first = csv.reader(file, delimiter=self.delimiter, strict=True), 1
            try:
                for record in reader:
                    if record:
                        yield first, len(record)
                    first = reader.line_num + 1
            except csv.Error as error:
                raise UserError(
                    f"a quotation mark is out of place: {error}",
                    where=f"{self.where}:{first}",
                    hint="close each quotation mark, and double those inside quotes",
                ) from None


def _delimiter(head: bytes, where: str) -> str:
    """The separator of a CSV file: of comma, semicolon and tab the commonest in its header."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError("this is UTF-16 text", where=where, hint=SAVE)
    if b"\0" in head:
        raise UserError("this is not a text file", where=where, hint=SAVE)
    return max(",;\t", key=head.decode("utf-8-sig", errors="replace").lstrip().partition("\n")[0].count)


def _clean_names(names: Sequence[str], where: str) -> list[str]:
    """The columns' names without blanks around them, each on one line.

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
    return clean


def display_path(path: Path) -> str:
    """The path as a user would type it: from the working directory if it lies below."""
    path = path.parent.resolve() / path.name
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
