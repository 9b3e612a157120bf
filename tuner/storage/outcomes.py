"""How an outcome is kept as plain values: its fold curves apart, null where they are not finite."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from tuner.evaluation.detection import Detection
from tuner.training.outcome import FoldCurve, Outcome

Curve = dict[str, list[float | None]]

# made once: making it takes longer than reading an outcome with it
DETECTIONS = TypeAdapter(Detection | None)


def write_outcome(outcome: Outcome) -> tuple[dict[str, Any], list[Curve]]:
    """The outcome without its folds and scores, and the curves of each fold by name."""
    values = asdict(outcome)
    folds = values.pop("folds")
    del values["scores"]
    return values, [{name: _nulled(curve) for name, curve in fold.items()} for fold in folds]


def read_outcome(values: Mapping[str, Any], folds: Iterable[Mapping[str, Sequence[float | None]]]) -> Outcome:
    """The outcome that was written; what was not finite in a curve is NaN.

    Raises:
        ValueError: the values are of no outcome, or its curves do not belong together.
    """
    read = [FoldCurve(**{name: _filled(curve) for name, curve in fold.items()}) for fold in folds]
    detection = DETECTIONS.validate_python(values["detection"])
    outcome = Outcome(**{**values, "curve": tuple(values["curve"]), "folds": tuple(read), "detection": detection})
    lengths = {len(curve) for fold in read for curve in (fold.train_loss, fold.valid_loss, fold.metric)}
    if outcome.state != "failed" and not (lengths == {len(outcome.curve)} and 0 < outcome.best_epoch <= min(lengths)):
        raise ValueError("the curves of a trial do not belong together")
    return outcome


def _nulled(curve: Sequence[float]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in curve]


def _filled(curve: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(math.nan if value is None else value for value in curve)
