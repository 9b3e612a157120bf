"""Estimators of scikit-learn's kind that tune an LSTM when they are fitted, after the pattern of `LassoCV`."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted
from torch import nn

from tuner.api.found import Found
from tuner.api.tuning import tune


class _LSTMCV(BaseEstimator):  # type: ignore[misc]
    """What both have in common; arguments as of `tuner.tune`."""

    found_: Found

    def __init__(
        self,
        model: Callable[..., nn.Module] | None = None,
        *,
        args: Mapping[str, Any] | None = None,
        loss: Callable[..., Any] | None = None,
        metric: str | Callable[..., Any] = "loss",
        greater_is_better: bool = True,
        cv: Any = 5,  # noqa: ANN401 (a number, or a splitter)
        trials: int = 30,
        epochs: int | None = None,
        minutes: float | None = None,
        random_state: int = 0,
        n_jobs: int | None = None,
        storage: str | None = None,
        verbose: bool = False,
    ) -> None:
        self.model = model
        self.args = args
        self.loss = loss
        self.metric = metric
        self.greater_is_better = greater_is_better
        self.cv = cv
        self.trials = trials
        self.epochs = epochs
        self.minutes = minutes
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.storage = storage
        self.verbose = verbose

    def _tune(self, x: Any, y: npt.NDArray[Any], groups: Any) -> Self:  # noqa: ANN401 (whatever `tune` takes)
        self.found_ = tune(
            x,
            y,
            model=self.model,
            args=self.args,
            loss=self.loss,
            metric=self.metric,
            greater_is_better=self.greater_is_better,
            groups=groups,
            cv=self.cv,
            holdout=0.0,
            trials=self.trials,
            epochs=self.epochs,
            minutes=self.minutes,
            seed=self.random_state,
            workers=self.n_jobs,
            storage=self.storage,
            quiet=not self.verbose,
        )
        self.best_params_ = self.found_.params
        self.path_ = [{**trial.params, "value": trial.outcome.value} for trial in self.found_.trials]
        return self

    def _outputs(self, x: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401 (whatever `tune` takes)
        check_is_fitted(self, "found_")
        return self.found_.predict(x).astype(np.float64)


class LSTMClassifierCV(ClassifierMixin, _LSTMCV):  # type: ignore[misc]
    """An LSTM classifier of sequences whose regularisation is chosen by cross-validation when it is fitted.

    Attributes:
        classes_: in the order of the columns of `predict_proba`.
        best_params_: the chosen configuration.
        path_: the parameters and the score of every trial.
        found_: what `tuner.tune` gives.
    """

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:  # noqa: ANN401, N803 (scikit-learn's names)
        """Tunes and refits it on sequences, (n, time, columns), and their classes, (n,).

        Raises:
            UserError: as `tuner.tune`.
        """
        labels = np.asarray(y)
        self.classes_ = np.unique(labels)
        return self._tune(X, np.searchsorted(self.classes_, labels), groups)

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401, N803 (scikit-learn's names)
        """The probability of each class, (n, classes)."""
        logits = self._outputs(X)
        return np.asarray(np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)))

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: ANN401, N803 (scikit-learn's names)
        """The likeliest class of each, (n,)."""
        likeliest: npt.NDArray[Any] = self.classes_[self._outputs(X).argmax(axis=1)]
        return likeliest


class LSTMRegressorCV(RegressorMixin, _LSTMCV):  # type: ignore[misc]
    """An LSTM regressor of sequences, as `LSTMClassifierCV` but for classes."""

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:  # noqa: ANN401, N803 (scikit-learn's names)
        """Tunes and refits it on sequences, (n, time, columns), and their values, (n,) or (n, k).

        Raises:
            UserError: as `tuner.tune`.
        """
        values = np.asarray(y, dtype=np.float64)
        self._flat = values.ndim == 1
        return self._tune(X, values, groups)

    def predict(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401, N803 (scikit-learn's names)
        """The value of each, (n,) or (n, k) as `y` was."""
        values = self._outputs(X)
        return values[:, 0] if self._flat else values
