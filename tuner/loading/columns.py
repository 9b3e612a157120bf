"""What columns must hold to be dates, labels or numbers, and how they are called."""

import numpy as np
import pandas as pd
import pyarrow as pa

from tuner.data.series import Bools, Floats
from tuner.errors import UserError, quoted
from tuner.reading.dates import read_dates
from tuner.reading.table import Column, DataTable


def letters(name: str) -> str:
    """What is left of a column's name without its case and whatever is no letter."""
    return "".join(letter for letter in name.casefold() if letter.isalpha())


def is_number(column: Column) -> bool:
    return column.dtype.kind in "if"


def is_date(column: Column) -> bool:
    return column.dtype.kind == "M"


def missing(column: Column) -> Bools:
    """Marks missing values, (rows,)."""
    if column.dtype.kind == "O":
        return np.array([value is None for value in column], dtype=bool)
    return np.asarray(np.isnan(column))


def dates(column: Column) -> Column:
    """Dates, or text as dates, in UTC to the nanosecond, (rows,); all NaT if a cell is none."""
    found = None if is_date(column) else read_dates(pa.array(column, pa.string()), None)
    if found is not None:
        return found.dates
    return column.astype("datetime64[ns]") if is_date(column) else np.full(len(column), "NaT", "datetime64[ns]")


def parsed(column: Column) -> tuple[Floats, Bools]:
    """Text as numbers, NaN where missing, and which rows hold something else, (rows,) each."""
    values = np.asarray(pd.to_numeric(pd.Series(column), errors="coerce"), dtype=np.float64)
    return values, np.isnan(values) & ~np.isin(column.astype(str), ("None", "nan", "NaN"))


def numbers(table: DataTable, name: str) -> Floats:
    """A column of numbers, (rows,), with NaN where one is missing, infinite or beyond 32 bits.

    Raises:
        UserError: the column holds dates or text.
    """
    column = table.columns[name]
    if is_date(column):
        hint = "name columns of numbers as `[data] features` and `target`"
        raise UserError("the column holds dates, not numbers", where=table.at(0, name), hint=hint)
    if is_number(column):
        values = column.astype(np.float64)
    else:
        values, other = parsed(column)
        if other.any():
            row = int(other.argmax())
            raise UserError(
                f"{quoted(column[row])} is not a number ({other.sum()} of {len(other)} rows hold text)",
                where=table.at(row, name),
                hint="correct it, leave the cell empty if the value is missing, "
                "or name only the columns to use as `[data] features`",
            )
    # networks compute in 32 bits
    return np.where(np.abs(values) > np.finfo(np.float32).max, np.nan, values)


def refuse_missing(table: DataTable, name: str, values: Floats) -> None:
    """Refuses a column with missing values.

    Raises:
        UserError: names the first of them and their count.
    """
    absent = np.isnan(values)
    if absent.any():
        what = f"{absent.sum()} of {len(values)} values are missing or infinite, the first one here"
        hint = 'fill them in, or set `[data] missing = "interpolate"`'
        raise UserError(what, where=table.at(int(absent.argmax()), name), hint=hint)
