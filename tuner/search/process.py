"""The inside of a worker process. Light to import: its parent can hand the data over at once, not only after torch."""

import os
import pickle
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner.search.replica import Finished
    from tuner.search.worker import Progress, Result, Task, Worker

_worker: "Worker"
_report: "Callable[[Progress], None]"


def set_up(placed: bytes, line: Connection, sign: Connection) -> None:
    """Makes this process a worker on the study in `placed` (pickled), which ends when the lifeline's other end closes.

    Args:
        placed: a `Placed`.
        line: the lifeline.
        sign: where live signs go. A message is far below PIPE_BUF: workers share the pipe without a lock, which a
            killed one would hold for ever.
    """
    global _worker, _report
    threading.Thread(target=_end_with, args=(line,), daemon=True).start()
    from tuner.search.worker import Worker

    _worker, _report = Worker(pickle.loads(placed)), sign.send  # noqa: S301 (from our own parent)


def train(task: "Task", news: "Sequence[Finished]") -> "Result":
    """Trains a trial, knowing the finished ones that are news too."""
    _worker.learn(news)
    return _worker.train(task, _report)


def _end_with(line: Connection) -> None:
    line.poll(None)
    os._exit(0)
