"""`python -m tuner.init`: writes a study file for a data file, commented, ready to run."""

import re
from os.path import relpath
from pathlib import Path
from typing import Annotated

import typer

from tuner.errors import UserError
from tuner.files import unwritable, write_whole
from tuner.terminal import execute, new_app

app = new_app()


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
) -> None:
    """Writes a study file for a data file, commented, ready to run."""
    if len(data) > 1:
        hint = 'put a pattern in quotes, so that the shell leaves it alone: "folder/*.csv"'
        raise UserError(f"{len(data)} names were given instead of one", where="DATA", hint=hint)
    if re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", data[0]):
        raise UserError("the name of the file holds characters that are no text", where="DATA", hint="rename it")
    path = Path(data[0]).parent.resolve() / Path(data[0]).name
    target = Path("studies", f"{study_name(path)}.toml") if out is None else out
    if target.suffix != ".toml":
        raise UserError("a study file ends in .toml", where=str(target), hint=f"--out {target}.toml")
    if not force and _exists(target):
        raise UserError("the study file already exists", where=str(target), hint="use --force or --out FILE")

    from tuner.data.sources import read_tables
    from tuner.proposal.propose import propose_study
    from tuner.spec.sections import DataSection

    tables = read_tables(DataSection(path=str(path)))
    found, chosen, text = propose_study(
        tables, study_name(target), Path(relpath(path, target.parent.resolve())).as_posix()
    )
    write_whole(target, text)
    usual = target == Path("studies", f"{target.stem}.toml")
    for line in (
        found,
        *found.notes,
        chosen,
        f"Wrote {target}. Each choice is explained in its comments.",
        f"Next: python -m tuner.run --study {target.stem if usual else target}",
    ):
        typer.echo(line)


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
