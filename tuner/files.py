"""Writing files so that a reader never finds half of one."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from pathlib import Path
from typing import TextIO

from tuner.errors import UserError

# What helps against the commonest reasons why a place cannot be written.
HINTS = {
    ENOSPC: "free some space there",
    EDQUOT: "free some space there",
    EROFS: "make its disk writable",
    EACCES: "get the right to write there",
    EPERM: "get the right to write there",
}


def unwritable(error: OSError, where: Path | str) -> UserError:
    """The error of a place that cannot be written."""
    known = HINTS.get(error.errno or 0)
    hint = f"{known}, then run the same command again" if known else "name another place"
    return UserError(f"cannot be written: {error.strerror}", where=str(where), hint=hint)


def make_folder(path: Path) -> None:
    """Makes a folder and those above it, if they are missing.

    Raises:
        UserError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(error, path) from None


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes the content aside and renames it to `path`; folders that are missing are made.

    Raises:
        UserError: the place cannot be written.
    """
    with written_whole(path) as file:
        if isinstance(content, bytes):
            file.buffer.write(content)
        else:
            file.write(content)


@contextmanager
def written_whole(path: Path) -> Iterator[TextIO]:
    """A file to write to, aside; at the end it is renamed to `path`, or left out if something was raised.

    Raises:
        UserError: the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                yield file
            Path(aside).chmod(0o666 & ~_mask())
            Path(aside).replace(path)
        except BaseException:
            Path(aside).unlink()
            raise
    except OSError as error:
        raise unwritable(error, path) from None


def check_folder(path: Path, names: Collection[str]) -> None:
    """Refuses a place where a folder of files with these names can neither be made nor replaced.

    Raises:
        UserError: it is a file, or a folder with other things in it.
    """
    if path.exists() and not path.is_dir():
        raise UserError("there is a file of that name", where=str(path), hint="name another folder")
    others = sorted(one.name for one in path.glob("*") if one.name not in names) if path.exists() else []
    if others:
        fault = f"the folder holds other things already: {', '.join(others[:5])}{', …' if len(others) > 5 else ''}"
        raise UserError(fault, where=str(path), hint="name a new folder, or one that was written so before")


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Writes a folder of files aside and puts it in the place of `path`, whatever folder is there.

    The old folder is moved away once the new one is whole, and comes back if that cannot take its place: a reader finds
    one of them, or for a moment none.

    Raises:
        UserError: the place cannot be written.
    """
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        old = aside.with_suffix(".old")
        try:
            for name, content in files.items():
                (aside / name).write_bytes(content)
            aside.chmod(0o777 & ~_mask())
            if path.exists():
                path.rename(old)
            aside.rename(path)
        except BaseException:
            if old.exists():
                old.rename(path)
            raise
        finally:
            for rest in (aside, old):
                shutil.rmtree(rest, ignore_errors=True)
    except OSError as error:
        raise unwritable(error, path) from None


def _mask() -> int:
    """The mode bits that new files are made without."""
    os.umask(mask := os.umask(0))
    return mask


def display_path(path: Path) -> str:
    """The path as a user would type it: from the working directory if it lies below."""
    path = path.parent.resolve() / path.name
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
