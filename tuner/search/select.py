"""What a study found: its best trial, how sure that is, and what it took."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.search.facts import Facts
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.training.curves import Outcome, standard_error


@dataclass(frozen=True)
class Trial:
    """A told trial: its number, parameters (constants included) and outcome."""

    number: int
    params: Mapping[str, Value]
    outcome: Outcome


@dataclass(frozen=True)
class Chosen:
    """A selected trial: the mean over folds of the study's metric at its best epoch, and the mean's standard error."""

    trial: Trial
    value: float
    se: float


@dataclass(frozen=True)
class Summary:
    """A study in figures; `best` is None while nothing has completed.

    Attributes:
        best: the complete trial with the best mean.
        complete, pruned, failed: how many trials ended so.
        audits: how many trials went on though the pruner would have ended them.
        false_prunes: how many of these came out among the best tenth of all trials that did not fail.
        fold_epochs: epochs trained, summed over trials and folds.
        fold_epochs_full: had every trial that did not fail gone to its last epoch.
    """

    best: Chosen | None
    complete: int
    pruned: int
    failed: int
    audits: int
    false_prunes: int
    fold_epochs: int
    fold_epochs_full: int

    @property
    def trials(self) -> int:
        return self.complete + self.pruned + self.failed


def summarise(spec: Spec, facts: Facts, trials: Sequence[Trial]) -> Summary:
    """The figures of the told trials, a pure function of them."""
    states = [trial.outcome.state for trial in trials]
    audits = [trial.number for trial in trials if trial.outcome.audited]
    full = spec.cv.folds * spec.train.max_epochs
    return Summary(
        best=choose_best(spec, facts, trials),
        complete=states.count("complete"),
        pruned=states.count("pruned"),
        failed=states.count("failed"),
        audits=len(audits),
        false_prunes=len(set(audits) & best_tenth(spec, trials)),
        fold_epochs=sum(trial.outcome.fold_epochs for trial in trials),
        fold_epochs_full=full * (len(states) - states.count("failed")),
    )


def best_tenth(spec: Spec, trials: Sequence[Trial]) -> set[int]:
    """The numbers of the best tenth, rounded up, of the trials that have a value; a pruned one counts with its last."""
    sign = -1.0 if spec.maximise else 1.0
    values = [(trial.number, trial.outcome.value) for trial in trials]
    ranked = sorted((sign * value, number) for number, value in values if value is not None)
    return {number for _, number in ranked[: math.ceil(len(ranked) / 10)]}


def choose_best(spec: Spec, facts: Facts, trials: Sequence[Trial]) -> Chosen | None:
    """The complete trial with the best mean; of equals the one with the lowest number."""
    sign = -1.0 if spec.maximise else 1.0
    complete = [(trial, trial.outcome.value) for trial in trials if trial.outcome.state == "complete"]
    ranked = sorted((sign * value, trial.number, trial) for trial, value in complete if value is not None)
    if not ranked:
        return None
    trial = ranked[0][2]
    se = standard_error(trial.outcome.at_best("metric"), facts.test_to_train)
    return Chosen(trial, sign * ranked[0][0], se)


def shrinkage(params: Mapping[str, Value], outcome: Outcome) -> float:
    """Total shrinkage by weight decay up to the best epoch: learning_rate * weight_decay * steps."""
    return float(params["learning_rate"]) * float(params["weight_decay"]) * outcome.steps


def scalars(spec: Spec, facts: Facts, params: Mapping[str, Value], outcome: Outcome) -> dict[str, float | int | str]:
    """What a trial is shown with in Optuna's tools: scalar attributes, which become axes there."""
    shown: dict[str, float | int | str] = {"fold_epochs": outcome.fold_epochs, "seconds": round(outcome.seconds, 3)}
    if outcome.reason:
        shown["reason"] = outcome.reason[:2000]
    if outcome.state == "failed":
        return shown
    train = sum(outcome.at_best("train_loss")) / spec.cv.folds
    valid = sum(outcome.at_best("valid_loss")) / spec.cv.folds
    shown |= {
        "best_epoch": outcome.best_epoch,
        "se": standard_error(outcome.at_best("metric"), facts.test_to_train),
        "train_loss": train,
        "valid_loss": valid,
        "gap": valid - train,
        "weights": outcome.weights,
        "zeros": outcome.zeros,
        "weight_norm": outcome.weight_norm,
        "shrinkage": shrinkage(params, outcome),
    }
    if outcome.detection is not None:
        shown |= {
            "average_precision": outcome.detection.average_precision,
            "precision": outcome.detection.precision,
            "recall": outcome.detection.recall,
            "f1": outcome.detection.f1,
        }
    return shown
