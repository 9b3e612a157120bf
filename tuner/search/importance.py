"""Which parameters the score depended on: Optuna's fANOVA on the told trials."""

from collections.abc import Sequence

from optuna.importance import FanovaImportanceEvaluator, get_param_importances

from tuner.search.replica import Finished, Replica
from tuner.search.select import Trial
from tuner.search.space import distributions
from tuner.spec.sections import Spec

# Below, a forest of regression trees has next to nothing to split.
LEAST_TRIALS = 10


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
    varied = [name for name in distributions(spec.space) if len({trial.params[name] for trial in complete}) > 1]
    if not varied:
        return {}
    finished = [Finished.of(number, trial.params, trial.outcome) for number, trial in enumerate(complete)]
    study = Replica(spec).show(finished, [])
    shares = get_param_importances(
        study, evaluator=FanovaImportanceEvaluator(seed=spec.study.seed % 2**32), params=varied
    )
    return {name: float(share) for name, share in shares.items()}
