"""`python -m tuner.delete`: takes a study out of the store."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.errors import UserError
from tuner.terminal import DEFAULT_STORAGE, Storage, new_app, run

if TYPE_CHECKING:
    from rich.console import Console

app = new_app()


@app.command()
def main(
    study: Annotated[str, typer.Option(metavar="NAME", help="The study's name in the store.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Deletes a study with all its trials and curves from the store, for good; asks first.

    Its folder in `studies/` stays, and so does its study file.
    """
    if not yes and not sys.stdin.isatty():
        raise UserError("nobody can be asked, as this is no terminal", where=study, hint="add --yes to delete it")

    from rich.console import Console

    from tuner.storage.store import Store

    console = Console(highlight=False)
    with Store(storage, create=False) as store:
        trials = store.open(study).n_told()
        # asked with the lock, so that no run begins what is deleted next
        with store.lock(study):
            if not yes and not _agreed(console, f"Delete the study {study} and its {trials} trials for good? [y/N] "):
                console.print("nothing was deleted")
                return
            store.delete(study)
    folder = Path("studies") / study
    left = f"; its folder stays: {folder}" if folder.exists() else ""
    console.print(f"deleted {study} and its {trials} trials{left}", markup=False)


def _agreed(console: "Console", question: str) -> bool:
    try:
        return console.input(question, markup=False).strip().lower() in ("y", "yes")
    except EOFError:
        return False


if __name__ == "__main__":
    run(app)
