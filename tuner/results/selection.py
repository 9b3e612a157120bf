"""Selects the best trial of a study; its certainty, and the effort behind it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tuner.spec.metric import Metric
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.training.budget import full_steps
from tuner.training.outcome import Outcome, standard_error

Floats = npt.NDArray[np.float64]

DROPOUTS = ("dropout", "input_dropout", "recurrent_dropout")
# A gain over the default configuration of so many corrected standard errors is taken for one: the 75 % quantile of
# Student's t with 4 degrees of freedom. By `scripts/simulate_guard.py` this about halves how often a choice among
# nearly equal configurations is worse than the default, and keeps 80 to 99 % of the gain where there is one.
CLEAR = 0.74


@dataclass(frozen=True)
class Trial:
    """A told trial: its number, parameters (constants included) and outcome; `repeats` from other random streams."""

    number: int
    params: Mapping[str, Value]
    outcome: Outcome
    repeats: tuple[Outcome, ...] = ()


@dataclass(frozen=True)
class Selection:
    """A selected trial.

    Attributes:
        value: its mean over folds of the study's metric at its best epoch.
        repeat_mean: the mean over the trial and its repeats; None if it was not repeated.
        se: the study's standard error in the metric's units; NaN if too little has completed to know it.
        cost, cost_se: what it was compared by (`Metric.cost`), mean over the same runs, and its standard error.
    """

    trial: Trial
    value: float
    repeat_mean: float | None
    se: float
    cost: float
    cost_se: float

    @property
    def mean(self) -> float:
        """The figure that the choice was made on."""
        return self.value if self.repeat_mean is None else self.repeat_mean


@dataclass(frozen=True)
class Selected:
    """The trials that a study names, as in `Summary`."""

    best: Selection
    one_se: Selection
    shipped: Selection


@dataclass(frozen=True)
class Summary:
    """A study in figures.

    Attributes:
        best: the trial with the best mean; None while nothing has completed.
        one_se: the trial with the strongest regularisation whose mean is within one standard error of it.
        shipped: the best if it is clearly better than the default one, else that.
        complete, pruned, failed: how many trials ended so.
        audits: how many trials went on though the pruner would have ended them.
        false_prunes: how many of these came out among the best tenth of all trials that did not fail.
        fold_epochs: epochs trained, summed over trials and folds, the finalists' repeats included.
        fold_epochs_saved: what pruning and early stopping left out of the last epoch of all trials that did not fail.
    """

    best: Selection | None
    one_se: Selection | None
    shipped: Selection | None
    complete: int
    pruned: int
    failed: int
    audits: int
    false_prunes: int
    fold_epochs: int
    fold_epochs_saved: int

    @property
    def trials(self) -> int:
        return self.complete + self.pruned + self.failed


def summarise(spec: Spec, test_to_train: float, trials: Sequence[Trial]) -> Summary:
    """The figures of the told trials, a pure function of them."""
    states = [trial.outcome.state for trial in trials]
    audits = [trial.number for trial in trials if trial.outcome.audited]
    full = spec.cv.folds * spec.train.epochs * (len(states) - states.count("failed"))
    own = sum(trial.outcome.fold_epochs for trial in trials if trial.outcome.state != "failed")
    selected = select(spec, test_to_train, trials)
    return Summary(
        best=selected.best if selected else None,
        one_se=selected.one_se if selected else None,
        shipped=selected.shipped if selected else None,
        complete=states.count("complete"),
        pruned=states.count("pruned"),
        failed=states.count("failed"),
        audits=len(audits),
        false_prunes=len(set(audits) & best_tenth(spec, trials)),
        fold_epochs=sum(outcome.fold_epochs for trial in trials for outcome in (trial.outcome, *trial.repeats)),
        fold_epochs_saved=full - own,
    )


def pool(trials: Iterable[Trial]) -> list[Trial]:
    """The complete trials, those of one configuration as its first: the runs of the others are repeats of it."""
    found: dict[tuple[tuple[str, Value], ...], Trial] = {}
    for trial in trials:
        if trial.outcome.state == "complete":
            key = tuple(sorted(trial.params.items()))
            first = found.get(key)
            runs = (trial.outcome, *trial.repeats)
            found[key] = trial if first is None else replace(first, repeats=(*first.repeats, *runs))
    return list(found.values())


def finalists(spec: Spec, test_to_train: float, trials: Sequence[Trial]) -> list[Trial]:
    """The trials that are repeated before one of them is named: one of a configuration, by the search alone.

    These are the best, best first and the first on ties, as many as the study wants; the unregularised and the default
    one, which they are compared with; and the most regularised one that is not clearly worse.
    """
    single = pool(replace(trial, repeats=()) for trial in trials)
    if not single:
        return []
    ranked = sorted(single, key=lambda trial: cost_of_runs(spec.metric, trial))
    references = [one for trial in trials[:2] for one in single if one.params == trial.params]
    most = _most_regularised(spec, ranked, study_error(spec, test_to_train, ranked, len(ranked)))
    chosen = [*ranked[: spec.search.finalists], *references, most]
    return list({trial.number: trial for trial in chosen}.values())


def select(spec: Spec, test_to_train: float, trials: Sequence[Trial]) -> Selected | None:
    """The trials that are named; None while nothing has completed.

    Best is the least mean cost over runs. Once all finalists have their repeats only they are compared, so that each
    has as many runs as any other: the best of many single runs is above all a lucky one.
    """
    last = {trial.number for trial in finalists(spec, test_to_train, trials)}
    wanted, complete = spec.search.repeats, len(pool(trials))
    if not complete:
        return None
    candidates = [trial for trial in pool(trials) if trial.number in last and is_repeated(trial)]
    settled = wanted and candidates and all(len(trials[number].repeats) == wanted for number in last)
    if not settled:
        candidates = pool(replace(trial, repeats=()) for trial in trials)
    ranked = sorted(candidates, key=lambda trial: cost_of_runs(spec.metric, trial))
    se = study_error(spec, test_to_train, ranked, complete)

    def chosen(trial: Trial) -> Selection:
        value = trial.outcome.value
        assert value is not None  # noqa: S101 (it is complete)
        mean = mean_of_runs(trial) if trial.repeats else None
        units = spec.metric.in_units(se, value if mean is None else mean)
        return Selection(trial, value, mean, units, cost_of_runs(spec.metric, trial), se)

    best, most = chosen(ranked[0]), chosen(_most_regularised(spec, ranked, se))
    default = [chosen(trial) for trial in ranked for other in trials[1:2] if trial.params == other.params]
    return Selected(best, most, shipped(spec.metric, test_to_train, best, *default))


def shipped(metric: Metric, test_to_train: float, best: Selection, default: Selection | None = None) -> Selection:
    """The best, if it is clearly better than the default configuration, else that: tuning must not make it worse.

    Clear is a difference, fold by fold, of more than CLEAR of its corrected standard errors (Nadeau & Bengio 2003).
    With no default to compare with (it failed) it is the best.
    """
    if default is None:
        return best
    gains = fold_costs(metric, default.trial) - fold_costs(metric, best.trial)
    error = standard_error(gains.tolist(), test_to_train)
    return best if np.nanmean(gains) > CLEAR * error else default


def _most_regularised(spec: Spec, ranked: Sequence[Trial], se: float) -> Trial:
    """Of those within one standard error of the first, and no larger a network, the one that has the least left."""
    best, limit = ranked[0], cost_of_runs(spec.metric, ranked[0]) + (0.0 if math.isnan(se) else se)
    near = [trial for trial in ranked if cost_of_runs(spec.metric, trial) <= limit]
    smaller = [trial for trial in near if trial.outcome.weights <= best.outcome.weights]
    return min(smaller, key=lambda trial: (capacity(trial), trial.number))


def capacity(trial: Trial) -> float:
    """The part of a network that its regularisation leaves: an order of configurations with several penalties.

    The number of weights that are not zero, times the shares of them that weight decay leaves up to the best epoch, of
    units that each dropout leaves, and of an input's variance that is no noise.
    """
    outcome, params = trial.outcome, trial.params
    left = outcome.weights * (1 - outcome.zeros) * math.exp(-shrinkage(params, outcome))
    return left * math.prod(1 - float(params[name]) for name in DROPOUTS) / (1 + float(params["jitter"]) ** 2)


def is_repeated(trial: Trial) -> bool:
    """True where a trial was trained again and no run of it failed."""
    return bool(trial.repeats) and all(outcome.state != "failed" for outcome in trial.repeats)


def all_runs(trial: Trial) -> tuple[Outcome, ...]:
    """The runs that a trial is judged by: the first alone if one of the others failed.

    Repeats may take more epochs than the first: that it was cut off while it improved says nothing against a trial, so
    runs that were best at their last epoch do not count where another went on for longer.
    """
    every = (trial.outcome, *trial.repeats) if is_repeated(trial) else (trial.outcome,)
    longest = max(len(run.curve) for run in every)
    is_cut = [run.state == "complete" and run.best_epoch == len(run.curve) < longest for run in every]
    return tuple(run for run, cut in zip(every, is_cut, strict=True) if not cut)


def steps_of_runs(trial: Trial) -> float:
    """Optimiser steps at the best epoch, mean over runs."""
    return float(np.mean([run.steps for run in all_runs(trial)]))


def fold_values(trial: Trial) -> Floats:
    """The study's metric of each fold at the best epoch, (folds,), mean over runs."""
    values: Floats = np.mean([outcome.at_best("metric") for outcome in all_runs(trial)], axis=0)
    return values


