"""Hyperparameter search for the regularisation strength of LSTMs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.api import load, run_study

__version__ = "0.1.0"
__all__ = ["load", "run_study"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (any of them)
    """Loads the functions of `tuner.api` when they are first asked for: `import tuner` stays light."""
    if name in __all__:
        from tuner import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
