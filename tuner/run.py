"""`python -m tuner.run`: runs or continues a study."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tuner.errors import UserError
from tuner.signals import heed_signals
from tuner.terminal import DEFAULT_STORAGE, AsJson, Quiet, Storage, Workers, cores, execute, new_app

if TYPE_CHECKING:
    from tuner.search.workers import Backend

app = new_app()


@app.command()
def main(
    study: Annotated[str, typer.Option(help="A name (studies/NAME.toml), or a path to a study file.")],
    trials: Annotated[
        int | None, typer.Option(min=1, help="Total number of trials; raise it to continue a finished study.")
    ] = None,
    workers: Workers = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Train on the workers of this Dask scheduler.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(min=0, metavar="SECONDS", help="Stop after this time.")] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a key of the study file.")
    ] = None,
    quiet: Quiet = False,
    json: AsJson = False,
    check: Annotated[bool, typer.Option("--check", help="Dry run: show the plan and a time estimate.")] = False,
    replay: Annotated[int | None, typer.Option(min=0, metavar="N", help="Train trial N again, and compare.")] = None,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Searches how strongly an LSTM should be regularised; continues the study if it has begun.

    Ctrl-C stops a run without losing a finished trial; run the same command to continue.
    """
    from tuner.spec.file import read_spec, study_path

    heed_signals()
    totals = [] if trials is None else [f"study.trials={trials}"]
    spec = read_spec(study_path(study), [*(override or []), *totals])
    console = Console(quiet=quiet or json, highlight=False)
    workers = workers or cores()
    if check or replay is not None:
        from tuner.terminal.actions import check_study, replay_trial

        if replay is None:
            raise typer.Exit(check_study(spec, console, workers=workers, as_json=json))
        raise typer.Exit(replay_trial(spec, storage, replay, console, as_json=json))
    if workers > spec.search.lag and cluster is None:
        console.print(f"note: only {spec.search.lag} of {workers} workers can be busy at a time (`[search] lag`)")
    with closing(_backend(workers, cluster)) as backend:
        from tuner.terminal.actions import search_study

        raise typer.Exit(search_study(spec, storage, console, backend, timeout=timeout, as_json=json))


def _backend(workers: int, cluster: str | None) -> "Backend":
    """The backend that trains trials; local workers import what they need while this process does."""
    if cluster is None:
        from tuner.search.workers import LocalProcesses

        return LocalProcesses(workers)
    try:
        from tuner.search.dask import DaskCluster
    except ImportError:
        raise UserError("Dask is not installed", where="--cluster", hint='pip install "lstm-tuner[cluster]"') from None
    return DaskCluster(cluster)


if __name__ == "__main__":
    execute(app)
