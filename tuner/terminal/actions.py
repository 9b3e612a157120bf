"""The work of the commands on a study, once their options are parsed. Some functions give the command's exit status."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from tuner.files import write_whole
from tuner.report.live_report import keep_report
from tuner.report.tables import comparison_table, folds_table
from tuner.results.advice import advise_before
from tuner.results.configuration import Rule, chosen_configuration
from tuner.results.findings import Findings
from tuner.results.fold_pairs import remarks
from tuner.search.path_training import plan_path, stored_path, train_path
from tuner.search.study import Prepared, findings, prepare
from tuner.search.study import run as search
from tuner.search.workers import Backend, LocalProcesses
from tuner.spec.sections import Spec
from tuner.storage.store import Store
from tuner.terminal import INTERRUPTED
from tuner.terminal.display import duration, show_events
from tuner.terminal.printing import (
    path_event,
    print_json,
    print_path,
    print_replay,
    print_result,
    print_table,
    print_warnings,
    result_event,
)
from tuner.training.machine import probe


def search_study(
    spec: Spec,
    storage: str,
    console: Console,
    backend: Backend,
    *,
    timeout: float | None,
    as_json: bool,
) -> int:
    """Runs or continues a study up to its number of trials, shows the result and writes the report."""
    started = time.monotonic()
    interrupted = False
    name = spec.study.name
    folder = Path("studies") / name
    prepared = _prepare(spec, console)
    spec = prepared.spec
    print_warnings(console, advise_before(spec, prepared.facts))
    with Store(storage, create=True) as store:
        with (
            show_events(console, spec, prepared.facts, as_json=as_json) as show,
            keep_report(store, name, folder, show) as notify,
        ):
            try:
                search(prepared, store, notify, backend, timeout=timeout)
            except KeyboardInterrupt:
                interrupted = True
        found = findings(store.open(name))
    if as_json:
        print_json(result_event(found, time.monotonic() - started, interrupted=interrupted))
    else:
        print_result(console, found)
    _report(found)
    if interrupted:
        done = f"{found.summary.trials} of {spec.study.trials} trials"
        return _stopped(console, f"Stopped after {done}; they are saved.")
    if found.summary.best is not None:
        console.print(f"report: {folder / 'report.html'}", markup=False, soft_wrap=True)
    return 0


def trace_path(
    study: str, parameter: str, points: int, storage: str, console: Console, *, workers: int, as_json: bool
) -> int:
    """Trains what is missing of a path of about so many points, and shows all of it."""
    started = time.monotonic()
    interrupted = False
    with Store(storage, create=False) as store:
        found = findings(store.open(study))
        values = plan_path(found, parameter, points)
        with show_events(console, found.spec, found.facts, parameter, as_json=as_json) as notify:
            try:
                train_path(store, found, parameter, values, lambda n: LocalProcesses(min(workers, n)), notify)
            except KeyboardInterrupt:
                interrupted = True
        found = findings(store.open(study))
    path = stored_path(found, parameter)
    if as_json:
        print_json(path_event(found, path, time.monotonic() - started))
    elif path.points:
        print_path(console, found, path)
    if interrupted:
        return _stopped(console, f"Stopped after {len(path.points)} of {len(values)} points; they are saved.")
    if path.points:
        console.print(f"report: {_report(found)}", markup=False)
    return 0


def replay_trial(spec: Spec, storage: str, number: int, console: Console, *, as_json: bool) -> int:
    """Trains one trial again and says how it compares: 0 if it is bit-identical, else 1."""
    from tuner.search.replay import retrain  # loads torch

    with Store(storage, create=False) as store:
        study = store.open(spec.study.name)
        # as it was run, but for where the data lie now
        model = spec.model.model_copy(update={"sha256": study.spec.model.sha256})
        prepared = _prepare(study.spec.model_copy(update={"data": spec.data, "model": model}), console)
        compared = retrain(prepared, study, number)
    if as_json:
        print_json({"event": "replay", **asdict(compared)})
    else:
        print_replay(console, compared)
    return 0 if compared.identical else 1


def check_study(spec: Spec, console: Console, *, workers: int, as_json: bool) -> int:
    """Shows what a run would do, and about how long it would take; writes nothing."""
    from tuner.terminal.estimate import time_study  # loads torch

    prepared = _prepare(spec, console)
    spec = prepared.spec
    machine = probe(spec, len(prepared.facts.features))
    machine.refuse(spec, machine.precision)
    facts = replace(prepared.facts, precision=machine.precision)
    seconds = time_study(spec, prepared.problem, facts.precision, min(workers, spec.search.lag))(spec.study.trials, 1)
    if as_json:
        epochs = {"max_epochs": spec.train.epochs, "patience": spec.train.epochs_waited}
        print_json(
            {"event": "check", "study": spec.study.name, **asdict(facts), **epochs, "seconds": round(seconds, 1)}
        )
        return 0
    console.print(
        f"{spec.study.name}: {spec.task.kind}, {facts.rows:,} rows in {facts.series} series, {facts.windows:,} windows "
        f"of {spec.task.window} rows, features: {_listed(facts.features)}",
        markup=False,
    )
    print_table(console, folds_table(spec, facts))
    print_warnings(console, advise_before(spec, facts))
    console.print(
        f"{spec.study.trials} trials of at most {spec.train.epochs} epochs (patience {spec.train.epochs_waited}), "
        f"repeats and final test take about {duration(seconds)} with {workers} workers, assuming pruning saves half of "
        "the training. "
        "Dry run: nothing was written."
    )
    return 0


def compare_studies(names: Sequence[str], storage: str, console: Console, out: Path | None) -> None:
    """Shows studies side by side, and writes the page of them if it has a place."""
    with Store(storage, create=False) as store:
        found = [findings(store.open(name)) for name in names]
    if out is not None:
        from tuner.report.comparison import comparison_page  # loads plotly

        write_whole(out, comparison_page(found))
    print_table(console, comparison_table(found))
    for remark in remarks(found):
        console.print(remark, markup=False)
    if out is not None:
        console.print(f"Wrote {out}.", markup=False)


def read_configuration(study: str, rule: Rule, storage: str) -> dict[str, Any]:
    """The configuration of the trial that the rule chooses, as plain values."""
    with Store(storage, create=False) as store:
        stored = store.open(study)
        return chosen_configuration(findings(stored), stored.environment(), rule)


def serve_dashboard(storage: str, port: int, console: Console) -> None:
    """Serves optuna-dashboard on the store until it is interrupted."""
    from tuner.report.dashboard_page import draw_live  # both load plotly
    from tuner.report.live_pages import serve

    with Store(storage, create=False) as store:
        serve(store, port, draw_live, lambda url: console.print(f"Dashboard at {url} (Ctrl-C to stop)"))


def _prepare(spec: Spec, console: Console) -> Prepared:
    """Loads the data, and says what was repaired."""
    with console.status(escape(f"loading {spec.data_paths}")):
        prepared = prepare(spec)
    for note in prepared.data.notes:
        console.print(f"note: {note}", markup=False)
    return prepared


def _report(found: Findings) -> Path:
    from tuner.report.page import write_report  # loads plotly

    return write_report(found, Path("studies") / found.spec.study.name)


def _stopped(console: Console, what: str) -> int:
    console.print(f"{what} Run the same command to continue.", style="yellow")
    return INTERRUPTED


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:10])} and {len(names) - 10} more"
