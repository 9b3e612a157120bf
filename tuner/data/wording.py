"""Names and counts in sentences."""

from collections.abc import Iterable


def listed(names: Iterable[str]) -> str:
    """Names of columns, the first ones if they are many."""
    words = [f"`{name}`" for name in names]
    rest = f" and {len(words) - 8} more" if len(words) > 9 else ""
    return ", ".join(words[:8] if rest else words) + rest


def quoted(cell: object) -> str:
    """What a cell holds, its beginning if that is long."""
    text = " ".join(str(cell).split())
    return f"`{text if len(text) <= 40 else text[:40] + '…'}`"


def counted(number: int, noun: str) -> str:
    """A number of things: `1 row`, `2,000 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
