"""One search from end to end: data in, a finished study in the store."""

import time
from dataclasses import dataclass, replace

import numpy as np

from tuner.data.folds import FoldData, Problem
from tuner.data.problems import make_problem
from tuner.data.series import Bools, Dataset, Floats
from tuner.errors import UserError
from tuner.loading.dataset import load_dataset
from tuner.results.findings import Findings, ScoredRows, StudyInfo, describe_study
from tuner.results.regularisation_path import Path, stored_paths
from tuner.results.selection import Trial, finalists, summarise
from tuner.search.coordinator import Coordinator, is_over
from tuner.search.evaluate import Run, repeat, score_holdout
from tuner.search.events import Notify
from tuner.search.jobs import Shared
from tuner.search.workers import Backend
from tuner.signals import defer_interrupts
from tuner.spec.sections import Spec
from tuner.storage.schema import Array
from tuner.storage.store import Store
from tuner.storage.stored_study import StoredStudy
from tuner.training.budget import EXTENSION, with_budget

# Columns that are kept to be shown.
MOST_COLUMNS = 6


@dataclass(frozen=True)
class Prepared:
    """A study about to be run: its file, with its epochs resolved, its data, windows and folds, and what these fix."""

    spec: Spec
    data: Dataset
    problem: Problem
    folds: tuple[FoldData, ...]
    facts: StudyInfo

    @property
    def widths(self) -> tuple[int, int]:
        """Columns of what networks see, and of what they give."""
        return self.problem.features.shape[1], self.problem.answers.shape[1]


def prepare(spec: Spec) -> Prepared:
    """Loads the data and makes the folds.

    Raises:
        UserError: the data cannot be used, or do not suffice for what the study file wants; or it names a loss or a
            metric that was given from Python, and is not there.
    """
    named = {"loss": (spec.train.loss or "", spec.train.given), "metric": (spec.study.metric, spec.study.given)}
    for what, (name, given) in named.items():
        if "@" in name and given is None:
            hint = "call `tuner.tune` with it again: it goes on where it was, and what it gives has `save` for a bundle"
            raise UserError(f"`{name.lstrip('-').partition('@')[0]}` was given from Python", where=what, hint=hint)
    data = load_dataset(spec)
    problem = make_problem(spec, data)
    if data.samples is not None:
        spec, notes = _fit_to_samples(spec, problem)
        data = replace(data, notes=(*data.notes, *notes))
    if spec.model.own is not None:
        from tuner.model.building import adapt  # loads torch

        unequal = problem.windows.lengths is not None
        spec, notes = adapt(spec, problem.features.shape[1], problem.answers.shape[1], unequal=unequal)
        data = replace(data, notes=(*data.notes, *notes))
    folds = problem.folds()
    extension = EXTENSION if spec.train.max_epochs == "auto" else 1
    spec = with_budget(spec, folds)
    if len(problem.split.holdout):
        problem.learnt(problem.split.last)  # what cannot be refitted is refused now
    facts = describe_study(spec, data, problem, folds, extension * spec.train.epochs)
    return Prepared(spec, data, problem, folds, facts)


def _fit_to_samples(spec: Spec, problem: Problem) -> tuple[Spec, tuple[str, ...]]:
    """The study with what follows from its samples: the longest sequence, and the folds that there are."""
    folds = len(problem.split.folds)
    fewer = folds < spec.cv.folds and spec.task.kind == "classify"
    said = (f"Only {folds} folds, as the rarest class has no more samples or groups.",) if fewer else ()
    task = spec.task.model_copy(update={"window": problem.windows.length})
    return spec.model_copy(update={"task": task, "cv": spec.cv.model_copy(update={"folds": folds})}), said


