"""A metric on samples: one of scikit-learn's by its name, or the user's own."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.data.folds import FoldData
from tuner.data.series import Floats, Ints
from tuner.errors import UserError, nearest
from tuner.spec.sections import Spec


@dataclass(frozen=True)
class SampleMetric:
    """A metric of outputs, (n, outputs): logits of classes, or values in the units of the answers.

    Attributes:
        name: of a scorer of scikit-learn's.
        own: the user's own, `f(y_true, y_score)`, in its place. It gets the number of each class, in their order, and
            the second one's probability (or that of each, if there are more); or the values.
        classes: how many; 0 for values.
    """

    name: str
    own: Callable[..., Any] | None
    classes: int

    def __call__(self, answers: Floats, outputs: npt.NDArray[np.floating]) -> float:
        """The metric; NaN where it cannot be told, as for a single class.

        Raises:
            UserError: it fails in another way.
        """
        truth = (
            answers.argmax(axis=1) if self.classes else answers.squeeze(axis=1) if answers.shape[1] == 1 else answers
        )
        if not np.isfinite(outputs).all() or (self.classes and len(np.unique(truth)) < 2):
            return float("nan")
        fixed = _fixed_outputs(self.classes)(outputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes that are never named, and the like
            try:
                if self.own is not None:
                    return float(self.own(truth, fixed.score()))
                return float(_scorer(self.name)(fixed, np.arange(len(truth))[:, None], truth))
            except Exception as error:  # the user's, or of a metric that does not suit the answers
                what = f"the metric {self.name.partition('@')[0]} failed: {' '.join(str(error).split())[:300]}"
                raise UserError(what, where="metric", hint="name another one, or mend it") from None


def find_sample_metric(spec: Spec, outputs: int) -> SampleMetric | None:
    """The metric of a study on samples; None where the loss decides, or windows of series are scored.

    Raises:
        UserError: scikit-learn has none of this name.
    """
    if not spec.on_samples or spec.study.metric == "loss":
        return None
    metric = SampleMetric(spec.study.metric, spec.study.given, outputs if spec.task.kind == "classify" else 0)
    if metric.own is None:
        _scorer(metric.name)
    return metric


def raw(data: FoldData, outputs: npt.NDArray[np.floating]) -> Floats:
    """Outputs, (…, outputs), in the units of the answers; logits as they are."""
    if data.targets is None:
        return outputs.astype(np.float64)
    return np.asarray(outputs * np.array(data.targets.deviation) + data.targets.mean)


def judge_outputs(metric: SampleMetric, data: FoldData, windows: Ints, outputs: npt.NDArray[np.floating]) -> float:
    """The metric of the outputs, (n, outputs), for windows, (n,), of a fold."""
    return metric(raw(data, data.answers[windows]), raw(data, outputs))


@cache
def _scorer(name: str) -> Callable[..., Any]:
    from sklearn.metrics import get_scorer, get_scorer_names  # slow to import

    if name not in get_scorer_names():
        raise UserError(f"there is no metric {name}", where="metric", hint=nearest(name, ["loss", *get_scorer_names()]))
    scorer: Callable[..., Any] = get_scorer(name)
    return scorer


@cache
def _fixed_outputs(classes: int) -> Any:  # noqa: ANN401 (a class)
    """A class of scikit-learn's estimators whose outputs are known; what it is asked for are their row numbers."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    class FixedOutputs((ClassifierMixin if classes else RegressorMixin), BaseEstimator):  # type: ignore[misc]
        classes_ = np.arange(classes)

        def __init__(self, outputs: Floats) -> None:
            self.outputs = outputs

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, rows: Ints) -> Floats:
            found = self.outputs[rows[:, 0]]
            if classes:
                return np.asarray(found.argmax(axis=1), dtype=np.float64)
            return np.asarray(found[:, 0] if found.shape[1] == 1 else found)

        def predict_proba(self, rows: Ints) -> Floats:
            logits = self.outputs[rows[:, 0]]
            return np.asarray(np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)))

        def decision_function(self, rows: Ints) -> Floats:
            found = self.outputs[rows[:, 0]]
            return found[:, 1] - found[:, 0] if classes == 2 else found

        def score(self) -> Floats:
            """What a metric of the user's own gets."""
            rows = np.arange(len(self.outputs))[:, None]
            if not classes:
                return self.predict(rows)
            proba = self.predict_proba(rows)
            return proba[:, 1] if classes == 2 else proba

    return FixedOutputs
