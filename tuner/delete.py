"""`python -m tuner.delete`: takes a study out of the store."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tuner.errors import UserError
from tuner.terminal import DEFAULT_STORAGE, Storage, StudyName, execute, new_app

app = new_app()


@app.command()
def main(
    study: StudyName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Deletes a study with all its trials and curves from the store, for good; asks first.

    Its folder in `studies/` and its study file remain.
    """
    if not yes and not sys.stdin.isatty():
        raise UserError("deleting needs a confirmation, and this is no terminal", where=study, hint="add --yes")

    from tuner.storage.store import Store

    console = Console(highlight=False)
    with Store(storage, create=False) as store:
        trials = store.open(study).n_told()
        # asked with the lock, so that no run begins what is deleted next
        with store.lock(study):
            if not yes and not _agreed(console, f"Delete study {study} and its {trials} trials for good? [y/N] "):
                console.print("Nothing was deleted.")
                return
            store.delete(study)
    folder = Path("studies") / study
    left = f" Its folder remains: {folder}" if folder.exists() else ""
    console.print(f"Deleted {study} and its {trials} trials.{left}", markup=False)


def _agreed(console: Console, question: str) -> bool:
    try:
        return console.input(question, markup=False).strip().lower() in ("y", "yes")
    except EOFError:
        return False


if __name__ == "__main__":
    execute(app)
