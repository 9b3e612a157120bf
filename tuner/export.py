"""`python -m tuner.export`: the chosen configuration of a study, or its networks in a form that scores rows."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
import typer
import yaml
from rich.console import Console

from tuner.errors import UserError
from tuner.files import write_whole
from tuner.terminal import DEFAULT_STORAGE, Storage, StudyName, execute, new_app

app = new_app()
WRITERS: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "toml": tomli_w.dumps,
    "json": lambda values: json.dumps(values, indent=2) + "\n",
    "yaml": lambda values: str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True)),
}


@app.command()
def main(
    study: StudyName,
    rule: Annotated[
        Literal["shipped", "best", "1se"],
        typer.Option(
            help="shipped: the best trial if it is clearly better than the defaults, else these; best: the best trial; "
            "1se: the strongest regularisation within one standard error of it."
        ),
    ] = "shipped",
    format: Annotated[  # noqa: A002 (the flag's name)
        Literal["toml", "json", "yaml", "pytorch", "onnx"],
        typer.Option(help="File format; pytorch and onnx write the network, refitted on all rows."),
    ] = "toml",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Output file (default: standard output).")] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Refit the network on all rows; write a folder that can score."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a network that was written before.")] = False,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Writes the best configuration of a study: parameters, epochs, score, data, seed and versions.

    With --bundle the network too, refitted on all rows: a folder that `python -m tuner.score` scores new rows with.
    --format pytorch writes it as a Python file that needs torch alone, its weights beside it; --format onnx as a graph
    from raw rows to forecasts or scores.
    """
    if bundle is not None and (out is not None or format != "toml"):
        fault = "a bundle has its configuration in it, as TOML"
        raise UserError(fault, where="--bundle", hint="leave out --out and --format, or give a command of its own")
    is_network = format in ("pytorch", "onnx")
    if is_network and out is None:
        name = "model.py" if format == "pytorch" else "model.onnx"
        raise UserError("networks are written to a file", where=f"--format {format}", hint=f"add --out {name}")

    place = out if is_network else bundle
    if place is not None:
        from tuner.terminal.exports import export_networks  # loads torch

        form = format if is_network else "bundle"
        console, progress = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False)
        export_networks(study, rule, storage, form, place, console, progress, force=force)
        return

    from tuner.terminal.actions import read_configuration

    text = WRITERS[format](read_configuration(study, rule, storage))
    if out is None:
        sys.stdout.write(text)
    else:
        write_whole(out, text)


if __name__ == "__main__":
    execute(app)
