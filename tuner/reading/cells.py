"""Cells of text: whether one holds a value (a number or a date in some dress), nothing, or a mark for nothing."""

import re

# usual ways to say that a value is missing, in lower case
MARKS = frozenset(
    (
        *("", "?", "??", "-", "--", "---", ".", "..", "...", "*", "**", "none", "nil", "null", "(null)", "<null>"),
        *("nan", "na", "n/a", "n.a.", "n.a", "#n/a", "#na", "nat", "nd", "n.d.", "nodata", "no data", "not available"),
        *("#value!", "#div/0!", "#ref!", "#num!", "#name?", "#null!", "1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind"),
        *("missing", "undefined", "unknown", "\\n"),
    )
)
CURRENCY = r"(?:[$€£¥₹]|\b(?:USD|EUR|GBP|CHF|JPY)\b)"
MINUS = "\u2212\u2013\u2010\u2011"  # typographic ones
BLANKS = " \u00a0\u2007\u2009\u202f"
_MONTH = r"(?:jan|feb|mar|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*\.?"
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?"
_WORDS = rf"{_MONTH}|{_DAY}|[ap]\.?m\.?|utc|gmt|[cmew]es?[tz]|[cemp][sd]t|bst|msk|uhr|[tz]"
_NUMBER = re.compile(
    rf"\(?[-+{MINUS}]?[{BLANKS}]?{CURRENCY}?[{BLANKS}]?[-+{MINUS}]?(?:\d+|\d{{1,3}}(?:[{BLANKS},.'\u2019_]\d{{2,3}})+)?"
    rf"(?:[.,]?\d*)(?:[eEdD][-+]?\d+)?[{BLANKS}]?(?:%|{CURRENCY}|[kKMBT])?\)?"
)
_DATE = re.compile(rf"(?i)\[?(?:(?:{_WORDS})[ ,.-]*){{0,2}}\d(?:[\d :./,+{MINUS}-]|{_WORDS})*\]?")
_TRUTH = frozenset(("true", "false"))


def is_value(cell: str) -> bool:
    """Could it be a number or a date, however written?"""
    digits = any(letter.isdigit() for letter in cell)
    return cell.lower() in _TRUTH or (digits and bool(_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell)))


def is_mark(cell: str) -> bool:
    return cell.strip().lower() in MARKS


def looks_like_date(cell: str) -> bool:
    """Could it be a date, and no number?"""
    return bool(_DATE.fullmatch(cell)) and not _NUMBER.fullmatch(cell)
