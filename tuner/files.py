"""Writing files so that a reader never finds half of one."""

import os
import tempfile
from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from pathlib import Path

from tuner.errors import UserError

# What helps against the commonest reasons why a place cannot be written.
MENDS = {
    ENOSPC: "make room there",
    EDQUOT: "make room there",
    EROFS: "make its disk writable",
    EACCES: "get the right to write there",
    EPERM: "get the right to write there",
}


def unwritable(error: OSError, where: Path | str) -> UserError:
    """What is said of a place that cannot be written."""
    mend = f"{MENDS[error.errno]}, then give the same command again" if error.errno in MENDS else ""
    return UserError(f"cannot be written: {error.strerror}", where=str(where), mend=mend)


def make_folder(path: Path) -> None:
    """Makes a folder and those above it, if they are missing.

    Raises:
        UserError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(error, path) from None


def write_whole(path: Path, text: str) -> None:
    """Writes the text aside and renames it to `path`; folders that are missing are made.

    Raises:
        UserError: the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.umask(mask := os.umask(0))
            Path(aside).chmod(0o666 & ~mask)
            Path(aside).replace(path)
        except BaseException:
            Path(aside).unlink()
            raise
    except OSError as error:
        raise unwritable(error, path) from None
