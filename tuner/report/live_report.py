"""The report of a study that is being run, written again as it goes on."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import disk_usage
from threading import Event, Thread

from tuner.errors import UserError
from tuner.search.events import Event as Happened
from tuner.search.events import Notify, Repeated, StageAdvanced, Told
from tuner.search.study import findings
from tuner.storage.faults import DATABASE_ERRORS
from tuner.storage.store import Store

# Seconds between two reports.
EVERY = 60.0
# Bytes that a report leaves free on its disk while the study runs.
SPARE = 16 * 2**20
# The last of the reference trials: before it there is nothing to compare.
REFERENCE = 1


@contextmanager
def keep_report(store: Store, study: str, folder: Path, notify: Notify, every: float = EVERY) -> Iterator[Notify]:
    """Passes events on to `notify`, and writes the report after the reference trials, then as often as there is news.

    It is drawn in a thread, so that workers do not wait for it. What cannot be written now is left for the next time,
    or for the end of the run, where it is said.
    """
    news, stop = Event(), Event()

    def draw() -> None:
        news.wait()
        if stop.is_set():
            return
        from tuner.report.page import write_report  # loads plotly, which the first trials need not wait for

        # stopped while it waited, or while the import went on
        while news.wait() and not stop.is_set():
            news.clear()
            # RuntimeError: what is read in memory was being written by the run
            with suppress(*DATABASE_ERRORS, OSError, UserError, RuntimeError):
                # the last space on a disk is the study's
                place = next(place for place in folder.parents if place.exists())
                if disk_usage(place).free > SPARE:
                    write_report(findings(store.open(study)), folder, is_running=True)
            stop.wait(every)

    def pass_on(event: Happened) -> None:
        notify(event)
        if isinstance(event, Repeated | StageAdvanced) or (isinstance(event, Told) and event.number >= REFERENCE):
            news.set()

    thread = Thread(target=draw, daemon=True)
    thread.start()
    try:
        yield pass_on
    finally:
        stop.set()
        news.set()
        thread.join()
