"""`python -m tuner.demo`: from data to report at once, where overfitting and its cure are plain to see."""

import os
import sys
import webbrowser
from contextlib import closing
from pathlib import Path

import typer
from rich.console import Console

from tuner.signals import heed_signals
from tuner.terminal import DEFAULT_STORAGE, AsJson, Storage, cores, execute, new_app

app = new_app()


@app.command()
def main(json: AsJson = False, storage: Storage = DEFAULT_STORAGE) -> None:
    """Tunes the forecast of a simulated machine, which takes half a minute, and opens the report.

    The study is called demo: all other commands work on it. Run it again to see the same result.
    """
    from tuner.search.workers import LocalProcesses
    from tuner.spec.file import BUILT_IN, read_spec

    heed_signals()
    # never a study file of the same name in the working directory
    path = next(path for folder in BUILT_IN if (path := folder / "demo.toml").exists())
    spec = read_spec(path)
    with closing(LocalProcesses(min(cores(), spec.search.lag))) as backend:
        from tuner.terminal.actions import search_study

        console = Console(quiet=json, highlight=False)
        status = search_study(spec, storage, console, backend, timeout=None, as_json=json)
    if status == 0 and not json and sys.stdout.isatty() and _has_display():
        webbrowser.open(Path("studies", spec.study.name, "report.html").absolute().as_uri())
    raise typer.Exit(status)


def _has_display() -> bool:
    """True where a browser would have a window."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    execute(app)
