"""The output on a terminal, and the exit status that goes with it."""

import io
import os
import re
import sys
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from typing import Annotated

import typer

from tuner.errors import UserError
from tuner.files import unwritable

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")

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
    for stream in (sys.stdout, sys.stderr):
        # a terminal may not know every character; a stream that cannot be set so is left as it is
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError):
                stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except UserError as error:
        print_error(error)
        sys.exit(2)
    except OSError as error:
        if error.errno not in (ENOSPC, EDQUOT):
            raise
        # what is still in the buffer would be written at the exit, in vain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # standard error may go to the same disk
        with suppress(OSError):
            print_error(unwritable(error, error.filename or "standard output or shared memory"))
        sys.exit(2)


def print_error(error: UserError) -> None:
    """Prints an error on standard error: the fault, its place, and how to fix it."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("error:", style="bold red", end=" ")
    # a terminal would obey control characters out of a file
    console.print(CONTROL.sub("?", str(error)), markup=False)
