"""Where the table of a text lies: its delimiter, the names of its columns, and its first and last row of values."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import groupby, islice

from tuner.errors import UserError, counted
from tuner.reading.cells import is_mark, is_value, looks_like_date
from tuner.reading.containers import HEAD_BYTES, NEEDED, Text
from tuner.reading.table import check_names
from tuner.spec.sections import Reading

USUAL, RARE = ",;\t|", "\x1f\x01^~: "
COMMENTS = ("#", "//", "%", "--", "!")
SNIFFED = 1000  # lines
JUDGED = 100  # rows, by what their cells hold
TAIL_BYTES = 1 << 16
MOST_NAME_LINES = 20
ENOUGH_ROWS = 20  # to tell a last line that is no data by what it holds
_TIME = re.compile(r"time|date|datum|zeit|fecha|hora|heure|tid|czas|时间|日期|^t$", re.IGNORECASE)


@dataclass(frozen=True)
class Record:
    """The values of a row, or of another line.

    Attributes:
        line: its number in the text, from 1.
        start: its first byte in the text.
        cells: its values, without blanks around them.
    """

    line: int
    start: int
    cells: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not any(self.cells)

    @property
    def is_comment(self) -> bool:
        if re.fullmatch(r"[-=+:|]{3,}", "".join(self.cells)):  # a line below the names
            return True
        return self.cells[0].startswith(COMMENTS) and not is_value(self.cells[0]) and not is_mark(self.cells[0])


@dataclass(frozen=True)
class Layout:
    """A table within a text.

    Attributes:
        delimiter: what divides the values of a line.
        names: of the columns, as many as a row has values, each once.
        header: the line that names them as it stands, which may come again between rows; empty if there is none.
        begin: the first byte of the first row.
        end: the first byte after the last row.
        line: the number of the first row's line.
        notes: what was found and what was left out, as sentences.
    """

    delimiter: str
    names: tuple[str, ...]
    header: tuple[str, ...]
    begin: int
    end: int
    line: int
    notes: tuple[str, ...]


def find_layout(text: Text, told: Reading, where: str) -> Layout:
    """The table of a text: the longest stretch of lines with the same number of values, and the names above it.

    Raises:
        UserError: there is no table, its columns have no names, or two have the same.
    """
    head = text.read(text.start, HEAD_BYTES)
    if text.start + len(head) < text.size:
        head = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1] or head
    delimiter = told.delimiter or _delimiter(head.decode(errors="replace"))
    records = list(split(head.decode(errors="replace"), delimiter, text.start, SNIFFED))
    table = _longest(records)
    if not table:
        raise UserError("the file has no table", where=where, hint=NEEDED)
    header = _header(table)
    after = [record for record in records if not header or record.start > header[-1].start]
    rows = table[len(header) :]
    above = [record for record in records if record.start < table[0].start and not record.is_empty]
    named, names = _named(header, above, rows, told, where)
    rows, after = ([record for record in part if record not in named] for part in (rows, after))
    if not rows and all(record.is_empty for record in after):
        raise UserError("the file has no rows", where=where, hint=NEEDED)
    shown = named[0].cells if named else ()
    if any("\n" in cell or "\r" in cell for cell in shown):
        _refuse_open_quote(
            head[named[0].start - text.start :].decode(errors="replace"), delimiter, named[0].line, where
        )
    first = (rows or after)[0]
    notes = [f"The names of the columns are made up: {', '.join(names)}."] if not named and not told.names else []
    if delimiter not in USUAL:
        notes.append(f"Values are divided by {delimiter!r}.")
    lost = [record.line for record in (*above, *header) if record not in named]
    if lost:
        notes.append(f"Left out {said_lines(lost)}, before the rows of values.")
    end, lost = _end(text, delimiter, first, rows)
    if lost:
        notes.append(f"Left out {said_lines(lost)}, after the last row of values.")
    return Layout(delimiter, check_names(names, where), shown, first.start, end, first.line, tuple(notes))


def split(text: str, delimiter: str, start: int = 0, most: int | None = None, line: int = 1) -> Iterator[Record]:
    """The records of a text; `start` and `line` are those of its first one."""
    lines = list(StringIO(text, newline=""))[:most]
    starts = [start]
    for one in lines:
        starts.append(starts[-1] + len(one.encode(errors="replace")))
    if delimiter == " ":
        lines = [squeezed(one) for one in lines]
    reader, past = csv.reader(lines, delimiter=delimiter), 0
    try:
        for cells in reader:
            yield Record(line + past, starts[past], tuple(cell.strip() for cell in cells) or ("",))
            past = reader.line_num
    except csv.Error:  # such as a quotation mark left open; it is refused when the rows are read
        return


def squeezed(line: str) -> str:
    """A line whose values are divided by blanks, with one between two."""
    return re.sub(r"[ \t]+", " ", line.strip(" \t"))


def _delimiter(head: str) -> str:
    """What divides lines into equally many values, most of them numbers and dates."""
    for candidates, least in ((USUAL, 0.0), (RARE, 0.5)):
        fits = []
        for delimiter in candidates:
            records = list(split(head, delimiter, most=SNIFFED)) if delimiter in head else []
            table = _longest(records)
            if table and len(table[0].cells) > 1 and len(table) > least * len(records):
                cells = [cell for record in table[-JUDGED:] for cell in record.cells if cell]
                torn = sum(not is_value(cell) and any(map(cell.__contains__, USUAL)) for cell in cells)
                share = (sum(map(is_value, cells)) - torn) / max(1, len(cells))
                fits.append((len(table) * (0.1 + share), delimiter))
        if fits:
            return max(fits, key=lambda fit: fit[0])[1]
    return ","


def _longest(records: Sequence[Record]) -> list[Record]:
    """The longest stretch of records with the same number of values, without empty ones and comments."""
    shown = [record for record in records if not record.is_empty and not record.is_comment]
    stretches = (list(stretch) for _, stretch in groupby(shown, key=lambda record: len(record.cells)))
    return max(stretches, key=len, default=[])


def _header(table: Sequence[Record]) -> list[Record]:
    """The first records, as far as they hold words where the rows below hold values."""
    below = table[max(1, len(table) // 2) :][:JUDGED]
    valued = [number for number, share in enumerate(_value_shares(below)) if share >= 0.5]
    if not valued:
        return [] if any(map(is_value, table[0].cells)) else list(table[:1])
    last = 0
    for number, record in enumerate(table[:MOST_NAME_LINES], 1):
        cells = [record.cells[column] for column in valued if not is_mark(record.cells[column])]
        values = sum(map(is_value, cells))
        if cells and values == len(cells):
            break
        # a fact of a word and a number may stand above the names, and names may be numbers but for the first
        if values < len(cells) - values or (number == 1 and not is_value(cells[0])):
            last = number
    return list(table[:last])


def _value_shares(records: Sequence[Record]) -> list[float]:
    """Of the cells of each column that are not blank, the share that holds values."""
    columns = [[cell for cell in cells if cell] for cells in zip(*(record.cells for record in records), strict=True)]
    return [sum(map(is_value, cells)) / max(1, len(cells)) for cells in columns]


def _named(
    header: Sequence[Record], above: Sequence[Record], rows: Sequence[Record], told: Reading, where: str
) -> tuple[Sequence[Record], list[str]]:
    """The records that name the columns, and the names, with empty ones for columns that have none.

    Raises:
        UserError: there are no names, and what stands in their place could be some.
    """
    if header:
        best = _best(header)
        return (best,), _joined(header, best)
    width = len(rows[0].cells)
    if above:
        words = [above[-1].cells[0].lstrip("".join(COMMENTS)).strip(), *above[-1].cells[1:]]
        if not any(map(is_value, words)):
            if len(words) == width:
                return above[-1:], words
            if len(words) == width - 1:  # either each row begins with its name, or ends with a delimiter
                return above[-1:], [*words, ""] if not any(row.cells[-1] for row in rows) else ["", *words]
            if len(words) == width + 1 and not words[-1]:
                return above[-1:], words[:-1]
    if told.names is not None:
        if len(told.names) == width:
            return (), list(told.names)
        what = f"{counted(width, 'value')} where `[data] names` names {counted(len(told.names), 'column')}"
        raise UserError(what, where=f"{where}:{rows[0].line}", hint="name each column, in order")
    first = rows[0].cells
    # whole numbers in sequence are the names that pandas gives to columns
    if list(first) == [str(number + int(first[0] == "1")) for number in range(width)]:
        return rows[:1], list(first)
    if any(map(looks_like_date, first)):
        return (), [f"column {number}" for number in range(1, width + 1)]
    raise UserError(
        f"the first line holds values ({', '.join(first[:3])}), not the columns' names",
        where=f"{where}:{rows[0].line}",
        hint="write the names of the columns on a line above, or name them in order as `[data] names`",
    )


def _refuse_open_quote(text: str, delimiter: str, line: int, where: str) -> None:
    """Has a closer look where a name has several lines: a quotation mark left open swallows all that follow."""
    try:
        for _ in islice(csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True), JUDGED):
            pass
    except csv.Error as error:
        raise misplaced_quote(error, f"{where}:{line}") from None


def misplaced_quote(error: csv.Error, where: str) -> UserError:
    hint = "close each quotation mark, and double those inside quotes"
    return UserError(f"a quotation mark is out of place: {error}", where=where, hint=hint)


def _best(header: Sequence[Record]) -> Record:
    """Of several lines of names the one that names each column once; rather one that names a time, or a later one."""
    whole = [record for record in header if all(record.cells) and len(set(record.cells)) == len(record.cells)]
    timed = [record for record in whole if any(map(_TIME.search, record.cells))]
    return (timed or whole or header)[-1]


def _joined(header: Sequence[Record], best: Record) -> list[str]:
    """The names; where no line names each column once, those of all lines together, a blank for the one before."""
    names = list(best.cells)
    if len(header) > 1 and (not all(names) or len(set(names)) < len(names)):
        parts: list[list[str]] = [[] for _ in names]
        for record in header:
            held = ""
            for part, cell in zip(parts, record.cells, strict=True):
                held = cell or (held if record is not header[-1] else "")
                part.extend([held] if held and held not in part else [])
        names = [" ".join(part) for part in parts]
    if len(header) > 1 and header[-1].cells[0] and not any(header[-1].cells[1:]):
        names[0] = header[-1].cells[0]  # an index has its name on a line of its own
    return names


def _end(text: Text, delimiter: str, first: Record, rows: Sequence[Record]) -> tuple[int, list[int]]:
    """The first byte after the last row of values, and the numbers of the lines left out below it."""
    start = max(first.start, text.size - TAIL_BYTES)
    tail = text.read(start, TAIL_BYTES)
    if start > first.start:
        cut = tail.find(b"\n") + 1
        start, tail = start + cut, tail[cut:]
    records = list(split(tail.decode(errors="replace"), delimiter, start))
    shares, count = _value_shares(rows[: max(1, len(rows) * 3 // 4)]), len(records)
    beginnings = {row.cells[0] for row in rows}
    while count > (start == first.start) and _is_footer(records[count - 1], len(rows), shares, beginnings):
        count -= 1
    lost = [record for record in records[count:] if not record.is_empty]
    if not lost:
        return text.size, []
    before = text.read(first.start, start - first.start).count(b"\n") + first.line - 1
    return records[count].start, [record.line + before for record in lost]


def _is_footer(record: Record, rows: int, shares: Sequence[float], beginnings: set[str]) -> bool:
    """Is a last line none of values? Such as a remark or a total; a row that lacks values is none."""
    if record.is_empty or record.is_comment:
        return True
    number, cell = next((number, cell) for number, cell in enumerate(record.cells) if cell)
    if is_value(cell) or is_mark(cell) or "\n" in cell or "\r" in cell:  # a quotation mark may be open there
        return False
    if len(record.cells) != len(shares):
        return bool(shares) and record.cells[0] not in beginnings
    return rows >= ENOUGH_ROWS and min(shares[: number + 1]) == 1.0


def said_lines(numbers: Sequence[int]) -> str:
    """`line 3`, `lines 3 to 7`, or the first ones of many: `lines 3, 5, 9, …`."""
    first, last = numbers[0], numbers[-1]
    if last - first + 1 > len(numbers):
        return f"lines {', '.join(map(str, numbers[:5]))}{', …' if len(numbers) > 5 else ''}"
    return f"line {first}" if first == last else f"lines {first} to {last}"
