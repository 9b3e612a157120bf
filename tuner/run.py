"""`python -m tuner.run`: runs or continues a study."""

import os
import time
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.errors import UserError
from tuner.signals import heed_signals
from tuner.terminal import DEFAULT_STORAGE, Storage, new_app, run

if TYPE_CHECKING:
    from rich.console import Console

    from tuner.results.findings import Findings
    from tuner.search.events import Notify
    from tuner.search.study import Prepared
    from tuner.search.workers import Backend
    from tuner.spec.sections import Spec

app = new_app()


@app.command()
def main(
    study: Annotated[str, typer.Option(help="A name (studies/NAME.toml), or a path to a study file.")],
    trials: Annotated[int | None, typer.Option(min=1, help="The total of trials that the study shall have.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Local processes; by default one a core.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Train on the workers of this Dask scheduler.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(min=0, metavar="SECONDS", help="Stop after this time.")] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a key of the study file.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON objects, one a line, and nothing else.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only say what would be done.")] = False,
    replay: Annotated[int | None, typer.Option(min=0, metavar="N", help="Train trial N again, and compare.")] = None,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Searches how strongly an LSTM should be regularised; continues the study if it has begun.

    Ctrl-C stops a run without losing a finished trial; the same command continues.
    """
    from rich.console import Console

    from tuner.spec.file import read_spec, study_path

    started = time.monotonic()
    heed_signals()
    totals = [] if trials is None else [f"study.trials={trials}"]
    spec = read_spec(study_path(study), [*(override or []), *totals])
    console = Console(quiet=quiet or json, highlight=False)
    workers = workers or len(os.sched_getaffinity(0))
    if check:
        from tuner.terminal.check import print_check

        print_check(_prepare(spec, console), workers, console=console, as_json=json)
        return
    if replay is not None:
        raise typer.Exit(_replay(spec, storage, replay, console, as_json=json))
    with closing(_backend(workers, cluster)) as backend:
        from tuner.results.advice import advise_before

        prepared = _prepare(spec, console)
        for warning in advise_before(spec, prepared.facts):
            console.print(f"warning: {warning}", style="yellow", markup=False)
        if workers > spec.search.lag and cluster is None:
            console.print(f"note: at most {spec.search.lag} of {workers} workers can be busy: `[search] lag` is so")
        found, interrupted = _search(prepared, storage, console, backend, timeout=timeout, json=json)
    if json:
        from tuner.terminal.printing import print_json, result_event

        print_json(result_event(found, time.monotonic() - started))
    else:
        from tuner.terminal.printing import print_result

        print_result(console, found)
    folder = Path("studies") / spec.study.name
    if found.summary.best is not None and not interrupted:
        from tuner.report.page import write_report

        console.print(f"report: {write_report(found, folder)}", markup=False)
        console.print(f"next: python -m tuner.export --study {spec.study.name}", markup=False)
    if interrupted:
        console.print("Stopped; finished trials are saved. Run the same command to continue.", style="yellow")
        raise typer.Exit(130)


def _backend(workers: int, cluster: str | None) -> "Backend":
    """The backend that trains trials; local workers start to import what they need at once."""
    if cluster is None:
        from tuner.search.workers import LocalProcesses

        return LocalProcesses(workers)
    try:
        from tuner.search.dask import DaskCluster
    except ImportError:
        raise UserError("Dask is not installed", where="--cluster", hint='pip install "tuner[cluster]"') from None
    return DaskCluster(cluster)


def _prepare(spec: "Spec", console: "Console") -> "Prepared":
    """Loads the data, and says what was mended."""
    from rich.markup import escape

    with console.status(escape(f"loading {spec.data_paths}")):
        from tuner.search.study import prepare

        prepared = prepare(spec)
    for note in prepared.data.notes:
        console.print(f"note: {note}", markup=False)
    return prepared


def _replay(spec: "Spec", storage: str, number: int, console: "Console", *, as_json: bool) -> int:
    """Trains one trial again and says how it compares; 0 if it is bit-identical, else 1."""
    from tuner.search.replay import replay
    from tuner.storage.store import Store
    from tuner.terminal.printing import print_json, print_replay

    with Store(storage, create=False) as store:
        study = store.open(spec.study.name)
        # as it was run, but for where the data lie now
        prepared = _prepare(study.spec.model_copy(update={"data": spec.data}), console)
        compared = replay(prepared, study, number)
    if as_json:
        print_json({"event": "replay", **asdict(compared)})
    else:
        print_replay(console, compared)
    return 0 if compared.identical else 1


def _search(
    prepared: "Prepared",
    storage: str,
    console: "Console",
    backend: "Backend",
    *,
    timeout: float | None,
    json: bool,
) -> "tuple[Findings, bool]":
    """Runs the study; what the store then holds of it, and whether it was interrupted."""
    from tuner.search.study import findings
    from tuner.search.study import run as search
    from tuner.storage.store import Store

    interrupted = False
    with Store(storage, create=True) as store:
        with _display(prepared, console, json=json) as notify:
            try:
                search(prepared, store, notify, backend, timeout=timeout)
            except KeyboardInterrupt:
                interrupted = True
        return findings(store.open(prepared.spec.study.name)), interrupted


def _display(prepared: "Prepared", console: "Console", *, json: bool) -> "AbstractContextManager[Notify]":
    """JSON lines, a live display, plain lines or nothing, whichever is wanted and possible."""
    from tuner.search.events import ignore
    from tuner.terminal.progress import JsonLines, LiveDisplay, PlainLines

    if json:
        return nullcontext(JsonLines())
    if console.quiet:
        return nullcontext(ignore)
    return (
        LiveDisplay(prepared.spec, console) if console.is_terminal else nullcontext(PlainLines(prepared.spec, console))
    )


if __name__ == "__main__":
    run(app)
