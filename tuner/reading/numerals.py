"""Numbers in other dress: decimal commas, thousands, currencies, units, marks of missing values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import compute

from tuner.reading.cells import BLANKS, CURRENCY, MARKS, MINUS

Floats = npt.NDArray[np.float64]
Decimal = Literal[".", ","]
MOST_MARKS = 3  # different ones in a column, besides the usual
LEAST_REPEATED = 3  # times that an unusual one stands there
LEAST_VARIED = 10  # numbers that differ, in a column in which one can be a mark
_MULTIPLES = {"": 1.0, "K": 1e3, "k": 1e3, "M": 1e6, "B": 1e9}
_UNIT = r"[^\d\s.,+()-][^\d,()]{0,7}"


def _shape(decimal: Decimal) -> str:
    """What a number looks like, without signs, currency and unit."""
    point, other = (r"\.", ",") if decimal == "." else (",", r"\.")
    marks = (other, "['\u2019]", f"[{BLANKS}]", "_")
    grouped = "|".join(rf"[1-9]\d{{0,2}}(?:{mark}\d{{2,3}})*{mark}\d{{3}}" for mark in marks)
    return rf"(?:(?:{grouped}|\d+)(?:{point}\d*)?|{point}\d+)(?:[eEdD][-+]?\d+)?"


_SHAPES: dict[Decimal, str] = {".": _shape("."), ",": _shape(",")}


@dataclass(frozen=True)
class Dressed:
    """A column of numbers in dress, with null where missing.

    Attributes:
        cells: numbers without currency and unit, with grouping and a decimal mark, as Arrow text.
        factors: what each is to be multiplied by; None if by nothing.
        fits: the decimal marks that all cells can be read with.
        marked: how often each text stands there that means missing.
        shown: a number in its dress; empty if all are plain.
        commas: does a number hold one?
    """

    cells: Any
    factors: Any
    fits: tuple[Decimal, ...]
    marked: dict[str, int]
    shown: str
    commas: bool

    def mark(self, decimal: Decimal | None) -> Decimal:
        """The decimal mark of this column in a file that has the given one."""
        return decimal if decimal in self.fits else self.fits[0]


def undress(column: Any) -> Dressed | None:  # noqa: ANN401 (pyarrow has no types)
    """A column of text whose every value is a number in the same dress; None if it is something else."""
    if len(column) == column.null_count:
        return None
    numeric = compute.match_substring_regex(column, "|".join(f"^{_pattern(decimal)}$" for decimal in _SHAPES))
    if 2 * compute.sum(numeric).as_py() < len(column) - column.null_count:
        return None
    others = column.filter(compute.invert(numeric))
    marked: dict[str, int] = {}
    if others.null_count < len(others):
        counts = compute.value_counts(others.drop_null()).to_pylist()
        marked = {pair["values"]: pair["counts"] for pair in counts}
        known = {text for text in marked if text.lower() in MARKS}
        unusual = [count for text, count in marked.items() if text not in known]
        if len(unusual) > MOST_MARKS or min(unusual, default=LEAST_REPEATED) < LEAST_REPEATED:
            return None
        column = compute.if_else(compute.is_in(column, pa.array(list(marked))), None, column)
    return _parts(column, marked)


def _pattern(decimal: Decimal) -> str:
    sign = f"[-+{MINUS}]?"
    return (
        rf"(?P<open>\(?)(?P<sign>{sign})[{BLANKS}]?{CURRENCY}?[{BLANKS}]?(?P<inner>{sign})(?P<number>{_SHAPES[decimal]})"
        rf"[{BLANKS}]?(?P<unit>(?:{_UNIT})?)\)?"
    )


def _parts(column: Any, marked: dict[str, int]) -> Dressed | None:  # noqa: ANN401
    fits: list[Decimal] = []
    found: Any = None
    for decimal in _SHAPES:
        parts = compute.extract_regex(column, f"^{_pattern(decimal)}$")
        if parts.null_count == column.null_count:
            fits.append(decimal)
            found = parts
    if not fits:
        return None
    part = {name: compute.struct_field(found, name) for name in ("open", "sign", "inner", "number", "unit")}
    units = {unit for unit in compute.unique(part["unit"]).to_pylist() if unit is not None}
    factors = None
    if units != {""} and units <= set(_MULTIPLES):
        factors = np.array([_MULTIPLES.get(unit or "", 1.0) for unit in part["unit"].to_pylist()])
    elif len(units) > 1:
        return None
    minus = [compute.match_substring_regex(part[name], f"^[-{MINUS}]") for name in ("sign", "inner")]
    minus.append(compute.equal(part["open"], "("))
    negative = compute.or_(compute.or_(minus[0], minus[1]), minus[2])
    numbers = compute.replace_substring_regex(part["number"], "[dD]", "e")
    cells = compute.if_else(negative, compute.binary_join_element_wise("-", numbers, ""), numbers)
    commas = bool(compute.any(compute.match_substring(cells, ",")).as_py())
    plain = compute.match_substring_regex(column, r"^[-+]?[\d.]+(?:[eE][-+]?\d+)?$")
    shown = column.filter(compute.invert(plain)).drop_null()
    return Dressed(cells, factors, tuple(fits), marked, shown[0].as_py() if len(shown) else "", commas)


def parse_numbers(column: Dressed, decimal: Decimal | None) -> Any:  # noqa: ANN401
    """The numbers of a column, as an Arrow array."""
    cells = compute.replace_substring_regex(column.cells, f"[^-+0-9eE{column.mark(decimal)}]", "")
    values = compute.cast(compute.replace_substring(cells, ",", "."), pa.float64())
    if column.factors is not None:
        values = compute.multiply(values, pa.array(column.factors))
    return values


def choose_decimal(columns: Sequence[Dressed], delimiter: str, told: Decimal | None) -> Decimal | None:
    """The decimal mark of a file: as told, else the one that a column tells, else the one that goes with its delimiter.

    None if no column needs one.
    """
    telling = {column.fits[0] for column in columns if len(column.fits) == 1}
    if told or len(telling) == 1:
        return told or telling.pop()
    if telling or not any(column.commas for column in columns):
        return None
    return "." if delimiter == "," else ","


def all_grouped(column: Any) -> bool:  # noqa: ANN401
    """Can every number of a plain column be read as one with points between thousands, some of them so only?"""
    whole = compute.match_substring_regex(column, r"^-?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d{1,3})$")
    return bool(compute.all(whole).as_py()) and bool(compute.any(compute.match_substring(column, ".")).as_py())


# numbers that people write for missing ones: nines, the ends of integers, round powers
_SENTINEL = re.compile(r"-?(?:9{2,}(?:\.(?:9+|25))?|32768|32767|65535|2147483648|2147483647|1e\+[23]\d)|-200")


def sentinels(values: Floats) -> list[tuple[float, bool]]:
    """Numbers that stand there again and again, farther from all others than these from each other; which usually mark.

    Those that usually do not must be ten times as far off to be listed.
    """
    found: list[tuple[float, bool]] = []
    rest = values[np.isfinite(values)]
    while len(rest) > LEAST_REPEATED and len(found) < MOST_MARKS:
        for extreme in (float(rest.min()), float(rest.max())):
            others = rest[rest != extreme]
            usual = bool(_SENTINEL.fullmatch(f"{extreme:.10g}"))
            if len(rest) - len(others) < LEAST_REPEATED:
                continue
            if len(np.unique(others[: LEAST_VARIED**2])) < LEAST_VARIED:
                continue
            if np.abs(others - extreme).min() > np.ptp(others) * (1 if usual else 10):
                found.append((extreme, usual))
                rest = others
                break
        else:
            break
    return found
