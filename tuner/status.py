"""`python -m tuner.status`: the studies of the store at a glance."""

from typing import Annotated

import typer
from rich.console import Console

from tuner.terminal import DEFAULT_STORAGE, Storage, execute, new_app

app = new_app()


@app.command()
def main(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object per study, one per line.")] = False,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Lists the studies of the store: trials, best value, whether they are running, last change.

    It only reads, and does not disturb a study that is running.
    """
    from tuner.storage.study_status import read_statuses
    from tuner.terminal.printing import print_json, print_statuses, status_event

    found = read_statuses(storage)
    if as_json:
        for one in found:
            print_json(status_event(one))
    else:
        print_statuses(Console(highlight=False), found)


if __name__ == "__main__":
    execute(app)
