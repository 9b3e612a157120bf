"""`python -m tuner.init`: writes a study file for a data file, commented, ready to run."""

import re
from collections.abc import Sequence
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuner.errors import UserError
from tuner.terminal import execute, new_app

if TYPE_CHECKING:
    from tuner.data.columns import DataTable
    from tuner.proposal.profile import Profile
    from tuner.proposal.propose import Proposal

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
    from tuner.files import write_whole
    from tuner.spec.sections import DataSection

    tables = read_tables(DataSection(path=str(path)))
    found, chosen, text = propose(tables, study_name(target), Path(relpath(path, target.parent.resolve())).as_posix())
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
    from tuner.files import unwritable

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


def propose(tables: Sequence["DataTable"], name: str, path: str) -> "tuple[Profile, Proposal, str]":
    """The data set's profile, the best study of it that can be run, and its study file.

    Args:
        tables: the data.
        name: of the study.
        path: of the data, as the study file is to say it.

    Raises:
        UserError: the data cannot be used, or do not suffice for any study.
    """
    import tomllib

    from tuner.data.dataset import make_dataset
    from tuner.data.folds import make_problem
    from tuner.proposal.profile import make_profile
    from tuner.proposal.propose import proposals, render_study_file
    from tuner.spec.file import read_spec_dict

    sections: dict[str, Any] = {"study": {"name": name}, "data": {"path": path}}
    missing = ""
    try:
        data = make_dataset(tables, read_spec_dict(sections))
    except UserError as error:
        missing = f"{error.where}: {error.what}"
        sections["data"]["missing"] = "interpolate"
        data = make_dataset(tables, read_spec_dict(sections))
    found = make_profile(data)
    refusal: UserError | None = None
    for chosen in proposals(found):
        text = render_study_file(name, path, found, chosen, missing, refusal.what if refusal else "")
        spec = read_spec_dict(tomllib.loads(text))
        try:
            problem = make_problem(spec, make_dataset(tables, spec))
            problem.folds()
            problem.refit()
        except UserError as error:
            refusal = refusal or error
        else:
            return found, chosen, text
    what = refusal.what if refusal else "nothing to try"
    raise UserError(f"these data cannot be divided into folds: {what}", where=path, hint="more rows are needed")


if __name__ == "__main__":
    execute(app)
