"""`python -m tuner.path`: the regularisation path of one parameter."""

from typing import Annotated

import typer
from rich.console import Console

from tuner.signals import heed_signals
from tuner.terminal import DEFAULT_STORAGE, AsJson, Quiet, Storage, StudyName, Workers, cores, execute, new_app

app = new_app()


@app.command()
def main(
    study: StudyName,
    param: Annotated[str, typer.Option(metavar="PARAMETER", help="The parameter that varies.")],
    points: Annotated[int, typer.Option(min=2, max=1000, help="How many values, spread over its range.")] = 25,
    workers: Workers = None,
    quiet: Quiet = False,
    json: AsJson = False,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Trains one parameter over its range, all else as in the best trial, on the same folds.

    Points are stored: a second call trains only those that are missing. Ctrl-C loses none that is finished.
    """
    from tuner.terminal.actions import trace_path

    heed_signals()
    console = Console(quiet=quiet or json, highlight=False)
    raise typer.Exit(trace_path(study, param, points, storage, console, workers=workers or cores(), as_json=json))


if __name__ == "__main__":
    execute(app)