def run(prepared: Prepared, store: Store, notify: Notify, backend: Backend, *, timeout: float | None = None) -> None:
    """Begins or continues the study, up to the number of trials in its file or until `timeout` seconds have passed.

    However it ends, all finished trials are kept, and trials under way are left for the next run. The backend is closed
    by who made it.

    Raises:
        UserError: the study is being run by another process, began with another file or other data, or needs another
            processor.
        KeyboardInterrupt: as it came in.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    spec = prepared.spec
    with defer_interrupts(), store.lock(spec.study.name):
        machine = backend.probe(spec, len(prepared.facts.features))
        machine.refuse(spec, machine.precision)  # before anything is begun
        study = store.begin(spec, replace(prepared.facts, precision=machine.precision))
        machine.refuse(spec, study.facts.precision)
        if study.rows() is None and prepared.data.samples is None:
            study.keep_rows(shown_rows(prepared))
        study.begin_run(spec, machine.environment)
        # what was resolved when the study began holds for all its trials
        backend.broadcast(Shared(spec, prepared.folds, study.facts.precision))
        Coordinator(study, backend, notify).run(spec.study.trials, deadline)
        if study.n_told() < spec.study.trials:
            return
        going_on = Run(study, prepared.problem, prepared.folds, backend, notify, deadline)
        if spec.search.repeats:
            repeat(going_on, finalists(spec, study.facts.test_to_train, findings(study).trials))
        if not is_over(deadline):
            score_holdout(going_on, findings(study))


def findings(study: StoredStudy) -> Findings:
    """The told trials of a study and what they amount to."""
    # the count first: of a study that is being run, more may be told while the rest is read
    told = study.n_told()
    outcomes, repeats = study.outcomes(), study.repeats()
    trials = [Trial(number, params, outcomes[number]) for number, params in enumerate(study.params()[:told])]
    # those of trials that are finalists no longer, since more were trained, count for nothing
    for number in [trial.number for trial in finalists(study.spec, study.facts.test_to_train, trials)]:
        keys = [(number, repeat) for repeat in range(1, study.spec.search.repeats + 1)]
        trials[number] = replace(trials[number], repeats=tuple(repeats[key] for key in keys if key in repeats))
    summary = summarise(study.spec, study.facts.test_to_train, trials)
    paths: tuple[Path, ...] = ()
    holdout = scored = None
    if summary.best is not None and summary.one_se is not None and summary.shipped is not None:
        best, one_se = summary.best.trial, summary.one_se.trial
        paths = stored_paths(study.spec, study.facts.test_to_train, best.params, study.path_points())
        holdout = study.holdout(best.number, one_se.number)
        scored = _scored(study, summary.shipped.trial, study.held_out(best.number, one_se.number))
    environment, chosen = study.environment(), (paths, holdout, scored)
    return Findings(study.spec, study.facts, tuple(trials), summary, environment, *chosen, study.storage)


def shown_rows(prepared: Prepared) -> Array:
    """The rows that the windows of all folds answer, one fold after the other, and then those of the holdout.

    Fields: `time` (the row's number, where series overlap in time), `label`, `part` (the fold, from 0 on; -1 in the
    holdout) and `values`, a field for each of at most MOST_COLUMNS columns, which are forecast, or else seen.
    """
    problem, data = prepared.problem, prepared.data
    parts = [*(fold.valid for fold in prepared.folds), problem.split.holdout]
    rows = problem.windows.target[np.concatenate(parts)]
    time = np.concatenate([series.time for series in data.series])
    ordered = time[np.sort(rows)]
    if not (ordered[1:] > ordered[:-1]).all():
        time = np.arange(len(time))
    columns = np.concatenate([series.features if problem.classify else series.targets for series in data.series])
    names = data.feature_names if problem.classify else data.target_names
    labels = np.zeros(len(time), np.bool_) if problem.labels is None else problem.labels
    chosen = _telling(columns[rows], labels[rows])[:MOST_COLUMNS]
    values = [(names[column], np.float32) for column in chosen]
    found = np.empty(len(rows), [("time", time.dtype), ("label", np.bool_), ("part", np.int16), ("values", values)])
    found["time"], found["label"] = time[rows], labels[rows]
    found["part"] = np.repeat([*range(len(parts) - 1), -1], [len(part) for part in parts])
    for column in chosen:
        found["values"][names[column]] = columns[rows, column]
    return found


def _telling(columns: Floats, labels: Bools) -> list[int]:
    """The numbers of columns (n, columns), those first in which anomalous rows (n,) differ most from normal ones."""
    if labels.all() or not labels.any():
        return list(range(columns.shape[1]))
    usual, deviation = columns[~labels].mean(axis=0), columns[~labels].std(axis=0)
    apart = np.abs(columns[labels] - usual).mean(axis=0) / np.maximum(deviation, np.finfo(float).tiny)
    return [int(column) for column in np.argsort(-apart, kind="stable")]


def _scored(study: StoredStudy, chosen: Trial, held: Array | None) -> ScoredRows | None:
    """The rows in the order of time, with the scores and forecasts of a trial; None where none were kept."""
    rows, out_of_fold = study.rows(), study.scores(chosen.number)
    if rows is None:
        return None
    names, is_held = tuple(rows["values"].dtype.fields or ()), rows["part"] < 0
    values = np.stack([rows["values"][name] for name in names], axis=1)
    scores, forecast = np.full(len(rows), np.nan), np.full_like(values, np.nan)
    if out_of_fold is not None and len(out_of_fold) == len(rows) - is_held.sum():
        scores[~is_held] = out_of_fold
    if held is not None:
        scores[is_held] = held["score"]
        if targets := study.facts.targets:
            forecast[is_held] = values[is_held] + held["off"][:, [targets.index(name) for name in names]]
    labels = None if chosen.outcome.detection is None else rows["label"]
    order = np.argsort(rows["time"], kind="stable")
    kept = (rows["time"], rows["part"], values, forecast, scores)
    time, part, values, forecast, scores = (each[order] for each in kept)
    return ScoredRows(time, part, names, values, forecast, None if labels is None else labels[order], scores)
