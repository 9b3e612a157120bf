"""`python -m tuner.dashboard`: optuna-dashboard on the store, with the tuner's figures and verdicts."""

from typing import Annotated

import typer
from rich.console import Console

from tuner.signals import heed_signals
from tuner.terminal import DEFAULT_STORAGE, Storage, execute, new_app

app = new_app()


@app.command()
def main(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="N", help="Port on 127.0.0.1.")] = 8080,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Shows the studies of the store in a web browser on this machine, with figures and verdicts, until Ctrl-C.

    Studies that are being run are kept up to date.
    """
    from tuner.terminal.actions import serve_dashboard

    heed_signals()
    serve_dashboard(storage, port, Console(highlight=False))


if __name__ == "__main__":
    execute(app)
