"""`python -m tuner.export`: the chosen configuration of a study, or its network ready to score."""

import os
import sys
from contextlib import closing
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuner.errors import UserError
from tuner.terminal import DEFAULT_STORAGE, Storage, new_app, run

if TYPE_CHECKING:
    from tuner.results.findings import Findings
    from tuner.storage.stored_study import StoredStudy

app = new_app()


class Format(StrEnum):
    """The format of a configuration."""

    TOML = "toml"
    JSON = "json"
    YAML = "yaml"


class Rule(StrEnum):
    """The rule that chooses a trial."""

    BEST = "best"
    ONE_SE = "1se"


@app.command()
def main(
    study: Annotated[str, typer.Option(metavar="NAME", help="The study's name in the store.")],
    rule: Annotated[Rule, typer.Option(help="The best trial, or the most regularised within one SE.")] = Rule.BEST,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TOML,  # noqa: A002 (the flag's name)
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to; standard output by default.")] = None,
    bundle: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Refit it on all rows, and write a folder that can score.")
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Writes the best configuration of a study: parameters, epochs, score, data, seed and versions.

    With --bundle the network too, refitted on all rows: a folder that `python -m tuner.score` scores new rows with.
    """
    from tuner.results.configuration import chosen_configuration
    from tuner.search.study import findings
    from tuner.storage.store import Store

    if bundle is not None:
        _check(bundle, format, out)
    with Store(storage, create=False) as store:
        stored = store.open(study)
        found = findings(stored)
        values = chosen_configuration(found, stored.environment(), rule.value)
        if bundle is not None:
            _bundle(bundle, stored, found, rule, values)
            return
    text = _written(values, format)
    if out is None:
        sys.stdout.write(text)
    else:
        from tuner.files import write_whole

        write_whole(out, text)


def _check(bundle: Path, form: Format, out: Path | None) -> None:
    """Refuses what would be found out only after training."""
    from tuner.bundle.archive import FILES
    from tuner.files import check_folder

    if out is not None or form is not Format.TOML:
        fault = "a bundle has its configuration in it, as TOML"
        raise UserError(fault, where="--bundle", hint="leave out --out and --format, or give a command of its own")
    check_folder(bundle, FILES)


def _bundle(folder: Path, study: "StoredStudy", found: "Findings", rule: Rule, values: dict[str, Any]) -> None:
    """Trains the chosen trial on all rows, and writes the bundle."""
    from rich.console import Console

    from tuner.bundle.archive import bundle_files
    from tuner.files import write_folder
    from tuner.search.bundling import MEMBERS, refit_all
    from tuner.search.events import Event, StageAdvanced, StageBegan
    from tuner.search.workers import LocalProcesses

    progress, done = Console(stderr=True, highlight=False), count(1)
    workers = min(len(os.sched_getaffinity(0)), MEMBERS + 1)
    with closing(LocalProcesses(workers)) as backend:

        def show(event: Event) -> None:
            match event:
                case StageBegan():
                    progress.print(f"training trial {found.chosen(rule.value).trial.number} on all rows", markup=False)
                case StageAdvanced():
                    progress.print(f"network {next(done)} is trained")

        manifest, states = refit_all(study, found, rule.value, backend, show)
    write_folder(folder, bundle_files(manifest, states, _written(values, Format.TOML)))
    name, choice = study.spec.study.name, found.chosen(rule.value)
    limit = "no threshold: no labels" if manifest.threshold is None else f"threshold {manifest.threshold:.3f}"
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{folder}: trial {choice.trial.number} of {name}, {limit}", markup=False)
    networks = f"{len(manifest.members)} networks of {choice.trial.outcome.weights} weights"
    console.print(f"{networks}, refitted on {study.facts.rows:,} rows")
    console.print(f"next: python -m tuner.score --bundle {folder} --data FILE --out FILE", markup=False)


def _written(values: dict[str, Any], form: Format) -> str:
    match form:
        case Format.TOML:
            import tomli_w

            return tomli_w.dumps(values)
        case Format.JSON:
            import json

            return json.dumps(values, indent=2) + "\n"
        case Format.YAML:
            import yaml

            return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


if __name__ == "__main__":
    run(app)
