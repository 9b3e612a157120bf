"""`python -m tuner.dashboard`: optuna-dashboard on the store, with the tuner's figures and verdicts."""

from typing import TYPE_CHECKING, Annotated

import typer

from tuner.signals import heed_signals
from tuner.terminal import DEFAULT_STORAGE, Storage, new_app, run

if TYPE_CHECKING:
    from tuner.results.findings import Findings
    from tuner.search.dashboard import Page

# Pixels that optuna-dashboard has for a figure: what is higher it cuts.
CARD = 450
app = new_app()


@app.command()
def main(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="N", help="Of 127.0.0.1.")] = 8080,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Opens the store to a web browser on this machine, with figures and verdicts, until Ctrl-C.

    Studies that are being run are kept up to date.
    """
    from rich.console import Console

    from tuner.search.dashboard import serve
    from tuner.storage.store import Store

    heed_signals()
    console = Console(highlight=False)
    with Store(storage, create=False) as store:
        serve(store, port, page, lambda address: console.print(f"{address} shows the studies; Ctrl-C ends it"))


def page(findings: "Findings") -> "Page":
    """What the dashboard shows of a study besides Optuna's own."""
    from tuner.report.figures import study_plots
    from tuner.report.note import note
    from tuner.search.dashboard import Page

    figures = {}
    for plot in study_plots(findings):
        for number, figure in enumerate(plot.figures, 1):
            name = f"tuner-{plot.key}" if len(plot.figures) == 1 else f"tuner-{plot.key}-{number}"
            # there each figure stands by itself, and must say what it is, above an axis at the top if it has one
            top = 95 if any(axis.side == "top" for axis in figure.select_xaxes()) else 60
            title = {"text": plot.title, "yref": "container", "y": 0.97, "yanchor": "top"}
            figures[name] = figure.update_layout(title=title, margin={"t": top}, height=CARD)
    return Page(findings.spec.metric.words, figures, note(findings))


if __name__ == "__main__":
    run(app)
