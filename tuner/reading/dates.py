"""Dates as people write them, read in one way over a whole column."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import compute

from tuner.reading.cells import BLANKS, MINUS

Order = Literal["day-first", "month-first"]
Dates = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]
# what nanoseconds in 64 bits can hold
FIRST, LAST = np.array(["1678-01-01", "2262-01-01"], dtype="datetime64[s]")
# a two-digit year is one of this century up to here (as POSIX has it)
LATEST_YEAR = 68
_MONTHS = {
    name: month
    for month, names in enumerate(
        (
            *(("jan", "ene", "gen"), ("feb", "fev", "fév"), ("mar", "mär", "mrz"), ("apr", "abr", "avr")),
            *(("may", "mai", "mag", "maj"), ("jun", "giu"), ("jul", "lug"), ("aug", "ago", "aoû"), ("sep", "set")),
            *(("oct", "okt", "ott", "out"), ("nov",), ("dec", "dez", "dic", "déc")),
        ),
        1,
    )
    for name in names
}
# hours from UTC
_ZONES = {"z": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "cest": 2, "mez": 1, "mesz": 2, "eet": 2}
_ZONES |= {"eest": 3, "msk": 3, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
_ZONES |= {"jst": 9, "kst": 9, "": 0, "uhr": 0, "h": 0}
_SECOND = r"(?:\s?[:.m]\s?(?P<second>\d{2})s?(?:[.,:](?P<part>\d+))?)?"
_CLOCK = rf"(?P<hour>\d{{1,2}})(?:\s?[:.hH]\s?(?P<minute>\d{{2}}){_SECOND})?m?"
_TIGHT = r"(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?(?P<part>\d{3})?"
_ZONE = rf"(?P<zone>(?:[A-Za-z]{{1,4}}|(?:UTC|GMT)?[-+{MINUS}]\d{{1,2}}(?::?\d{{2}})?)?)(?:\s?\[[\w/+-]+\])?"
_END = rf"\s?(?P<noon>(?:[aApP]\.?[mM]\.?)?)\s?{_ZONE}\]?"
_ONE, _TWO = r"(?P<one>\d+|\pL+)", r"(?P<two>\d+|\pL+)"
_DAY = rf"\[?(?:\pL{{2,9}}\.?,?\s+)??{_ONE}\.?[-/.\s_,年]+{_TWO}\.?(?:[-/.\s_,月]+|\b)(?P<three>\d{{1,4}})日?"
# an interval counts from where it begins
_UNTIL = rf"(?:\s?(?:[-{MINUS}]|to|bis|/)\s?\d.*)?"
_PATTERNS = (
    rf"^{_DAY}(?:(?:\s?[,T:\s_]\s?|,?\s(?:[-{MINUS}]|at|um|à)\s){_CLOCK}{_END})?{_UNTIL}$",
    rf"^(?P<one>(?:19|20)\d{{2}})(?P<two>\d{{2}})(?P<three>\d{{2}})(?:[T\s_:-]?(?:{_TIGHT})|[T\s_:-]{_CLOCK})?".replace(
        _CLOCK, _CLOCK.replace("(?P<", "(?P<x")
    )
    + rf"{_END}$",
    rf"^(?P<one>\d{{1,2}})(?P<two>\pL{{3,9}})(?P<three>\d{{2,4}})(?:[:T\s]{_CLOCK})?{_END}$",
    rf"^(?:\pL{{3,9}}\.?,?\s+)?(?P<two>\pL+)\.?\s+(?P<one>\d{{1,2}})\s+{_CLOCK}{_END}\s(?P<three>\d{{4}})$",
)
# a month without a day is its first: 2024-05, May 2024, May-24
_MONTHS_ALONE = ((r"^(\d{4})[-/](\d{1,2})$", r"\1-\2-1"), (r"^(\pL{3,9})\.?[-/ ](\d{4}|\d\d)$", r"1-\1-\2"))


@dataclass(frozen=True)
class Parsed:
    """A column of dates.

    Attributes:
        dates: (rows,) in UTC to the nanosecond, NaT where missing.
        order: of numbers for day and month; None where it shows in each by itself.
        unsure: day and month can be read both ways, and neither gives a steadier step.
    """

    dates: Dates
    order: Order | None = None
    unsure: bool = False


def read_dates(column: Any, told: Order | None) -> Parsed | None:  # noqa: ANN401 (pyarrow has no types)
    """A column of Arrow text as dates; None if a cell is none.

    Of the orders that all cells allow, the one told is taken, else the one by which most rows are a usual step apart.
    """
    column = compute.utf8_trim_whitespace(compute.replace_substring_regex(column, f"[{BLANKS}]+", " "))
    for month, whole in _MONTHS_ALONE:
        column = compute.replace_substring_regex(column, month, whole)
    probe = column.drop_null()[:20]
    for pattern in _PATTERNS:
        if len(probe) == 0 or compute.extract_regex(probe, pattern).null_count:
            continue
        if pattern == _PATTERNS[0] and compute.any(compute.match_substring_regex(probe, r"^[\d ,]*$")).as_py():
            continue  # rather a number with its thousands apart
        parts = compute.extract_regex(column, pattern)
        if parts.null_count > column.null_count:
            continue
        dotted = bool(compute.all(compute.match_substring_regex(column, r"^\D*\d{1,2}\.\s?\d{1,2}\.")).as_py())
        fields = {field.name: compute.struct_field(parts, field.name) for field in parts.type}
        if (found := _chosen(fields, told, dotted)) is not None:
            return found
    return None


def _chosen(parts: dict[str, Any], told: Order | None, dotted: bool) -> Parsed | None:
    clock = _clock(parts)
    if clock is None:
        return None
    one, two, three = (_numbers(parts[name]) for name in ("one", "two", "three"))
    present = one != _ABSENT
    orders: list[tuple[Order | None, tuple[Ints, Ints, Ints]]]
    if (one[present] > 31).all():
        orders = [(None, (one, two, three))]
    elif _named(parts["one"]):
        orders = [(None, (three, one, two))]
    elif _named(parts["two"]):
        orders = [(None, (three, two, one))]
    else:
        orders = [("day-first", (three, two, one)), ("month-first", (three, one, two)), (None, (one, two, three))]
        if compute.any(compute.greater(compute.utf8_length(parts["three"]), 2)).as_py():
            orders.pop()
    read = [(order, dates) for order, fields in orders if (dates := _dates(*fields, present)) is not None]
    if not read:
        return None
    if dotted:  # nobody writes 5.31.2024
        read = read[:1]
    readings = [Parsed(dates + clock, order) for order, dates in read]
    fitting = [reading for reading in readings if told is not None and reading.order == told]
    if fitting or len(readings) == 1:
        return (fitting or readings)[0]
    steady = [_steadiness(reading.dates[present]) for reading in readings]
    best = readings[int(np.argmax(steady))]
    alike = [reading for reading, share in zip(readings, steady, strict=True) if share == max(steady)]
    differ = any((reading.dates[present] != best.dates[present]).any() for reading in alike)
    return Parsed(best.dates, best.order, unsure=differ)


_ABSENT = -1


def _numbers(column: Any) -> Ints:  # noqa: ANN401
    """Digits, or the names of months, as whole numbers, (rows,); -1 where there are none."""
    if _named(column):
        words = compute.replace_substring(compute.utf8_lower(column), "jui", "ju")  # French: juin, juillet
        words = compute.utf8_slice_codeunits(words, 0, 3)
        keys = list(_MONTHS)
        place = compute.index_in(words, pa.array(keys)).fill_null(len(keys)).to_numpy(zero_copy_only=False)
        return np.asarray(np.array([*_MONTHS.values(), _ABSENT], dtype=np.int64)[place.astype(np.int64)])
    empty = compute.equal(column, "")
    digits = compute.if_else(empty, None, column)
    filled = digits.cast(pa.int64()).fill_null(_ABSENT)
    return np.asarray(filled.to_numpy(zero_copy_only=False) if isinstance(filled, pa.Array) else filled.to_numpy())


def _named(column: Any) -> bool:  # noqa: ANN401
    return bool(compute.any(compute.match_substring_regex(column, r"^\D")).as_py())


def _dates(year: Ints, month: Ints, day: Ints, present: "np.ndarray[Any, np.dtype[np.bool_]]") -> Dates | None:
    """The dates of these numbers, (rows,), NaT where absent; None if one is none."""
    year = np.where(year >= 100, year, np.where(year > LATEST_YEAR, year + 1900, year + 2000))
    good = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year < 10_000)
    if not good[present].all():
        return None
    months = ((np.where(present, year, 1970) - 1970) * 12 + np.where(present, month, 1) - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (np.where(present, day, 1) - 1)
    if (days.astype("datetime64[M]") != months).any():
        return None
    seconds = days.astype("datetime64[s]")
    outside = (seconds < FIRST) | (seconds >= LAST) | ~present
    return np.where(outside, np.datetime64("NaT"), seconds).astype("datetime64[ns]")


def _clock(parts: dict[str, Any]) -> "np.ndarray[Any, np.dtype[np.timedelta64]] | None":
    """The time of day in UTC, (rows,); None if one is none."""
    for name in ("hour", "minute", "second", "part"):
        if f"x{name}" in parts:  # of two ways to write it
            parts[name] = compute.if_else(compute.equal(parts[name], ""), parts[f"x{name}"], parts[name])
    hour, minute, second = (np.maximum(_numbers(parts[name]), 0) for name in ("hour", "minute", "second"))
    if (hour > 24).any() or (minute > 59).any() or (second > 60).any():
        return None
    noon = compute.utf8_slice_codeunits(compute.utf8_lower(parts["noon"]), 0, 1).fill_null("")
    if compute.any(compute.not_equal(noon, "")).as_py():
        if (hour > 12).any():
            return None
        hour = hour % 12 + 12 * np.asarray(compute.equal(noon, "p")).astype(np.int64)
    digits = compute.utf8_slice_codeunits(compute.utf8_rpad(parts["part"], 9, "0"), 0, 9)
    part = _numbers(compute.if_else(compute.equal(parts["part"], ""), "", digits))
    offset = _offsets(parts["zone"])
    if offset is None:
        return None
    seconds = hour * 3600 + minute * 60 + second - offset
    return np.asarray((seconds * 1_000_000_000 + np.maximum(part, 0)).astype("timedelta64[ns]"))


def _offsets(zones: Any) -> Ints | None:  # noqa: ANN401
    """Seconds east of UTC, (rows,); None if the zones of rows differ and one is unknown."""
    coded = zones.fill_null("").combine_chunks() if isinstance(zones, pa.ChunkedArray) else zones.fill_null("")
    coded = compute.dictionary_encode(coded)
    names = [str(name) for name in coded.dictionary.to_pylist()]
    found = [_offset(name) for name in names]
    if None in found and len(set(names) - {""}) > 1:
        return None
    seconds = np.array([0 if offset is None else offset for offset in found], dtype=np.int64)
    return seconds[np.asarray(coded.indices)] if len(names) else np.zeros(len(zones), dtype=np.int64)


def _offset(zone: str) -> int | None:
    for minus in MINUS:
        zone = zone.replace(minus, "-")
    name = zone.lower().removeprefix("utc").removeprefix("gmt")
    if name in _ZONES:
        return 3600 * _ZONES[name]
    if not name.startswith(("+", "-")):
        return None
    digits = name[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    return (3600 * int(hours) + 60 * int(minutes)) * (-1 if name.startswith("-") else 1)


def _steadiness(dates: Dates) -> float:
    """The share of rows that are the usual step after, or before, the one above."""
    steps = np.diff(dates).astype(np.int64)
    if not len(steps):
        return 0.0
    values, counts = np.unique(steps, return_counts=True)
    return float(counts[values != 0].max(initial=0) / len(steps))
