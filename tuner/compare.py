"""`python -m tuner.compare`: studies of the store side by side."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tuner.errors import UserError
from tuner.terminal import DEFAULT_STORAGE, Storage, execute, new_app

app = new_app()


@app.command()
def main(
    studies: Annotated[list[str], typer.Argument(metavar="NAME NAME…", help="Studies of the store, two or more.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a page with figures there.")] = None,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Compares studies: what each found and at what cost, and on equal folds which one is better.

    The others are compared with the first one.
    """
    names = list(dict.fromkeys(studies))
    if len(names) < 2:
        raise UserError("name at least two studies", where="NAME", hint="`tuner status` lists the studies of the store")

    from tuner.terminal.actions import compare_studies

    compare_studies(names, storage, Console(highlight=False), out)


if __name__ == "__main__":
    execute(app)
