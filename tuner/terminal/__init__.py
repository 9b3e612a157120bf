"""All that is said on a terminal, and the exit status that goes with it."""

import sys
from typing import Annotated

import typer

from tuner.errors import UserError

DEFAULT_STORAGE = "sqlite:///studies/studies.db"

Storage = Annotated[
    str,
    typer.Option("--storage", metavar="URL", envvar="TUNER_STORAGE", help="The store, as a SQLAlchemy URL."),
]


def new_app() -> typer.Typer:
    """An application of one command."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


def run(app: typer.Typer) -> None:
    """Runs a command: exit status 0 done, 2 the user can mend it (one message), 130 interrupted, 1 a defect."""
    try:
        app()
    except UserError as error:
        print_error(error)
        sys.exit(2)


def print_error(error: UserError) -> None:
    """What is wrong, where, and how to mend it, on standard error."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("error:", style="bold red", end=" ")
    console.print(str(error), markup=False)
