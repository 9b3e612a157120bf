"""`python -m tuner.path`: the regularisation path of one parameter."""

import os
import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.signals import heed_signals
from tuner.terminal import DEFAULT_STORAGE, Storage, new_app, run

if TYPE_CHECKING:
    from rich.console import Console

    from tuner.results.findings import Findings
    from tuner.search.events import Notify

app = new_app()


@app.command()
def main(
    study: Annotated[str, typer.Option(metavar="NAME", help="The study's name in the store.")],
    param: Annotated[str, typer.Option(metavar="PARAMETER", help="The parameter that varies.")],
    points: Annotated[int, typer.Option(min=2, max=1000, help="How many values, spread over its range.")] = 25,
    workers: Annotated[int | None, typer.Option(min=1, help="Local processes; by default one a core.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON objects, one a line, and nothing else.")] = False,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Trains one parameter over its range, all else as in the best trial, on the same folds.

    Points are stored: a second call trains only those that are missing. Ctrl-C loses none that is finished.
    """
    from pathlib import Path

    from rich.console import Console

    from tuner.search.path_training import plan, stored_path, trace
    from tuner.search.study import findings
    from tuner.search.workers import LocalProcesses
    from tuner.storage.store import Store

    started = time.monotonic()
    heed_signals()
    console = Console(quiet=quiet or json, highlight=False)
    workers = workers or len(os.sched_getaffinity(0))
    interrupted = False
    with Store(storage, create=False) as store:
        found = findings(store.open(study))
        planned = plan(found, param, points)
        with _display(found, param, console, json=json) as notify:
            try:
                trace(planned, store, notify, lambda: LocalProcesses(min(workers, len(planned.values))))
            except KeyboardInterrupt:
                interrupted = True
        found = findings(store.open(study))
    path = stored_path(found, param)
    if json:
        from tuner.terminal.printing import path_event, print_json

        print_json(path_event(found, param, path, time.monotonic() - started))
    elif path is not None:
        from tuner.terminal.printing import print_path

        print_path(console, found, path)
    if path is not None and not interrupted:
        from tuner.report.page import write_report

        console.print(f"report: {write_report(found, Path('studies') / study)}", markup=False)
    if interrupted:
        console.print("Stopped; finished points are saved. Run the same command to continue.", style="yellow")
        raise typer.Exit(130)


def _display(found: "Findings", param: str, console: "Console", *, json: bool) -> "AbstractContextManager[Notify]":
    """JSON lines, a bar, plain lines or nothing, whichever is wanted and possible."""
    from tuner.search.events import ignore
    from tuner.terminal.path import JsonPoints, PointBar, PointLines

    if json:
        return nullcontext(JsonPoints(param, found.facts))
    if console.quiet:
        return nullcontext(ignore)
    if console.is_terminal:
        return PointBar(param, found.facts, console)
    return nullcontext(PointLines(param, found.facts, console))


if __name__ == "__main__":
    run(app)
