"""Bad input as plain data: what is given, and what the one message must say. Run by tests/test_bad_input.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field

CHECK = ("run", "--study", "bad.toml", "--check")
RUN = ("run", "--study", "small.toml", "--json")
EXPORT = ("export", "--study", "small")
PATH = ("path", "--study", "small", "--param")
COMPARE = ("compare", "small")
STORE = "studies/studies.db"


@dataclass(frozen=True)
class Case:
    """One mistake.

    Attributes:
        says: a part of the message, line breaks taken for spaces.
        line: the command line.
        files: what is put into the folder first, over the finished study `small` with its store and data.
        sql: what is done to the store before.
        gone: the files that are missing.
    """

    says: str
    line: tuple[str, ...] = CHECK
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    sql: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def study(says: str, text: str | bytes) -> Case:
    """A study file."""
    return Case(says, files={"bad.toml": text})


def keys(says: str, text: str) -> Case:
    """Keys of a study file that names its data."""
    return study(says, f'data.path = "data.csv"\n{text}')


def data(says: str, content: str | bytes, more: str = "") -> Case:
    """A data file, and the keys of a study of it."""
    return Case(says, files={"bad.toml": f'data.path = "bad.csv"\ntask.window = 4\n{more}', "bad.csv": content})


def command(says: str, *line: str) -> Case:
    return Case(says, line)


def store(says: str, *sql: str, line: tuple[str, ...] = EXPORT) -> Case:
    return Case(says, line, sql=sql)


def rows(count: int, cells: str, header: str = "a,b") -> str:
    """A CSV of equal lines but for `{n}`, the row's number, in them."""
    return "\n".join([header, *(cells.format(n=n) for n in range(count))])
