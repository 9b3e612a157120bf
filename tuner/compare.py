"""`python -m tuner.compare`: studies of the store side by side."""

from pathlib import Path
from typing import Annotated

import typer

from tuner.errors import UserError
from tuner.terminal import DEFAULT_STORAGE, Storage, new_app, run

app = new_app()


@app.command()
def main(
    studies: Annotated[list[str], typer.Argument(metavar="NAME NAME…", help="Studies of the store, two or more.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a page with figures there.")] = None,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Compares studies: what each found and at what cost, and on equal folds which one is better.

    The first one is what the others are measured against.
    """
    from rich.console import Console

    names = list(dict.fromkeys(studies))
    if len(names) < 2:
        raise UserError("it takes two studies to compare", where="NAME", hint="name another one of the store")

    from tuner.search.study import findings
    from tuner.storage.store import Store

    with Store(storage, create=False) as store:
        found = [findings(store.open(name)) for name in names]

    from tuner.report.tables import comparison_table
    from tuner.results.fold_pairs import remarks
    from tuner.terminal.printing import print_table

    if out is not None:
        from tuner.files import write_whole
        from tuner.report.comparison import comparison_page

        write_whole(out, comparison_page(found))
    console = Console(highlight=False)
    print_table(console, comparison_table(found))
    for remark in remarks(found):
        console.print(remark, markup=False)
    if out is not None:
        console.print(f"written: {out}", markup=False)


if __name__ == "__main__":
    run(app)
