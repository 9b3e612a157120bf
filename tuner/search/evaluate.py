"""Evaluates a searched study: its best trials from other seeds, then those chosen, refitted, on the holdout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tuner.bundle.rarity import carried_residual
from tuner.data.folds import FoldData, Problem
from tuner.data.series import Floats, Ints
from tuner.evaluation.baselines import measure_baseline, score_baselines, score_linear
from tuner.evaluation.bootstrap import cut_blocks
from tuner.evaluation.detection import Scores, number_events, scaled_errors
from tuner.evaluation.holdout import (
    Contender,
    Holdout,
    HoldoutWindows,
    leave_one_out,
    score_models,
)
from tuner.evaluation.losses import window_losses
from tuner.evaluation.sample_scores import SampleMetric, find_sample_metric, raw
from tuner.results.findings import Findings
from tuner.results.selection import Trial, steps_of_runs
from tuner.search.coordinator import DIED, do_all
from tuner.search.events import Notify, Repeated, StageAdvanced, StageBegan
from tuner.search.jobs import REPEAT, Refit, Shared, Task
from tuner.search.workers import Backend
from tuner.spec.sections import Spec
from tuner.storage.schema import Array
from tuner.storage.stored_study import StoredStudy
from tuner.training.budget import refit_steps
from tuner.training.outcome import Outcome

# Networks of an ensemble, here and in a bundle: refits from different random streams, whose mean output counts.
MEMBERS = 8


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

    @property
    def spec(self) -> Spec:
        """The study's file."""
        return self.study.spec


def repeat(run: Run, trials: Sequence[Trial]) -> None:
    """Trains each of the trials from other random streams, as often as the study wants, but for repeats that are there.

    The best of many single runs is above all a lucky one: these are told apart before one of them is named.
    """
    there = run.study.repeats()
    jobs = {
        (trial.number, number): Task(
            trial.number, trial.params, (REPEAT, trial.number, number), most_epochs=run.study.facts.most_epochs
        )
        for number in range(1, run.spec.search.repeats + 1)  # all once before any twice, should time run out
        for trial in trials
        if (trial.number, number) not in there
    }
    run.notify(StageBegan("repeats", len(jobs)))
    for (trial, number), trained in do_all(jobs, run.backend, run.notify, run.deadline):
        outcome = trained or Outcome("failed", DIED)
        run.study.save(trial, outcome, number)
        run.notify(Repeated(trial, number, outcome))


def score_holdout(run: Run, found: Findings) -> None:
    """Refits what is to be scored on the holdout, but for refits that are there, and keeps the report.

    Scored are the trial that a bundle ships, the best one, the most regularised within one standard error, the defaults
    (trial 1) and the unregularised configuration (trial 0), each as the ensemble of refits that would be shipped, and
    each trained for its own cross-validated number of steps: a pruned one for the best of those that it had.
    """
    study, best, one_se, shipped = run.study, found.summary.best, found.summary.one_se, found.summary.shipped
    if best is None or one_se is None or shipped is None or len(run.problem.split.holdout) == 0:
        return
    chosen = best.trial.number, one_se.trial.number
    if study.holdout(*chosen) is not None:
        return
    references = dict(zip(("unregularised", "default"), found.trials, strict=False))
    named = {"shipped": shipped.trial, "best": best.trial, "1se": one_se.trial, **references}
    # one that never finished an epoch has no steps
    models = {name: trial for name, trial in named.items() if trial.outcome.best_epoch}
    data, there = run.problem.refit(), study.refits()
    jobs = {
        (trial.number, seed): Refit(trial.params, refit_steps(steps_of_runs(trial), run.folds, data), seed)
        for trial in models.values()
        for seed in range(MEMBERS)
        if (trial.number, seed) not in there
    }
    run.backend.broadcast(Shared(study.spec, (data,), study.facts.precision))
    lost = np.full((len(data.valid), data.answers.shape[1]), np.nan)
    run.notify(StageBegan("holdout", len(jobs)))
    for key, refitted in do_all(jobs, run.backend, run.notify, run.deadline):
        # one whose worker died cannot be measured
        study.save_refit(*key, *((lost, lost[0]) if refitted is None else (refitted.outputs, refitted.residual)))
        run.notify(StageAdvanced("holdout"))
    refits = study.refits()
    if jobs.keys() <= refits.keys():
        networks = [_network(name, trial, run, data, refits) for name, trial in models.items()]
        outputs = np.mean([refits[shipped.trial.number, seed][0] for seed in range(MEMBERS)], axis=0)
        study.save_holdout(*chosen, _report(run, data, networks), _held_out(data, networks[0], outputs))


