"""`python -m tuner.init`: writes a study file for a data file, commented, ready to run."""

import json
import re
from os.path import relpath
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuner.errors import UserError
from tuner.files import unwritable, write_whole
from tuner.terminal import execute, new_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuner.data.folds import Problem
    from tuner.proposal.pace import Pace
    from tuner.spec.sections import DataSection, Spec

app = new_app()

Names = list[str] | None
FLAGS = {"time", "label", "anomalous", "series", "target", "features", "decimal", "delimiter", "dates", "missing_marks"}
FLAGS |= {"names", "encoding"}  # keys of [data]
WORKERS = 2  # that the time of a large study is told for
MORE = "Repeat it for several."


@app.command()
def main(
    data: Annotated[
        list[str], typer.Argument(metavar="DATA", help="A CSV or Parquet file, or several by a pattern in quotes.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The study file; by default studies/NAME.toml, named after DATA."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a study file of this name.")] = False,
    time: Annotated[Names, typer.Option(metavar="COLUMN", help='The time, or a part of it; "": none.')] = None,
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help='Which rows are anomalous; "": none.')] = None,
    anomalous: Annotated[Names, typer.Option(metavar="VALUE", help=f"Of the label, means so. {MORE}")] = None,
    series: Annotated[str | None, typer.Option(metavar="COLUMN", help="Tells the series of one file apart.")] = None,
    target: Annotated[Names, typer.Option(metavar="COLUMN", help=f"A column to forecast. {MORE}")] = None,
    features: Annotated[Names, typer.Option(metavar="COLUMN", help=f"A column to learn from. {MORE}")] = None,
    decimal: Annotated[str | None, typer.Option(metavar="MARK", help="The decimal mark: . or ,")] = None,
    delimiter: Annotated[str | None, typer.Option(metavar="CHARACTER", help="What divides values.")] = None,
    day_first: Annotated[bool, typer.Option("--day-first", help="1/2/2024 is in February.")] = False,
    month_first: Annotated[bool, typer.Option("--month-first", help="1/2/2024 is in January.")] = False,
    missing_marks: Annotated[Names, typer.Option(metavar="MARK", help=f"A value that means missing. {MORE}")] = None,
    names: Annotated[Names, typer.Option(metavar="NAME", help=f"Of a column, if the file names none. {MORE}")] = None,
    encoding: Annotated[str | None, typer.Option(metavar="NAME", help="Of a text that is not UTF-8.")] = None,
) -> None:
    """Writes a study file for a data file, commented, ready to run."""
    told: dict[str, Any] = {key: value for key, value in locals().items() if key in FLAGS and value is not None}
    if len(data) > 1:
        hint = 'put a pattern in quotes, so that the shell leaves it alone: "folder/*.csv"'
        raise UserError(f"{len(data)} names were given instead of one", where="DATA", hint=hint)
    if re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", data[0]):
        raise UserError("the name of the file holds characters that are no text", where="DATA", hint="rename it")
    if day_first and month_first:
        raise UserError("dates begin with the day or with the month", where="--day-first", hint="name one of the two")
    path = Path(data[0]).parent.resolve() / Path(data[0]).name
    target_file = Path("studies", f"{study_name(path)}.toml") if out is None else out
    if target_file.suffix != ".toml":
        raise UserError("a study file ends in .toml", where=str(target_file), hint=f"--out {target_file}.toml")
    if not force and _exists(target_file):
        raise UserError("the study file already exists", where=str(target_file), hint="use --force or --out FILE")
    told |= {"time": ""} if time == [""] else {}
    told |= {"dates": "day-first" if day_first else "month-first"} if day_first or month_first else {}
    try:
        _propose(path, target_file, told)
    except UserError as error:
        raise UserError(as_flags(error.what), where=as_flags(error.where), hint=as_flags(error.hint)) from None


def _propose(path: Path, target: Path, keys: dict[str, Any]) -> None:
    from tuner.loading.sources import read_tables
    from tuner.proposal.overview import describe_columns
    from tuner.proposal.propose import propose_study
    from tuner.spec.file import read_spec_dict

    name = study_name(target)
    told: DataSection = read_spec_dict({"study": {"name": name}, "data": {**keys, "path": str(path)}}).data
    tables = read_tables(told)
    here = _seen_from(target.parent.resolve(), path)
    found, chosen, pace, text = propose_study(tables, name, told.model_copy(update={"path": here}), _timed)
    write_whole(target, text)
    usual = target == Path("studies", f"{target.stem}.toml")
    for line in (
        describe_columns(tables[0], found),
        str(found),
        *map(as_flags, found.notes),
        *(f"warning: {as_flags(warning)}" for warning in found.warnings),
        str(chosen),
        *([] if pace.seconds is None else [_said(pace)]),
        f"Wrote {target}. Each choice is explained in its comments.",
        f"Next: python -m tuner.run --study {target.stem if usual else target}",
    ):
        typer.echo(line)


def _timed(spec: "Spec", problem: "Problem") -> "Callable[[int, int], float]":
    """The seconds that a study takes with `WORKERS`, about, by its trials and its stride."""
    from tuner.terminal.estimate import time_study  # loads torch
    from tuner.training.machine import probe

    return time_study(spec, problem, probe(spec, problem.features.shape[1]).precision, WORKERS)


def _said(pace: "Pace") -> str:
    from tuner.terminal.display import duration

    kept = f"a window every {pace.stride} rows (`[task] stride`), " if pace.stride > 1 else ""
    return (
        f"Time: {kept}{pace.trials} trials (`[study] trials`), about {duration(pace.seconds or 0)} on {WORKERS} cores."
    )


def as_flags(text: str) -> str:
    """A message on keys of [data] with the flags in their place: there is no study file yet."""

    def flags(match: re.Match[str]) -> str:
        values = json.loads(match[2])
        one = [values] if isinstance(values, str) else values
        return "`" + " ".join(f"{_flag(match[1])} {quote(value)}" for value in one) + "`"

    text = re.sub(r"set `\[data\] dates` to .*", "use --day-first or --month-first", text)
    text = re.sub(r'`\[data\] (\w+) = (\[.*?\]|".*?")`', flags, text)
    text = re.sub(r'set `\[data\] (\w+)` to (".*?")', flags, text)
    return re.sub(r"`?\[data\] (\w+)`?", lambda match: _flag(match[1]), text)


def _flag(key: str) -> str:
    return f"--{key.replace('_', '-')}" if key in FLAGS else f"`[data] {key}`"


def _seen_from(folder: Path, path: Path) -> str:
    """The path as seen from a folder; whole where it is on another drive of Windows."""
    try:
        return Path(relpath(path, folder)).as_posix()
    except ValueError:
        return path.as_posix()


def _exists(target: Path) -> bool:
    try:
        return target.exists()
    except OSError as error:  # such as a name that is too long
        raise unwritable(error, target) from None


def study_name(path: Path) -> str:
    """A study's name made of a file's: for a pattern of what is fixed in it, or else of its folder's."""
    for word in (path.stem, path.parent.name):
        if name := re.sub(r"[^A-Za-z0-9_.-]+", "-", word).strip("-_.")[:64]:
            return name
    return "study"


if __name__ == "__main__":
    execute(app)
