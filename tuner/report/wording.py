"""How metrics, parameters and numbers are worded, on the page and on the terminal."""

import math

from tuner.spec.space import Constant, Domain, Range, Value

METRIC_WORDS = {"loss": "loss", "average_precision": "average precision", "f1": "F1"}


def number(value: float | None) -> str:
    """A score, to four places; empty where there is none."""
    return "" if value is None or math.isnan(value) else f"{value:.4f}"


def shown(value: Value) -> str:
    """A parameter's value, to four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def searched(domain: Domain) -> str:
    """Where a parameter was searched."""
    if isinstance(domain, Constant):
        return "fixed"
    if isinstance(domain, Range):
        return f"{shown(domain.low)} to {shown(domain.high)}{', log' if domain.log else ''}"
    return ", ".join(map(shown, domain.choices))