def fold_costs(metric: Metric, trial: Trial) -> Floats:
    """The costs of the same, (folds,)."""
    costs: Floats = np.mean([metric.costs(outcome.at_best("metric")) for outcome in all_runs(trial)], axis=0)
    return costs


def mean_of_runs(trial: Trial) -> float | None:
    """A trial's value, or the mean of it and its repeats where it was trained again; None if it failed."""
    return None if trial.outcome.state == "failed" else float(np.nanmean(fold_values(trial)))


def cost_of_runs(metric: Metric, trial: Trial) -> float:
    """The cost of a trial, or the mean of that and its repeats' where it was trained again; infinite if it failed."""
    return math.inf if trial.outcome.state == "failed" else float(np.nanmean(fold_costs(metric, trial)))


def study_error(spec: Spec, test_to_train: float, ranked: Sequence[Trial], complete: int) -> float:
    """The standard error of a difference in cost to the best, one for the whole study; NaN with fewer than two trials.

    sqrt((1/k + test/train) * s2), where s2 is the median variance over folds of the paired differences to the best
    trial, over the best quarter of all complete trials (corrected for overlapping training sets: Nadeau & Bengio,
    Machine Learning 52, 2003; a heuristic for k-fold). An error of each candidate's own would let the noisy ones in.

    Args:
        spec: of the study.
        test_to_train: validation windows over training windows, mean over folds.
        ranked: the configurations that are compared, the best first.
        complete: how many configurations completed.
    """
    best, *others = (fold_costs(spec.metric, trial) for trial in ranked[: max(2, math.ceil(complete / 4))])
    return paired_error(best, others, test_to_train)


def paired_error(best: Floats, others: Sequence[Floats], test_to_train: float) -> float:
    """The corrected standard error of a mean difference to `best`, the median over paired differences.

    Args:
        best: costs by fold, (k,); NaN for a fold without a value.
        others: likewise, of each of the others.
        test_to_train: validation windows over training windows, mean over folds.
    """
    errors = [standard_error((other - best).tolist(), test_to_train) for other in others]
    squares = [error**2 for error in errors if not math.isnan(error)]
    return math.sqrt(np.median(squares)) if squares else math.nan


def best_tenth(spec: Spec, trials: Sequence[Trial]) -> set[int]:
    """The numbers of the best tenth, rounded up, of the trials that have a value; a pruned one counts with its last."""
    known = [trial for trial in trials if trial.outcome.state != "failed"]
    ranked = sorted((trial.outcome.cost(spec.metric), trial.number) for trial in known)
    return {number for _, number in ranked[: math.ceil(len(ranked) / 10)]}


def shrinkage(params: Mapping[str, Value], outcome: Outcome) -> float:
    """Total shrinkage by weight decay up to the best epoch: the sum over steps of learning rate * weight_decay."""
    return float(params["learning_rate"]) * float(params["weight_decay"]) * full_steps(outcome.steps)
