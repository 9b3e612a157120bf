"""One search from end to end: data in, a finished study in the store."""

import time
from dataclasses import dataclass, replace

from tuner.data.dataset import load_dataset
from tuner.data.folds import FoldData, Problem, make_problem
from tuner.data.series import Dataset
from tuner.results.findings import Findings, StudyInfo, describe_study
from tuner.results.regularisation_path import Path, stored_paths
from tuner.results.selection import Trial, finalists, summarise
from tuner.search.coordinator import Coordinator
from tuner.search.evaluate import score_holdout
from tuner.search.events import Notify
from tuner.search.jobs import Shared
from tuner.search.out_of_fold import keep_out_of_fold
from tuner.search.pool import is_over
from tuner.search.repeat import repeat
from tuner.search.workers import Backend
from tuner.signals import held
from tuner.spec.sections import Spec
from tuner.storage.store import Store
from tuner.storage.stored_study import StoredStudy
from tuner.training.outcome import Outcome


@dataclass(frozen=True)
class Prepared:
    """A study about to be run: its file, its data, their windows and folds, and what these fix."""

    spec: Spec
    data: Dataset
    problem: Problem
    folds: tuple[FoldData, ...]
    facts: StudyInfo


def prepare(spec: Spec) -> Prepared:
    """Loads the data and makes the folds.

    Raises:
        UserError: the data cannot be used, or do not suffice for what the study file wants.
    """
    data = load_dataset(spec)
    problem = make_problem(spec, data)
    folds = problem.folds()
    if len(problem.split.holdout):
        problem.refit()  # what cannot be scored in the end is refused now
    return Prepared(spec, data, problem, folds, describe_study(spec, data, problem, folds))


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
    with held(), store.lock(spec.study.name):
        machine = backend.probe(spec.train.precision)
        machine.refuse(spec, machine.precision)  # before anything is begun
        study = store.begin(spec, replace(prepared.facts, precision=machine.precision))
        machine.refuse(spec, study.facts.precision)
        with study.run(spec, machine.environment):
            # what was resolved when the study began holds for all its trials
            backend.broadcast(Shared(spec, prepared.folds, study.facts.precision))
            Coordinator(study, backend, notify).run(spec.study.trials, deadline)
            if study.told() >= spec.study.trials:
                _evaluate(prepared, study, notify, backend, deadline)


def _evaluate(prepared: Prepared, study: StoredStudy, notify: Notify, backend: Backend, deadline: float | None) -> None:
    """Once all trials are told: trains the best again, scores those chosen on the holdout, keeps the best's scores."""
    if prepared.spec.search.repeats:
        repeat(study, backend, notify, finalists(prepared.spec, findings(study).trials), deadline)
    if not is_over(deadline):
        found = findings(study)
        problem, folds, best = prepared.problem, prepared.folds, found.summary.best
        score_holdout(study, problem, folds, found.trials, found.summary, backend, notify, deadline)
        if best is not None and not is_over(deadline):
            keep_out_of_fold(study, prepared.data, problem, folds, best.trial, backend, notify, deadline)


def findings(study: StoredStudy) -> Findings:
    """The told trials of a study and what they amount to."""
    told, params, outcomes = study.told(), study.params(), study.outcomes()
    trials = tuple(Trial(number, params[number], outcomes[number]) for number in range(told))
    # those of trials that are finalists no longer, since more were trained, count for nothing
    last = {trial.number for trial in finalists(study.spec, trials)}
    repeats: dict[int, list[Outcome]] = {number: [] for number in last}
    for (number, repeat_number), outcome in study.repeats().items():
        if number in last and repeat_number <= study.spec.search.repeats:
            repeats[number].append(outcome)
    trials = tuple(replace(trial, repeats=tuple(repeats.get(trial.number, ()))) for trial in trials)
    summary = summarise(study.spec, study.facts.test_to_train, trials)
    paths: tuple[Path, ...] = ()
    holdout = scored = None
    if summary.best is not None and summary.one_se is not None:
        best, one_se = summary.best.trial, summary.one_se.trial
        paths = stored_paths(study.spec, study.facts.test_to_train, best.params, study.evaluations.path_points())
        holdout = study.evaluations.holdout(best.number, one_se.number)
        scored = study.evaluations.scored(best.number)
    return Findings(study.spec, study.facts, trials, summary, study.environment(), paths, holdout, scored)
