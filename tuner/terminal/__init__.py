"""The output on a terminal, and the exit status that goes with it."""

import io
import os
import re
import sys
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from typing import Annotated

import typer
from rich.console import Console

from tuner.errors import UserError
from tuner.files import unwritable
from tuner.results.commands import DEFAULT_STORAGE as DEFAULT_STORAGE

# Exit statuses besides 0, done, and 1, a defect.
MISTAKE, INTERRUPTED = 2, 130
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")

# Options that several commands have.
Storage = Annotated[
    str,
    typer.Option("--storage", metavar="URL", envvar="TUNER_STORAGE", help="The store, as a SQLAlchemy URL."),
]
StudyName = Annotated[str, typer.Option("--study", metavar="NAME", help="Name of the study in the store.")]
Workers = Annotated[int | None, typer.Option(min=1, max=1024, help="Worker processes (default: one per core).")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON objects, one per line, and nothing else.")]


def new_app() -> typer.Typer:
    """An application of one command."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # where a process can be tied to some
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def execute(app: typer.Typer) -> None:
    """Runs a command: exit status 0 done, 2 the user can correct it (one message), 130 interrupted, 1 a defect."""
    for stream in (sys.stdout, sys.stderr):
        # a terminal may not know every character; a stream that cannot be set so is left as it is
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError):
                stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except UserError as error:
        print_error(error)
        sys.exit(MISTAKE)
    except OSError as error:
        if error.errno not in (ENOSPC, EDQUOT):
            raise
        # what is still in the buffer would be written at the exit, in vain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # standard error may go to the same disk
        with suppress(OSError):
            print_error(unwritable(error, error.filename or "standard output or shared memory"))
        sys.exit(MISTAKE)


def print_error(error: UserError) -> None:
    """Prints what is wrong, where, and how to correct it, on standard error."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("error:", style="bold red", end=" ")
    # a terminal would obey control characters out of a file
    console.print(CONTROL.sub("?", str(error)), markup=False)
