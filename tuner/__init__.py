"""Hyperparameter search for the regularisation strength of LSTMs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.api.estimators import LSTMClassifierCV, LSTMRegressorCV
    from tuner.api.studies import load, run_study
    from tuner.api.tuning import tune
    from tuner.doctor.checkup import check
    from tuner.model.dropout import regularise
    from tuner.model.proximal import ProximalL1

__version__ = "0.1.0"
__all__ = [
    "LSTMClassifierCV",
    "LSTMRegressorCV",
    "ProximalL1",
    "check",
    "load",
    "regularise",
    "run_study",
    "tune",
]

HOMES = {
    "LSTMClassifierCV": "tuner.api.estimators",
    "LSTMRegressorCV": "tuner.api.estimators",
    "ProximalL1": "tuner.model.proximal",
    "check": "tuner.doctor.checkup",
    "regularise": "tuner.model.dropout",
    "tune": "tuner.api.tuning",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (any of them)
    """Loads what is offered when it is first asked for: `import tuner` stays light."""
    if name in __all__:
        return getattr(import_module(HOMES.get(name, "tuner.api.studies")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
