"""The importance of each parameter for the score: Optuna's fANOVA on the told trials."""

import math
from collections.abc import Sequence

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from tuner.results.selection import Trial
from tuner.spec.sections import Spec
from tuner.spec.space import Range, Value
from tuner.storage.distributions import optuna_space

# Below, a forest of regression trees has next to nothing to split.
LEAST_TRIALS = 10
# Of Optuna's 64 trees of any depth 500 trials take ten seconds, of these one; the shares differ by a few hundredths.
TREES, DEPTH = 32, 6


def importances(spec: Spec, trials: Sequence[Trial]) -> dict[str, float]:
    """Each searched parameter's share of the variance of the score that single parameters explain, greatest first.

    By fANOVA (Hutter, Hoos & Leyton-Brown, ICML 2014) on the complete trials: random forests, seeded, so that the same
    study gives the same shares. Interactions are left out, and so is a parameter that had the same value everywhere.

    Returns:
        Parameter to share, adding up to 1; empty where fewer than LEAST_TRIALS complete trials differ in their value.
    """
    complete = [trial for trial in trials if trial.outcome.state == "complete"]
    if len({trial.outcome.value for trial in complete}) < LEAST_TRIALS:
        return {}
    domains = {name: _even(spec, name, domain) for name, domain in optuna_space(spec.space).items()}
    varied = [name for name in domains if len({trial.params[name] for trial in complete}) > 1]
    if not varied:
        return {}
    study = optuna.create_study()
    for trial in complete:
        params = {name: _evenly(spec, name, trial.params[name]) for name in domains}
        study.add_trial(create_trial(params=params, distributions=domains, value=trial.outcome.value))
    forest = FanovaImportanceEvaluator(n_trees=TREES, max_depth=DEPTH, seed=spec.study.seed % 2**32)
    return {name: float(share) for name, share in get_param_importances(study, evaluator=forest, params=varied).items()}


def _even(spec: Spec, name: str, domain: BaseDistribution) -> BaseDistribution:
    """The distribution on which every stretch counts alike: Optuna's fANOVA takes a logarithmic range for a linear one.

    Left so, nine tenths of the weight of `weight_decay` would lie in its strongest decade.
    """
    if not _logarithmic(spec, name):
        return domain
    parameter = spec.space[name]
    assert isinstance(parameter, Range)  # noqa: S101 (it is logarithmic)
    return FloatDistribution(math.log(parameter.low), math.log(parameter.high))


def _evenly(spec: Spec, name: str, value: Value) -> Value:
    return math.log(value) if _logarithmic(spec, name) and not isinstance(value, str) else value


def _logarithmic(spec: Spec, name: str) -> bool:
    domain = spec.space[name]
    return isinstance(domain, Range) and domain.log
