"""`python -m tuner.export`: the chosen configuration of a study, or its network ready to score."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import tomli_w
import typer
import yaml
from rich.console import Console

from tuner.errors import UserError
from tuner.files import write_whole
from tuner.terminal import DEFAULT_STORAGE, Storage, StudyName, execute, new_app

app = new_app()


class Format(StrEnum):
    """The format of a configuration."""

    TOML = "toml"
    JSON = "json"
    YAML = "yaml"


class Choice(StrEnum):
    """The rule that chooses a trial."""

    BEST = "best"
    ONE_SE = "1se"


@app.command()
def main(
    study: StudyName,
    rule: Annotated[
        Choice, typer.Option(help="The best trial, or the strongest regularisation within one standard error of it.")
    ] = Choice.BEST,
    format: Annotated[Format, typer.Option(help="File format.")] = Format.TOML,  # noqa: A002 (the flag's name)
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Output file (default: standard output).")] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Refit the network on all rows; write a folder that can score."),
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Writes the best configuration of a study: parameters, epochs, score, data, seed and versions.

    With --bundle the network too, refitted on all rows: a folder that `python -m tuner.score` scores new rows with.
    """
    if bundle is not None and (out is not None or format is not Format.TOML):
        fault = "a bundle has its configuration in it, as TOML"
        raise UserError(fault, where="--bundle", hint="leave out --out and --format, or give a command of its own")

    from tuner.terminal.actions import export_bundle, read_configuration

    if bundle is not None:
        console, progress = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False)
        export_bundle(study, rule.value, storage, bundle, console, progress)
        return
    text = _written(read_configuration(study, rule.value, storage), format)
    if out is None:
        sys.stdout.write(text)
    else:
        write_whole(out, text)


def _written(values: dict[str, Any], form: Format) -> str:
    match form:
        case Format.TOML:
            return tomli_w.dumps(values)
        case Format.JSON:
            return json.dumps(values, indent=2) + "\n"
        case Format.YAML:
            return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


if __name__ == "__main__":
    execute(app)
