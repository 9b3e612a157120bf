"""optuna-dashboard on the store, with our figures and a note beside its own, kept up to date while runs go on."""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from socketserver import ThreadingMixIn
from threading import Event, Thread
from typing import Any
from warnings import catch_warnings, simplefilter
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna
import optuna_dashboard
from optuna.exceptions import ExperimentalWarning

from tuner.errors import UserError
from tuner.results.findings import Findings
from tuner.search.study import findings
from tuner.storage.faults import DATABASE_ERRORS
from tuner.storage.store import Store
from tuner.storage.study_status import statuses

HOST = "127.0.0.1"
# Seconds between two looks for news; and how many times longer than a look took the next one waits.
EVERY, REST = 2.0, 5
# How far a dashboard steps back for the runs on its machine.
NICE = 5
# SHA-256 of the note that was written last: one that differs is a person's, and stays.
OWN_NOTE = "tuner:note"


@dataclass(frozen=True)
class LivePage:
    """Additions to Optuna's own view of a study: plotly Figures by their ids, and a note in Markdown."""

    metric: str
    figures: Mapping[str, Any]
    note: str


Draw = Callable[[Findings], LivePage]


def serve(store: Store, port: int, draw: Draw, announce: Callable[[str], None]) -> None:
    """Serves the dashboard on this machine's loopback until it is interrupted.

    Args:
        store: of the studies. Of a running study only what belongs to the dashboard is written, in short commits.
        port: to listen on.
        draw: what a study shows.
        announce: is told the address when it can be opened.

    Raises:
        UserError: the port cannot be used.
        KeyboardInterrupt: as it came in.
    """
    app = optuna_dashboard.wsgi(store.storage)
    looked, stop = Event(), Event()

    def serve_it(environ: Any, start: Any) -> Any:  # noqa: ANN401 (WSGI's, as optuna-dashboard leaves them)
        looked.set()
        return app(environ, start)

    try:
        server = make_server(HOST, port, serve_it, server_class=_Server, handler_class=_Quiet)
    except OSError as error:
        raise UserError(
            f"the port {port} cannot be used: {error.strerror}", where="--port", hint=f"name another: --port {port + 1}"
        ) from None
    if sys.platform != "win32":
        os.nice(NICE)
    keeper = Thread(target=_keep_up, args=(store, draw, looked, stop), daemon=True)
    keeper.start()
    try:
        announce(f"http://{HOST}:{port}/")
        server.serve_forever()
    finally:
        stop.set()
        looked.set()
        server.server_close()
        keeper.join()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 (the name it has)


def _keep_up(store: Store, draw: Draw, looked: Event, stop: Event) -> None:
    """Draws what is new as long as somebody looks: an open page asks for news by itself."""
    shown: dict[str, tuple[int, datetime]] = {}
    pause = 0.0
    while not stop.wait(pause):
        looked.wait()
        looked.clear()
        started = time.monotonic()
        # a store that is busy or a study that was deleted: the next look will see
        with suppress(*DATABASE_ERRORS, KeyError, UserError):
            refresh(store, draw, shown, stop)
        pause = max(EVERY, REST * (time.monotonic() - started))


def refresh(store: Store, draw: Draw, shown: dict[str, tuple[int, datetime]], stop: Event) -> None:
    """Shows anew each study with news, the latest first; `shown` notes what is shown of each."""
    with store.engine.connect() as connection:
        found = statuses(connection, None)
    for status in sorted(found, key=lambda status: status.changed, reverse=True):
        state = (status.trials, status.changed)
        if not stop.is_set() and shown.get(status.study) != state:
            show(store, status.study, draw(findings(store.open(status.study))))
            shown[status.study] = state


def show(store: Store, name: str, page: LivePage) -> None:
    """Puts the page into the study's attributes in one commit, so that no reader finds half a figure.

    A note that a person has written or changed stays as it is.
    """
    study = optuna.load_study(study_name=name, storage=store.storage)
    present = store.storage.get_study_system_attrs(study._study_id)
    # optuna-dashboard writes piece by piece, each in a commit of its own: it does so to a draft in memory
    memory = optuna.storages.InMemoryStorage()
    draft = optuna.create_study(storage=memory)
    for key, value in present.items():
        memory.set_study_system_attr(draft._study_id, key, value)
    for figure_id, figure in page.figures.items():
        optuna_dashboard.save_plotly_graph_object(draft, figure, graph_object_id=figure_id)
    note = optuna_dashboard.get_note(draft)
    if not note or _digest(note) == present.get(OWN_NOTE):
        optuna_dashboard.save_note(draft, page.note)
        memory.set_study_system_attr(draft._study_id, OWN_NOTE, _digest(page.note))
    with catch_warnings():
        simplefilter("ignore", ExperimentalWarning)
        draft.set_metric_names([page.metric])
    written = memory.get_study_system_attrs(draft._study_id)
    store.set_attributes(name, {key: value for key, value in written.items() if present.get(key) != value})


def _digest(note: str) -> str:
    return hashlib.sha256(note.encode()).hexdigest()
