"""Selects the best trial of a study; its certainty, and the effort behind it."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tuner.spec.metric import Metric
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.training.outcome import Outcome, standard_error

Floats = npt.NDArray[np.float64]


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
class Summary:
    """A study in figures.

    Attributes:
        best: the trial with the best mean; None while nothing has completed.
        one_se: the trial with the strongest regularisation whose mean is within one standard error of it.
        complete, pruned, failed: how many trials ended so.
        audits: how many trials went on though the pruner would have ended them.
        false_prunes: how many of these came out among the best tenth of all trials that did not fail.
        fold_epochs: epochs trained, summed over trials and folds, the finalists' repeats included.
        fold_epochs_saved: what pruning and early stopping left out of the last epoch of all trials that did not fail.
    """

    best: Selection | None
    one_se: Selection | None
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
    full = spec.cv.folds * spec.train.max_epochs * (len(states) - states.count("failed"))
    own = sum(trial.outcome.fold_epochs for trial in trials if trial.outcome.state != "failed")
    best, one_se = select(spec, test_to_train, trials)
    return Summary(
        best=best,
        one_se=one_se,
        complete=states.count("complete"),
        pruned=states.count("pruned"),
        failed=states.count("failed"),
        audits=len(audits),
        false_prunes=len(set(audits) & best_tenth(spec, trials)),
        fold_epochs=sum(outcome.fold_epochs for trial in trials for outcome in (trial.outcome, *trial.repeats)),
        fold_epochs_saved=full - own,
    )


def finalists(spec: Spec, trials: Sequence[Trial]) -> list[Trial]:
    """The complete trials that are repeated before one of them is named, best first; the first on ties."""
    complete = [trial for trial in trials if trial.outcome.state == "complete"]
    return sorted(complete, key=lambda trial: trial.outcome.cost(spec.metric))[: spec.search.finalists]


def select(spec: Spec, test_to_train: float, trials: Sequence[Trial]) -> tuple[Selection | None, Selection | None]:
    """The best trial, and the most regularised one that is not clearly worse (the one-standard-error rule).

    Best is the finalist with the least mean cost over itself and its repeats, once all finalists have theirs; the best
    of many single runs is above all a lucky one. Of the complete trials whose mean cost is within one standard error of
    that, the most regularised is the one with the highest training loss at its best epoch (it refuses more of its
    training rows), then the fewest weights, then the lowest number: with several penalties there is no natural order.
    """
    last = finalists(spec, trials)
    if not last:
        return None, None
    settled = spec.search.repeats > 0 and all(len(trial.repeats) == spec.search.repeats for trial in last)
    complete = [trial for trial in last if all(outcome.state == "complete" for outcome in trial.repeats)]
    repeated = {trial.number for trial in complete} if settled else set()
    cost = {
        trial.number: float(np.nanmean(fold_costs(spec.metric, trial, repeats=trial.number in repeated)))
        for trial in trials
        if trial.outcome.state == "complete"
    }
    contenders = [trial for trial in last if trial.number in repeated] or last
    best = min(contenders, key=lambda trial: cost[trial.number])
    se = study_error(spec, test_to_train, trials, best, repeated)

    def chosen(trial: Trial) -> Selection:
        value = trial.outcome.value
        assert value is not None  # noqa: S101 (it is complete)
        mean = float(np.nanmean(fold_values(trial, repeats=True))) if trial.number in repeated else None
        units = spec.metric.in_units(se, value if mean is None else mean)
        return Selection(trial, value, mean, units, cost[trial.number], se)

    limit = cost[best.number] + (0.0 if math.isnan(se) else se)
    near = [trial for trial in trials if cost.get(trial.number, math.inf) <= limit]
    most = min(near, key=lambda t: (-t.outcome.train_loss, t.outcome.weights, t.number))
    return chosen(best), chosen(most)


def fold_values(trial: Trial, *, repeats: bool) -> Floats:
    """The study's metric of each fold at the best epoch, (folds,), mean over the trial and its repeats."""
    outcomes = (trial.outcome, *(trial.repeats if repeats else ()))
    values: Floats = np.mean([outcome.at_best("metric") for outcome in outcomes], axis=0)
    return values


def fold_costs(metric: Metric, trial: Trial, *, repeats: bool) -> Floats:
    """The costs of the same, (folds,)."""
    outcomes = (trial.outcome, *(trial.repeats if repeats else ()))
    costs: Floats = np.mean([metric.costs(outcome.at_best("metric")) for outcome in outcomes], axis=0)
    return costs


def mean_of_runs(trial: Trial) -> float | None:
    """A trial's value, or the mean of it and its repeats where it was trained again; None if it failed."""
    if trial.outcome.state == "failed":
        return None
    return float(np.nanmean(fold_values(trial, repeats=is_repeated(trial))))


def cost_of_runs(metric: Metric, trial: Trial) -> float:
    """The cost of a trial, or the mean of that and its repeats' where it was trained again; infinite if it failed."""
    if trial.outcome.state == "failed":
        return math.inf
    return float(np.nanmean(fold_costs(metric, trial, repeats=is_repeated(trial))))


def is_repeated(trial: Trial) -> bool:
    """True where a trial was trained again and no run of it failed."""
    return bool(trial.repeats) and all(outcome.state != "failed" for outcome in trial.repeats)


def study_error(
    spec: Spec, test_to_train: float, trials: Sequence[Trial], best: Trial, repeated: Collection[int]
) -> float:
    """The standard error of a difference in cost to the best, one for the whole study; NaN with fewer than two trials.

    sqrt((1/k + test/train) * s2), where s2 is the median variance over folds of the paired differences to the best
    trial, over the best quarter of the complete trials (corrected for overlapping training sets: Nadeau & Bengio,
    Machine Learning 52, 2003; a heuristic for k-fold). An error of each candidate's own would let the noisy ones in.
    """
    complete = sorted(
        (trial for trial in trials if trial.outcome.state == "complete"),
        key=lambda trial: trial.outcome.cost(spec.metric),
    )
    quarter = [trial for trial in complete[: max(2, math.ceil(len(complete) / 4))] if trial.number != best.number]
    mine = fold_costs(spec.metric, best, repeats=best.number in repeated)
    others = [fold_costs(spec.metric, trial, repeats=trial.number in repeated) for trial in quarter]
    return paired_error(mine, others, test_to_train)


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
    """Total shrinkage by weight decay up to the best epoch: learning_rate * weight_decay * steps."""
    return float(params["learning_rate"]) * float(params["weight_decay"]) * outcome.steps


def scalars(test_to_train: float, params: Mapping[str, Value], outcome: Outcome) -> dict[str, float | int | str]:
    """Scalar attributes of a trial, which become axes in Optuna's tools."""
    shown: dict[str, float | int | str] = {"fold_epochs": outcome.fold_epochs, "seconds": round(outcome.seconds, 3)}
    if outcome.reason:
        shown["reason"] = outcome.reason[:2000]
    if outcome.state == "failed":
        return shown
    shown["se"] = standard_error(outcome.at_best("metric"), test_to_train)
    shown["shrinkage"] = shrinkage(params, outcome)
    for name in ("best_epoch", "train_loss", "valid_loss", "gap", "weights", "zeros", "weight_norm"):
        shown[name] = getattr(outcome, name)
    if outcome.detection is not None:
        for name in ("average_precision", "precision", "recall", "f1"):
            shown[name] = getattr(outcome.detection, name)
    return shown
