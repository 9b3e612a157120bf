"""The search space: one domain for each of the network's regularisation and training parameters."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.errors import UserError, nearest

Value = float | int | str


@dataclass(frozen=True)
class Constant:
    """A parameter that the study does not search."""

    value: Value

    @property
    def default(self) -> Value:
        return self.value

    @property
    def low(self) -> Value:
        return self.value


@dataclass(frozen=True)
class Range:
    """The numbers from `low` to `high`, both included; on a logarithmic scale if `log`, in steps if `step`."""

    low: float | int
    high: float | int
    default: float | int
    log: bool = False
    step: float | int | None = None


@dataclass(frozen=True)
class Choices:
    """A finite set of values."""

    choices: tuple[Value, ...]
    default: Value

    @property
    def low(self) -> Value:
        """The least regularised choice: the smallest number, or for words the first one listed."""
        numbers = [choice for choice in self.choices if not isinstance(choice, str)]
        return min(numbers) if len(numbers) == len(self.choices) else self.choices[0]


Domain = Constant | Range | Choices

HOW = "write a constant, {low = …, high = …} or {choices = […]}"


@dataclass(frozen=True)
class Parameter:
    """A parameter before any study: its type, hard limits and default domain.

    `regularises` is true where a smaller value means less regularisation, so that the unregularised
    reference (trial 0) takes the domain's minimum; other parameters stay at their default there.
    """

    kind: type[float] | type[int] | type[str]
    domain: Domain
    least: float = 0.0
    most: float = math.inf
    regularises: bool = True
    words: tuple[str, ...] = ()


# Total shrinkage by decoupled decay is learning_rate * weight_decay * steps: below 0.001 nothing happens on small data.
PARAMETERS: Mapping[str, Parameter] = {
    "dropout": Parameter(float, Range(0.0, 0.6, 0.2), most=0.95),
    "input_dropout": Parameter(float, Range(0.0, 0.4, 0.0), most=0.95),
    "recurrent_dropout": Parameter(float, Range(0.0, 0.5, 0.0), most=0.95),
    "weight_decay": Parameter(float, Range(1e-3, 10.0, 1e-2, log=True), most=1e3),
    "l1": Parameter(float, Range(1e-6, 1e-2, 1e-6, log=True), most=1e3),
    "hidden_size": Parameter(int, Range(8, 64, 32, log=True), least=1, most=4096, regularises=False),
    "num_layers": Parameter(int, Range(1, 2, 1), least=1, most=16, regularises=False),
    "normalization": Parameter(str, Constant("none"), regularises=True, words=("none", "batch", "layer")),
    "learning_rate": Parameter(float, Range(5e-4, 1e-2, 2e-3, log=True), least=1e-8, most=10.0, regularises=False),
    "batch_size": Parameter(int, Constant(64), least=2, most=65536, regularises=False),
    "jitter": Parameter(float, Range(0.0, 0.5, 0.0), most=10.0),
    "time_shift": Parameter(int, Constant(0), most=10_000),
    "synthetic": Parameter(float, Constant(0.0), most=1.0),
}


def parse_space(lines: Mapping[str, Any], homes: Mapping[str, str] | None = None) -> dict[str, Domain]:
    """The domain of every parameter, from the lines of a study file's `[space]`; those left out keep their default.

    Args:
        lines: parameter to constant, or to a table of `low` and `high`, or of `choices`.
        homes: in which other section keys belong, for the message to who put one here.

    Raises:
        UserError: an unknown parameter, a wrong type, or a domain that is empty or outside the hard limits.
    """
    homes = homes or {}
    for name in lines:
        if name not in PARAMETERS:
            hint = f"`{name}` belongs in [{homes[name]}]" if name in homes else nearest(name, PARAMETERS)
            raise UserError(f"unknown parameter `{name}`", where="[space]", hint=hint)
    return {
        name: _parse_domain(name, parameter, lines[name]) if name in lines else parameter.domain
        for name, parameter in PARAMETERS.items()
    }


def _parse_domain(name: str, parameter: Parameter, line: Any) -> Domain:  # noqa: ANN401 (TOML value)
    where = f"[space] {name}"
    if not isinstance(line, Mapping):
        return Constant(_checked(parameter, line, where))
    keys = {"choices", "default"} if "choices" in line else {"low", "high", "log", "step", "default"}
    for key in line:
        if key not in keys:
            raise UserError(f"unknown key `{key}`", where=where, hint=nearest(key, sorted(keys)))
    return _parse_choices(parameter, line, where) if "choices" in line else _parse_range(parameter, line, where)


def _parse_choices(parameter: Parameter, line: Mapping[str, Any], where: str) -> Choices:
    listed = line["choices"]
    if not isinstance(listed, (list, tuple)) or not listed:
        raise UserError("`choices` must be a list of at least one value", where=where, hint=HOW)
    choices = tuple(_checked(parameter, choice, where) for choice in listed)
    if len(set(choices)) < len(choices):
        raise UserError("`choices` names a value twice", where=where, hint="name each once")
    default = _checked(parameter, line.get("default", choices[0]), where)
    if default not in choices:
        raise UserError(f"the default {default!r} is not one of the choices", where=where, hint="name one of them")
    return Choices(choices, default)


def _parse_range(parameter: Parameter, line: Mapping[str, Any], where: str) -> Range:
    if parameter.kind is str:
        words = ", ".join(f'"{word}"' for word in parameter.words)
        raise UserError("takes words, not a range", where=where, hint=f"write {{choices = [{words}]}}")
    if missing := [key for key in ("low", "high") if key not in line]:
        raise UserError(
            f"`{missing[0]}` is missing",
            where=where,
            hint=HOW,
        )
    low, high = (_checked(parameter, line[key], where) for key in ("low", "high"))
    log, step = line.get("log", False), line.get("step")
    if not isinstance(log, bool):
        raise UserError("`log` must be true or false", where=where, hint="write log = true, or leave it out")
    if isinstance(low, str) or isinstance(high, str) or low >= high:
        hint = "change one of them, or write a constant"
        raise UserError(f"`low` ({low}) must be below `high` ({high})", where=where, hint=hint)
    if log and low <= 0:
        raise UserError("a logarithmic range needs `low` above 0", where=where, hint="raise `low` or drop `log`")
    if step is not None:
        step = _checked_step(_number(parameter, step, f"{where} step"), low, high, log, where)
    if "default" in line:
        default = _checked(parameter, line["default"], where)
    else:
        usual = parameter.domain.default
        default = usual if not isinstance(usual, str) and low <= usual <= high else low
        if step is not None:
            default = parameter.kind(low + step * round((default - low) / step))
    if isinstance(default, str) or not low <= default <= high:
        hint = "change it, or leave it out"
        raise UserError(f"the default {default} lies outside {low} to {high}", where=where, hint=hint)
    if step is not None and not _on_grid(default, low, step):
        hint = "change it, or leave it out"
        raise UserError(f"the default {default} is not `low` plus a whole number of steps", where=where, hint=hint)
    return Range(low, high, default, log, step)


def _checked_step(step: float | int, low: float, high: float, log: bool, where: str) -> float | int:
    if log or not 0 < step <= high - low:
        what = "`step` must be above 0, within the range, and cannot go with `log`"
        raise UserError(what, where=where, hint="change it, or leave it out")
    if not _on_grid(high, low, step):
        most = low + step * int((high - low) / step)
        raise UserError(
            f"`high` ({high}) is not `low` plus a whole number of steps", where=where, hint=f"the nearest is {most:g}"
        )
    return step


def _on_grid(value: float, low: float, step: float) -> bool:
    steps = (value - low) / step
    return math.isfinite(steps) and abs(steps - round(steps)) < 1e-9


def _number(parameter: Parameter, value: Any, where: str) -> float | int:  # noqa: ANN401 (TOML value)
    kind = "a whole number" if parameter.kind is int else "a number"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e300:
        raise UserError(f"{value!r} is not {kind}", where=where, hint=HOW)
    if parameter.kind is int and value != int(value):
        raise UserError(f"{value!r} is not a whole number", where=where, hint=f"{int(value)} is")
    return int(value) if parameter.kind is int else float(value)


def _checked(parameter: Parameter, value: Any, where: str) -> Value:  # noqa: ANN401 (TOML value)
    if parameter.kind is str:
        if value not in parameter.words:
            raise UserError(
                f"{value!r} is not one of {', '.join(parameter.words)}",
                where=where,
                hint=nearest(str(value), parameter.words),
            )
        return str(value)
    number = _number(parameter, value, where)
    if not parameter.least <= number <= parameter.most:
        what = f"{number} lies outside {parameter.least:g} to {parameter.most:g}"
        raise UserError(what, where=where, hint="choose a value between them")
    return number


def defaults(space: Mapping[str, Domain]) -> dict[str, Value]:
    """Trial 1: every parameter at its default."""
    return {name: domain.default for name, domain in space.items()}


def ends(domain: Domain) -> tuple[Value, ...]:
    """Values of a domain, its minimum and maximum among them."""
    match domain:
        case Range():
            return domain.low, domain.high
        case Constant():
            return (domain.value,)
        case Choices():
            return domain.choices


def levels(name: str, domain: Domain) -> tuple[Value, ...] | None:
    """All values of a parameter's domain; None where it is a continuum."""
    if not isinstance(domain, Range):
        return ends(domain)
    step = domain.step or (1 if PARAMETERS[name].kind is int else None)
    if step is None:
        return None
    return tuple(domain.low + step * at for at in range(round((domain.high - domain.low) / step) + 1))


def count_configurations(space: Mapping[str, Domain]) -> int | None:
    """The number of different configurations; None where there is no end of them."""
    sizes = [None if (values := levels(name, domain)) is None else len(values) for name, domain in space.items()]
    return None if None in sizes else math.prod(size for size in sizes if size)


def unregularised(space: Mapping[str, Domain]) -> dict[str, Value]:
    """Trial 0: every regulariser at its minimum, sizes and training parameters at their defaults."""
    return {name: domain.low if PARAMETERS[name].regularises else domain.default for name, domain in space.items()}
