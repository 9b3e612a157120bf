"""Writing files so that a reader never finds half of one."""

import os
import tempfile
from pathlib import Path

from tuner.errors import UserError


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
        raise UserError(f"cannot be written: {error.strerror}", where=str(path)) from None
