"""The study file's space in Optuna's terms."""

from collections.abc import Mapping

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from tuner.spec.space import PARAMETERS, Choices, Constant, Domain, Range, Value

STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


def optuna_space(space: Mapping[str, Domain]) -> dict[str, BaseDistribution]:
    """The distribution of every parameter that is searched; constants have none. The same for every trial."""
    return {name: _distribution(name, domain) for name, domain in space.items() if not isinstance(domain, Constant)}


def _distribution(name: str, domain: Range | Choices) -> BaseDistribution:
    if isinstance(domain, Choices):
        return CategoricalDistribution(domain.choices)
    if PARAMETERS[name].kind is int:
        return IntDistribution(int(domain.low), int(domain.high), log=domain.log, step=int(domain.step or 1))
    return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)


def without_constants(space: Mapping[str, Domain], params: Mapping[str, Value]) -> dict[str, Value]:
    """The parameters that are searched: what Optuna is to know."""
    return {name: value for name, value in params.items() if not isinstance(space[name], Constant)}


def with_constants(space: Mapping[str, Domain], params: Mapping[str, Value]) -> dict[str, Value]:
    """Searched parameters together with the constants, in the order of the space."""
    return {name: domain.value if isinstance(domain, Constant) else params[name] for name, domain in space.items()}
