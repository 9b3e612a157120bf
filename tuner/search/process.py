"""The inside of a worker process. Light to import: its coordinator has no need of torch to start it."""

import os
import pickle
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner.search.events import Progressed
    from tuner.search.jobs import Job, Machine, R_co
    from tuner.search.view import KnownTrial
    from tuner.search.worker import Worker

_worker: "Worker | None" = None
_report: "Callable[[Progressed], None]"


def set_up(line: Connection, sign: Connection) -> None:
    """Makes this process a worker, which ends when the lifeline's other end closes.

    Args:
        line: the lifeline.
        sign: where live signs go. A message is far below PIPE_BUF: workers share the pipe without a lock, which a
            killed one would hold for ever.
    """
    global _report
    threading.Thread(target=_end_with, args=(line,), daemon=True).start()
    import tuner.search.worker  # noqa: F401 (so that it is there when the first trial comes)

    _report = sign.send


def look(precision: str) -> "Machine":
    """What this process runs on, with `[train] precision` as it stands in the study file."""
    from tuner.search.environment import environment
    from tuner.search.jobs import Machine
    from tuner.training.precision import resolve_precision, trains_bf16

    return Machine(resolve_precision(precision), trains_bf16(), environment())


def place(placed: bytes) -> None:
    """Takes in a study's `Shared` (pickled)."""
    global _worker
    from tuner.search.worker import Worker

    _worker = Worker(pickle.loads(placed))  # noqa: S301 (from our own parent)


def do(job: "Job[R_co]", news: "Sequence[KnownTrial]") -> "R_co":
    """Does a job, knowing the finished trials that are news too.

    Raises:
        BrokenExecutor: the study could not be taken in.
    """
    if _worker is None:
        raise BrokenExecutor("the worker has no study")
    _worker.learn(news)
    return job.run(_worker, _report)


def _end_with(line: Connection) -> None:
    line.poll(None)
    os._exit(0)
