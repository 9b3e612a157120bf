"""The studies of a store, as a table for people and as JSON objects for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tuner.storage.study_status import Status


def status_event(status: Status) -> dict[str, Any]:
    """A line of `--json`."""
    best = None if status.best is None else dict(zip(("trial", "value"), status.best, strict=True))
    return {
        "event": "study",
        "study": status.study,
        "trials": status.trials,
        "wanted": status.wanted,
        "complete": status.complete,
        "pruned": status.pruned,
        "failed": status.failed,
        "metric": status.metric,
        "best": best,
        "running": None if status.holder is None else asdict(status.holder),
        "changed": status.changed.isoformat(timespec="seconds"),
    }


def print_statuses(console: Console, statuses: Sequence[Status]) -> None:
    """A table of the studies, then who runs those that are running."""
    if not statuses:
        console.print("No studies yet: python -m tuner.run --study anomaly begins one.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("study", overflow="fold")
    for column in ("trials", "best so far", "last change"):
        table.add_column(column, no_wrap=True)
    for status in statuses:
        table.add_row(Text(status.study), _trials(status), _best(status), _changed(status))
    console.print(table)
    for status in statuses:
        if status.holder is not None:
            console.print(f"{status.study} is being run by {status.holder}", markup=False)


def _trials(status: Status) -> str:
    ended = {"complete": status.complete, "pruned": status.pruned}
    lines = [f"{status.trials} of {status.wanted}", ", ".join(f"{n} {state}" for state, n in ended.items() if n)]
    return "\n".join(filter(None, [*lines, f"{status.failed} failed" if status.failed else ""]))


def _best(status: Status) -> str:
    metric = status.metric.replace("_", " ")
    if status.best is None:
        return f"none yet\n{metric}"
    number, value = status.best
    return f"{value:.4f}, trial {number}\n{metric}"


def _changed(status: Status) -> Text:
    when = Text(f"{status.changed.astimezone():%Y-%m-%d %H:%M}")
    return when if status.holder is None else when.append("\nrunning", style="green")
