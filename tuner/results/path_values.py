"""The values that a regularisation path goes through."""

from collections.abc import Iterable
from math import isclose

import numpy as np

from tuner.errors import UserError, nearest
from tuner.spec.sections import Spec
from tuner.spec.space import PARAMETERS, Choices, Constant, Range, Value

# Digits of a value between the ends of its range: the same on every machine, and readable.
DIGITS = 4


def path_domain(spec: Spec, name: str) -> Range | Choices:
    """What a path of the parameter goes through: its domain in the study, or its usual one where the study fixes it.

    Raises:
        UserError: there is no such parameter, or it has one possible value.
    """
    if name not in PARAMETERS:
        raise UserError(f"unknown parameter `{name}`", where="--param", hint=nearest(name, PARAMETERS))
    parameter, domain = PARAMETERS[name], spec.space[name]
    if isinstance(domain, Constant):
        domain = Choices(parameter.words, parameter.words[0]) if parameter.words else parameter.domain
    if isinstance(domain, Constant) or (isinstance(domain, Choices) and len(domain.choices) < 2):
        raise UserError(
            f"`{name}` has one possible value, {spec.space[name].default}: there is no path",
            where="--param",
            hint=f"give it a range in the [space] of another study: {name} = {{low = …, high = …}}",
        )
    return domain


def is_log(domain: Range | Choices) -> bool:
    """Whether values are spaced evenly by their logarithm: where the range is, or could be."""
    if isinstance(domain, Choices):
        return all(not isinstance(choice, str) and choice > 0 for choice in domain.choices)
    return domain.log or (domain.low > 0 and domain.step is None)


def path_values(name: str, domain: Range | Choices, count: int, own: Value) -> tuple[Value, ...]:
    """At most `count` values spread over the domain, both ends among them, and the study's `own`, in order.

    Whole numbers are each taken once, choices all.
    """
    values = domain.choices if isinstance(domain, Choices) else _spread(domain, count, PARAMETERS[name].kind is int)
    # a value that rounding alone tells from the study's own would be trained twice
    others = [value for value in values if isinstance(value, str) or isinstance(own, str) or not isclose(value, own)]
    return tuple(ordered(name, [*others, own]))


def ordered(name: str, values: Iterable[Value]) -> list[Value]:
    """Numbers by size, words as the parameter lists them."""
    words = PARAMETERS[name].words
    return sorted(set(values), key=lambda value: words.index(value) if isinstance(value, str) else value)


def _spread(domain: Range, count: int, whole: bool) -> list[float | int]:
    low, high = domain.low, domain.high
    if domain.step is not None:
        steps = round((high - low) / domain.step)
        places = np.linspace(0, steps, min(count, steps + 1)).round()
        spaced = [low + domain.step * float(place) for place in places]
    else:
        spaced = (np.geomspace if is_log(domain) else np.linspace)(low, high, count).tolist()
    if whole:
        return sorted({round(value) for value in spaced})
    inner = {float(f"{value:.{DIGITS}g}") for value in spaced[1:-1]}
    return [low, *sorted(value for value in inner if low < value < high), high]