def _held_out(data: FoldData, shipped: Contender, outputs: Array) -> Array:
    """The scores of the holdout's rows, and by how much the forecast of each target is off, in the data's units."""
    found = np.empty(len(outputs), [("score", np.float32), ("off", np.float32, outputs.shape[1:])])
    deviation = np.nan if data.targets is None else data.targets.deviation
    found["score"], found["off"] = shipped.scores[0], (outputs - data.answers[data.valid]) * deviation
    return found


def _report(run: Run, data: FoldData, networks: Sequence[Contender]) -> Holdout:
    spec, windows, chosen = run.spec, run.problem.windows, data.valid
    labels = None if data.labels is None else data.labels[chosen]
    metric = find_sample_metric(spec, data.answers.shape[1])
    held = HoldoutWindows(
        rows=windows.target[chosen],
        blocks=_blocks(run.problem, chosen),
        counted=data.counted,
        labels=labels,
        judge=None if metric is None else partial(_judge, metric, raw(data, data.answers[chosen])),
    )
    if spec.on_samples:
        baselines = [score_linear(run.problem, data, metric, spec.train.given)]
    else:
        baselines = score_baselines(run.problem, run.folds, data, spec.study.flagging)
    scores = score_models(spec.metric, held, [*networks, *baselines], spec.study.seed)
    return Holdout(
        metric=spec.study.metric,
        scores=scores,
        members=MEMBERS,
        trained=len(data.train),
        windows=len(chosen),
        blocks=int(held.blocks[-1]) + 1,
        anomalous=0 if labels is None else int(labels.sum()),
        events=0 if labels is None else int(number_events(held.rows, labels).max(initial=-1)) + 1,
        baseline=measure_baseline(spec, run.problem, [data]).value,
    )


def _blocks(problem: Problem, chosen: Ints) -> Ints:
    """The block of each of the windows: groups of samples are independent, and rows that lie far enough apart."""
    windows = problem.windows
    if problem.group is not None:
        return np.unique(problem.group[chosen], return_inverse=True)[1].astype(np.int64)
    return cut_blocks(windows.first[chosen], windows.series[chosen], windows.length + windows.horizon)


def _judge(metric: SampleMetric, answers: Floats, samples: Ints, outputs: Array) -> float:
    return metric(answers[samples], outputs)


def _network(
    name: str, trial: Trial, run: Run, data: FoldData, refits: Mapping[tuple[int, int], tuple[Array, Floats | None]]
) -> Contender:
    """The ensemble of a trial's refits, scored as a bundle of them would score the same rows."""
    outputs, residuals = zip(*(refits[trial.number, seed] for seed in range(MEMBERS)), strict=True)
    together, found = leave_one_out(np.stack(outputs)), trial.outcome.detection
    if data.targets is None:
        scores: Scores = together[..., 0]
    else:
        unit = carried_residual(residuals, trial.outcome.at_best("train_loss"), run.folds)
        errors = (together - data.answers[data.valid]) * data.targets.deviation
        scores = scaled_errors(errors, np.array(unit))
    threshold = None if found is None else found.threshold
    judged = raw(data, together) if run.spec.on_samples else None
    return Contender(name, trial.number, window_losses(data, together, run.spec.train.given), scores, threshold, judged)
