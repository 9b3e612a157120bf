"""Scalar attributes of a trial, which become axes in Optuna's tools."""

from collections.abc import Mapping

from tuner.results.selection import shrinkage
from tuner.spec.space import Value
from tuner.training.outcome import Outcome, standard_error


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
