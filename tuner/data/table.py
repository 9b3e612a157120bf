"""Reading data files: bytes in, named columns of numbers, dates or text out, or one clear refusal."""

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import category

import numpy as np
import numpy.typing as npt

from tuner.data.wording import counted
from tuner.errors import UserError

Column = npt.NDArray[Any]

PARQUET = (".parquet", ".pq")

NEEDED = "a data file names its columns on its first line, and holds one row a time below it"


@dataclass(frozen=True)
class Table:
    """One data file as it was read, nothing chosen or checked yet.

    Attributes:
        name: what its series are called.
        where: what it is called in messages.
        columns: by name, (rows,) each: whole numbers (truth values too) or numbers, with NaN where missing; dates,
            with NaT where missing; or text as objects, with None where missing.
        lines: the line of each row in the file; its number from 1 where rows are not lines.
    """

    name: str
    where: str
    columns: Mapping[str, Column]
    lines: Sequence[int]

    def at(self, row: int, column: str) -> str:
        """A cell's place in the words of a message."""
        return f"{self.where}:{self.lines[row]} {column}"


def is_number(column: Column) -> bool:
    return column.dtype.kind in "if"


def is_date(column: Column) -> bool:
    return column.dtype.kind == "M"


def missing(column: Column) -> npt.NDArray[np.bool_]:
    """Which values are missing, (rows,)."""
    if column.dtype.kind == "O":
        return np.array([value is None for value in column], dtype=bool)
    return np.asarray(np.isnan(column))


