"""Evaluates a searched study: its best trials from other seeds, then those chosen, refitted, on the holdout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuner.data.folds import FoldData, Problem
from tuner.data.series import Floats
from tuner.evaluation.baselines import measure_baseline, score_baselines
from tuner.evaluation.bootstrap import cut_blocks
from tuner.evaluation.detection import number_events
from tuner.evaluation.holdout import Contender, Holdout, HoldoutWindows, cross_entropy, score_models
from tuner.results.findings import Findings
from tuner.results.selection import Trial
from tuner.search.coordinator import DIED, do_all
from tuner.search.events import Notify, Repeated, StageAdvanced, StageBegan
from tuner.search.jobs import REPEAT, Refit, Task
from tuner.search.workers import Backend
from tuner.storage.stored_study import StoredStudy
from tuner.training.outcome import Outcome

# Refits of each configuration, from other random streams; the same ones for all configurations.
SEEDS = 3


@dataclass(frozen=True)
class Run:
    """A run of a study that is going on.

    Attributes:
        study: as it is stored.
        problem, folds: its data.
        backend: where to train.
        notify: called with every event.
        deadline: (of `time.monotonic`) at which what is not trained is left for the next run.
    """

    study: StoredStudy
    problem: Problem
    folds: tuple[FoldData, ...]
    backend: Backend
    notify: Notify
    deadline: float | None = None


def repeat(run: Run, trials: Sequence[Trial]) -> None:
    """Trains each of the trials from other random streams, as often as the study wants, but for repeats that are there.

    The best of many single runs is above all a lucky one: these are told apart before one of them is named.
    """
    there = run.study.repeats()
    jobs = {
        (trial.number, number): Task(trial.number, trial.params, (REPEAT, trial.number, number))
        for trial in trials
        for number in range(1, run.study.spec.search.repeats + 1)
        if (trial.number, number) not in there
    }
    run.notify(StageBegan("repeats", len(jobs)))
    for (trial, number), trained in do_all(jobs, run.backend, run.notify, run.deadline):
        outcome = trained or Outcome.failed(DIED)
        run.study.save(trial, outcome, number)
        run.notify(Repeated(trial, number, outcome))


def score_holdout(run: Run, found: Findings) -> None:
    """Refits what is to be scored on the holdout, but for refits that are there, and keeps the report.

    Scored are the best trial, the most regularised within one standard error, the defaults (trial 1) and the
    unregularised configuration (trial 0), each trained for its own cross-validated number of steps: a pruned one for
    the best of those that it had.
    """
    study, best, one_se = run.study, found.summary.best, found.summary.one_se
    if best is None or one_se is None or len(run.problem.split.holdout) == 0:
        return
    chosen = best.trial.number, one_se.trial.number
    if study.holdout(*chosen) is not None:
        return
    references = dict(zip(("unregularised", "default"), found.trials, strict=False))
    # the same trial is scored once under both rules; one that never finished an epoch has no steps
    models = {
        name: trial
        for name, trial in {"best": best.trial, "1se": one_se.trial, **references}.items()
        if trial.outcome.best_epoch and not (name == "1se" and chosen[0] == chosen[1])
    }
    data, there = run.problem.refit(), study.refits()
    jobs = {
        (trial.number, seed): Refit(data, trial.params, round(trial.outcome.steps), seed)
        for trial in models.values()
        for seed in range(SEEDS)
        if (trial.number, seed) not in there
    }
    lost = np.full(len(data.valid), np.nan)
    run.notify(StageBegan("holdout", len(jobs)))
    for key, refitted in do_all(jobs, run.backend, run.notify, run.deadline):
        # one whose worker died cannot be measured
        study.save_refit(*key, *((lost, lost) if refitted is None else (refitted.losses, refitted.scores)))
        run.notify(StageAdvanced("holdout"))
    refits = study.refits()
    if jobs.keys() <= refits.keys():
        study.save_holdout(*chosen, _report(run, data, models, refits))


def _report(
    run: Run, data: FoldData, models: Mapping[str, Trial], refits: Mapping[tuple[int, int], tuple[Floats, Floats]]
) -> Holdout:
    spec, windows, chosen = run.study.spec, run.problem.windows, data.valid
    labels = None if data.labels is None else data.labels[chosen]
    held = HoldoutWindows(
        rows=windows.target[chosen],
        blocks=cut_blocks(windows.first[chosen], windows.series[chosen], windows.length + windows.horizon),
        counted=data.counted,
        labels=labels,
    )
    networks = [_network(name, trial, refits) for name, trial in models.items()]
    baselines = score_baselines(run.problem, run.folds, data, spec.study.min_precision)
    together = [] if labels is None else [_ensemble(networks[0], data)]
    scores = score_models(spec.study.metric, held, [*networks, *together, *baselines], spec.study.seed)
    return Holdout(
        metric=spec.study.metric,
        scores=scores,
        seeds=SEEDS,
        trained=len(data.train),
        windows=len(chosen),
        blocks=int(held.blocks[-1]) + 1,
        anomalous=0 if labels is None else int(labels.sum()),
        events=0 if labels is None else int(number_events(held.rows, labels).max(initial=-1)) + 1,
        baseline=measure_baseline(spec, run.problem, [data]).value,
    )


def _network(name: str, trial: Trial, refits: Mapping[tuple[int, int], tuple[Floats, Floats]]) -> Contender:
    losses, scores = zip(*(refits[trial.number, seed] for seed in range(SEEDS)), strict=True)
    found = trial.outcome.detection
    threshold = None if found is None else found.threshold
    return Contender(name, trial.number, np.stack(losses), np.stack(scores), threshold)


def _ensemble(best: Contender, data: FoldData) -> Contender:
    """The best's seeds as one model, by their mean score; of forecasts only the scores are known, hence no loss."""
    scores = best.scores.mean(axis=0, keepdims=True)
    losses = None
    if data.targets is None:
        losses = cross_entropy(scores, data.answers[data.valid, 0] > 0, data.class_weight)
    return Contender("ensemble", best.trial, losses, scores, best.threshold)
