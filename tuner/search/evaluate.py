"""Scores the chosen trials on the holdout: refitted on all rows before it, beside what they have to beat."""

from collections.abc import Mapping, Sequence

import numpy as np

from tuner.data.folds import FoldData, Problem
from tuner.data.series import Floats
from tuner.evaluation.baselines import measure_baseline, score_baselines
from tuner.evaluation.bootstrap import cut_blocks
from tuner.evaluation.detection import number_events
from tuner.evaluation.holdout import Contender, Holdout, HoldoutWindows, cross_entropy, score_models
from tuner.results.selection import Summary, Trial
from tuner.search.events import Notify, StageAdvanced, StageBegan
from tuner.search.jobs import Refit
from tuner.search.pool import do_all
from tuner.search.workers import Backend
from tuner.spec.sections import Spec
from tuner.storage.stored_study import StoredStudy

# Refits of each configuration, from other random streams; the same ones for all configurations.
SEEDS = 3


def score_holdout(
    study: StoredStudy,
    problem: Problem,
    folds: Sequence[FoldData],
    trials: Sequence[Trial],
    summary: Summary,
    backend: Backend,
    notify: Notify,
    deadline: float | None,
) -> None:
    """Refits what is to be scored, those refits left out that are there already, and keeps the report.

    Scored are the best trial, the most regularised within one standard error, the defaults (trial 1) and the
    regularisers at their minimum (trial 0), each trained for its own cross-validated number of steps: a pruned one for
    the best of those that it had. What is trained at the deadline (of `time.monotonic`) is left for the next run.
    """
    best, one_se = summary.best, summary.one_se
    if best is None or one_se is None or len(problem.split.holdout) == 0:
        return
    chosen = best.trial.number, one_se.trial.number
    if study.holdout(*chosen) is not None:
        return
    named = {"best": best.trial, "1se": one_se.trial, **dict(zip(("unregularised", "default"), trials, strict=False))}
    # the same trial is scored once under both rules; one that never finished an epoch has no steps
    models = {
        name: trial
        for name, trial in named.items()
        if trial.outcome.best_epoch and not (name == "1se" and chosen[0] == chosen[1])
    }
    data = problem.refit()
    there = study.refits()
    steps = {trial.number: (trial, round(trial.outcome.steps)) for trial in models.values()}
    missing = [(number, seed) for number in steps for seed in range(SEEDS) if (number, seed) not in there]
    jobs = [Refit(data, steps[number][0].params, steps[number][1], seed) for number, seed in missing]
    notify(StageBegan("holdout", len(jobs)))
    for index, refitted in do_all(jobs, backend, notify, deadline):
        lost = np.full(len(data.valid), np.nan)  # its worker died: it cannot be measured
        losses, scores = (lost, lost) if refitted is None else (refitted.losses, refitted.scores)
        study.save_refit(*missing[index], losses, scores)
        notify(StageAdvanced("holdout"))
    refits = study.refits()
    if all(key in refits for key in missing):
        study.save_holdout(*chosen, _report(study.spec, problem, folds, data, models, refits))


def _report(
    spec: Spec,
    problem: Problem,
    folds: Sequence[FoldData],
    data: FoldData,
    models: Mapping[str, Trial],
    refits: Mapping[tuple[int, int], tuple[Floats, Floats]],
) -> Holdout:
    windows, chosen = problem.windows, data.valid
    labels = None if data.labels is None else data.labels[chosen]
    held = HoldoutWindows(
        rows=windows.target[chosen],
        blocks=cut_blocks(windows.first[chosen], windows.series[chosen], windows.length + windows.horizon),
        counted=data.counted,
        labels=labels,
    )
    networks = [_network(name, trial, refits) for name, trial in models.items()]
    baselines = score_baselines(problem, folds, data, spec.study.min_precision)
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
        baseline=measure_baseline(spec, problem, [data]).value,
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
