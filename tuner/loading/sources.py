"""The tables of a study: its data files, what is simulated for it, or a series of a public benchmark."""

import re
from collections import Counter
from collections.abc import Collection
from glob import glob
from os.path import commonpath
from pathlib import Path

from tuner.data import nab
from tuner.data.market import DERIVED, LOOKBACK, simulate
from tuner.data.sensors import simulate_sensors
from tuner.errors import UserError, nearest
from tuner.files import display_path
from tuner.reading.opening import open_file, open_frame
from tuner.reading.table import DataTable
from tuner.spec.sections import DataSection, Reading

MARKET, SENSORS = "market", "sensors"


def read_tables(data: DataSection) -> tuple[DataTable, ...]:
    """The tables of a study, by the name of their file or session.

    Raises:
        UserError: there is no such source or file, or a file cannot be read.
    """
    if data.path is not None:
        return _read_files(Path(data.path), data.reading)
    if data.source is not None and data.source.startswith(nab.PREFIX):
        return (nab.read_nab(data.source),)
    if data.source == SENSORS:
        return (open_frame(simulate_sensors(), SENSORS).read(SENSORS),)
    count = _sessions(data.source)
    if count is None:
        hint = nearest(str(data.source), (MARKET, SENSORS, *(nab.PREFIX + name for name in nab.SERIES)))
        raise UserError(f"there is no source `{data.source}`", where="[data] source", hint=hint)
    sessions = [(f"session-{number:02d}", session.bars) for number, session in enumerate(simulate(count), 1)]
    return tuple(open_frame(bars, f"{data.source} {name}").read(name) for name, bars in sessions)


def lookback(data: DataSection, columns: Collection[str]) -> int:
    """The number of rows that values of these columns reach back; of data from elsewhere nobody knows, so 0."""
    if _sessions(data.source) is None:
        return 0
    return LOOKBACK if set(columns) & set(DERIVED) else 0


def _sessions(source: str | None) -> int | None:
    """How many sessions of the market a source is: `market:40` is forty, `market` ten; None of anything else."""
    found = re.fullmatch(rf"{MARKET}(?::([1-9]\d{{0,3}}))?", source or "")
    return None if found is None else int(found[1] or 10)


def _read_files(path: Path, told: Reading) -> tuple[DataTable, ...]:
    try:
        files = _found(path)
    except (OSError, ValueError) as error:  # ValueError: a zero byte
        reason = getattr(error, "strerror", None) or str(error)
        hint = "name a file by its path, or several by a pattern"
        raise UserError(f"this cannot be looked up: {reason}", where=str(path), hint=hint) from None
    stems = Counter(one.stem for one in files)
    common = commonpath([one.parent for one in files])
    names = [one.stem if stems[one.stem] == 1 else one.relative_to(common).as_posix() for one in files]
    return tuple(open_file(file, told).read(name) for file, name in zip(files, names, strict=True))


def _found(path: Path) -> list[Path]:
    """The files that a path or pattern means, at least one, by name."""
    if path.is_dir():
        hint = f'name a file, or several by a pattern such as "{path.name}/*.csv"'
        raise UserError("this is a folder", where=display_path(path), hint=hint)
    # glob.glob rather than Path.glob: it leaves hidden files out, such as the `._x.csv` of archives made on a Mac
    found = [path] if path.exists() else [Path(name) for name in glob(str(path), recursive=True)]  # noqa: PTH207
    files = sorted((one for one in found if one.is_file()), key=lambda one: (one.name, one))
    if not files:
        raise UserError("there is no such file", where=display_path(path), hint=_neighbours(path))
    return files


def _neighbours(path: Path) -> str:
    known = sorted(one.name for one in path.parent.glob("*") if one.is_file())
    return nearest(path.name, known) if known else "is the folder right? paths start from the study file"
