"""Errors that a user can fix, and how they are worded."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import partial
from typing import Any

# Names that a message lists before it stops.
MOST_LISTED = 15


class UserError(Exception):
    """A mistake that the user can fix; commands print it without a traceback and exit with status 2.

    Args:
        what: what is wrong, as a sentence without its full stop.
        where: the file, section, key, row or column concerned.
        hint: how to put it right.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what, where, hint)
        self.what, self.where, self.hint = what, where, hint

    def __reduce__(self) -> Any:  # noqa: ANN401 (as `object` has it)
        return partial(type(self), where=self.where, hint=self.hint), (self.what,)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  {self.hint}" if self.hint else text


def nearest(name: str, known: Iterable[str]) -> str:
    """The sentence that names the known word nearest to `name`, or lists them all when none is near."""
    known = list(known)
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    more = f" and {len(known) - MOST_LISTED} more" if len(known) > MOST_LISTED else ""
    return f"available: {', '.join(known[:MOST_LISTED])}{more}"


def listed(names: Iterable[str]) -> str:
    """Names of columns, the first ones if they are many."""
    words = [f"`{name}`" if name else "the unnamed column" for name in names]
    rest = f" and {len(words) - 8} more" if len(words) > 9 else ""
    return ", ".join(words[:8] if rest else words) + rest


def quoted(cell: object) -> str:
    """The content of a cell, its beginning if it is long."""
    text = " ".join(str(cell).split())
    return f"`{text if len(text) <= 40 else text[:40] + '…'}`"


def counted(number: int, noun: str) -> str:
    """A number of things: `1 row`, `2,000 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
