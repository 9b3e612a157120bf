"""`python -m tuner.export`: the chosen configuration of a study."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tuner.terminal import DEFAULT_STORAGE, Storage, new_app, run

app = new_app()


class Format(StrEnum):
    """How a configuration is written."""

    TOML = "toml"
    JSON = "json"
    YAML = "yaml"


class Rule(StrEnum):
    """Which trial is chosen."""

    BEST = "best"
    ONE_SE = "1se"


@app.command()
def main(
    study: Annotated[str, typer.Option(metavar="NAME", help="The study's name in the store.")],
    rule: Annotated[Rule, typer.Option(help="The best trial, or the most regularised within one SE.")] = Rule.BEST,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TOML,  # noqa: A002 (the flag's name)
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to; standard output by default.")] = None,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Writes the best configuration of a study: parameters, epochs, score, data, seed and versions."""
    from tuner.search.export import configuration
    from tuner.search.store import Store
    from tuner.search.study import findings

    with Store(storage, create=False) as store:
        stored = store.open(study)
        values = configuration(findings(stored), stored.environment(), rule.value)
    text = _written(values, format)
    if out is None:
        sys.stdout.write(text)
    else:
        from tuner.files import write_whole

        write_whole(out, text)


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