def shown(path: Path) -> str:
    """The path as a user would type it: from the working directory if it lies below."""
    path = path.parent.resolve() / path.name
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def read_table(path: Path, name: str) -> Table:
    """The table in a CSV file, or in a Parquet file if its name ends so.

    Raises:
        UserError: the file cannot be read, holds no rows, or is not what its name says.
    """
    where = shown(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        hint = "get the right to read it, or name another file"
        raise UserError(f"the file cannot be read: {error.strerror}", where=where, hint=hint) from None
    except MemoryError:
        raise UserError("the file does not fit into memory", where=where, hint="cut it, or name another file") from None
    if not raw.strip():
        raise UserError("the file is empty", where=where, hint=NEEDED)
    read = _read_parquet if path.suffix.lower() in PARQUET else _read_csv
    return read(name, where, raw)


def _read_parquet(name: str, where: str, raw: bytes) -> Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(pa.BufferReader(raw), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        what = f"this is not a Parquet file: {str(error).splitlines()[0]}"
        raise UserError(what, where=where, hint="write it anew, or give a CSV file a name in .csv") from None
    return make_table(name, where, table)


def _read_csv(name: str, where: str, raw: bytes) -> Table:
    import pyarrow as pa
    from pyarrow import csv as arrow

    text = _decoded(raw, where)
    delimiter = delimiter_of(text)
    ragged: list[Any] = []

    def refuse(row: Any) -> str:  # noqa: ANN401 (pyarrow has no types)
        ragged.append(row)
        return "error"

    try:
        table = arrow.read_csv(
            pa.py_buffer(raw + b"\n"),
            read_options=arrow.ReadOptions(use_threads=False),  # threads would not know a row's number
            parse_options=arrow.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse),
            convert_options=arrow.ConvertOptions(strings_can_be_null=True),
        )
    except pa.ArrowInvalid as error:
        if not ragged:
            raise UserError(f"this is not a CSV file: {error}", where=where, hint=NEEDED) from None
        row = ragged[0]
        line = _lines(text, delimiter, where)[row.number - 2]
        raise UserError(
            f"{counted(row.actual_columns, 'value')} where the header names {row.expected_columns} columns",
            where=f"{where}:{line}",
            hint="give each row as many values as there are columns; quote text that holds a separator or a quote",
        ) from None
    _refuse_headless(table.column_names, where)
    regular = text.rstrip("\r\n").count("\n") == table.num_rows
    return make_table(name, where, table, range(2, table.num_rows + 2) if regular else _lines(text, delimiter, where))


def delimiter_of(text: str) -> str:
    """What separates the values of a CSV file: of comma, semicolon and tab the commonest in its header."""
    return max(",;\t", key=text.lstrip().partition("\n")[0].count)


def _decoded(raw: bytes, where: str) -> str:
    hint = "save it as CSV in UTF-8, or as Parquet with a name in .parquet"
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError("this is UTF-16 text", where=where, hint=hint)
    if b"\0" in raw:
        raise UserError("this is not a text file", where=where, hint=hint)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UserError("this is not UTF-8 text", where=f"{where}:{line}", hint=hint) from None


def _lines(text: str, delimiter: str, where: str) -> list[int]:
    """The line on which each row begins, where blank lines or line ends in quotes make them irregular."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins, last = [], 0
    try:
        for record in reader:
            if record:
                begins.append(last + 1)
            last = reader.line_num
    except csv.Error as error:
        raise UserError(
            f"a quotation mark is out of place: {error}",
            where=f"{where}:{last + 1}",
            hint="close each quotation mark, and double those inside quotes",
        ) from None
    return begins[1:]


def _refuse_headless(names: Sequence[str], where: str) -> None:
    """Refuses a first line of values; whole numbers in sequence are the names that pandas gives to columns."""
    counting = [str(number + int(names[0] == "1")) for number in range(len(names))]
    if names != counting and all(re.fullmatch(r"[-+]?[\d.][-+\d.,:eET/ ]*Z?", name.strip()) for name in names):
        raise UserError(
            f"the first line holds values ({', '.join(names[:3])}), not the columns' names",
            where=f"{where}:1",
            hint="write the names of the columns, separated by commas, on the first line",
        )


def make_table(name: str, where: str, table: Any, lines: Sequence[int] | None = None) -> Table:  # noqa: ANN401 (pyarrow)
    """The table that an Arrow table holds.

    Raises:
        UserError: it has no rows, or two columns of one name.
    """
    names = unique_names(table.column_names, where)
    if table.num_rows == 0:
        raise UserError("the file has no rows", where=where, hint=NEEDED)
    columns = dict(zip(names, map(plain, table.columns), strict=True))
    return Table(name, where, columns, range(1, table.num_rows + 1) if lines is None else lines)


def unique_names(names: Sequence[str], where: str) -> list[str]:
    """The columns' names without blanks around them, each on one line.

    Raises:
        UserError: two columns have the same, or one holds a control character, which a terminal would obey.
    """
    # an unnamed first column is usually the index of a data frame
    stripped = [
        re.sub(r"[\t-\r]+", " ", name.strip()) or (f"column {n}" if n > 1 else "") for n, name in enumerate(names, 1)
    ]
    if odd := [number for number, name in enumerate(stripped, 1) if any(category(letter) == "Cc" for letter in name)]:
        raise UserError(f"the name of column {odd[0]} holds a control character", where=where, hint="rename it")
    twice = [name for name, count in Counter(stripped).items() if count > 1]
    if twice:
        raise UserError(f"two columns are called `{twice[0]}`", where=where, hint="rename one of them")
    return stripped


def plain(column: Any) -> Column:  # noqa: ANN401 (pyarrow)
    """A column of Arrow as an array of whole numbers, numbers, dates or text."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return np.asarray(column.to_numpy())  # with a time zone: in UTC
    if (pa.types.is_integer(kind) or pa.types.is_boolean(kind)) and kind != pa.uint64() and column.null_count == 0:
        return np.asarray(column.to_numpy()).astype(np.int64)
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    if any(matches(kind) for matches in numeric):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy())
    texts = ("" if value is None else str(value).strip() for value in column.to_pylist())
    return np.array([text or None for text in texts], dtype=object)
