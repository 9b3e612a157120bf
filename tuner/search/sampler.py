"""Chooses the configuration of a trial."""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import optuna
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import TrialState, create_trial
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tuner.results.selection import Trial
from tuner.search.encoding import Encoding
from tuner.spec.sections import Spec
from tuner.spec.space import PARAMETERS, Value, count_configurations, defaults, levels, unregularised
from tuner.storage.distributions import STATES, optuna_space, with_constants, without_constants

# an in-memory study a trial: Optuna would announce each
optuna.logging.set_verbosity(optuna.logging.ERROR)

# Trials before the sampler chooses: the two references, and random ones, of which TPE needs more.
START_UP = {"auto": 6, "gp": 6, "tpe": 12, "random": 2}
# From this trial on "auto" is TPE: a Gaussian process takes ever longer, with the cube of the trials it knows.
GP_UNTIL = 100
# The share of regularisers that a start-up trial leaves at their minimum.
SPARSITY = 0.5
# So often a configuration that is not taken yet is drawn for.
DRAWS = 100


def choose(
    spec: Spec, number: int, known: Sequence[Trial], under_way: Sequence[Mapping[str, Value]]
) -> dict[str, Value]:
    """Chooses the parameters of trial `number`, constants included; they depend on nothing but the arguments.

    No configuration is chosen twice while the space has others.

    Args:
        spec: of the study.
        number: 0 is the unregularised reference, 1 the default configuration; then come sparse random ones, and from
            `START_UP` on the sampler chooses.
        known: the finished trials that it may know: from number 0 to number - lag.
        under_way: the parameters of those after them.
    """
    if number < 2:
        return unregularised(spec.space) if number == 0 else defaults(spec.space)
    taken, seed = [*(trial.params for trial in known), *under_way], trial_seed(spec.study.seed, number)
    if number < START_UP[spec.search.sampler]:
        params = _sparse(spec, number)
    elif spec.search.sampler == "gp" or (spec.search.sampler == "auto" and number < GP_UNTIL):
        params = _by_process(spec, seed, known, under_way)
    else:
        study = study_view(spec, known, under_way)
        # a new one each time: what a kept one remembers would be lost in an interruption
        study.sampler = RandomSampler(seed=seed) if spec.search.sampler == "random" else TPESampler(seed=seed)
        params = with_constants(spec.space, study.ask(optuna_space(spec.space)).params)
    return _another(spec, seed, taken) or params if params in taken else params


def trial_seed(seed: int, number: int) -> int:
    """The seed of everything that is drawn for a trial. (seed + number would make studies share streams.)"""
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])


def study_view(spec: Spec, known: Sequence[Trial], under_way: Sequence[Mapping[str, Value]]) -> optuna.Study:
    """An in-memory study of exactly these trials: finished ones from number 0 on, then those under way as running.

    A sampler on the live store would depend on what happens to be finished. Values are costs, to be minimised. Of a
    curve it reads nothing but, where the trial was pruned, when and at which cost.
    """
    study = optuna.create_study(study_name=spec.study.name)
    domains = optuna_space(spec.space)
    for trial in known:
        outcome, cost = trial.outcome, trial.outcome.cost(spec.metric)
        value = cost if math.isfinite(cost) else None
        study.add_trial(
            create_trial(
                state=STATES[outcome.state],
                value=value,
                params=without_constants(spec.space, trial.params),
                distributions=domains,
                intermediate_values=None if value is None else {len(outcome.curve): value},
            )
        )
    for params in under_way:
        study.add_trial(
            create_trial(state=TrialState.RUNNING, params=without_constants(spec.space, params), distributions=domains)
        )
    return study


def _by_process(
    spec: Spec, seed: int, known: Sequence[Trial], under_way: Sequence[Mapping[str, Value]]
) -> dict[str, Value]:
    """The most promising configuration by a Gaussian process of all finished trials, failed ones as the worst."""
    # here: no other sampler waits for SciPy, and threads are limited only of what is imported already
    from tuner.search.gaussian import fit, most_promising, normal_ranks

    encoding, rng = Encoding(spec.space), np.random.default_rng(seed)
    if len(known) < 2 or not encoding.axes:
        return with_constants(spec.space, encoding.decode(encoding.round(rng.random((1, encoding.axes)))[0]))
    costs = [trial.outcome.cost(spec.metric) for trial in known]
    with threadpool_limits(1):  # with more, the order of sums depends on how many there are
        points = encoding.encode([trial.params for trial in known])
        process = fit(points, normal_ranks(costs))
        if under_way:
            process = process.fantasise(encoding.encode(under_way))
        point = most_promising(process, encoding, rng)
    return with_constants(spec.space, encoding.decode(point))


def _sparse(spec: Spec, number: int) -> dict[str, Value]:
    """A random configuration with half of its regularisers at their minimum.

    Drawn independently, all of them would be strong at once in nearly every trial, and the network too weak to learn.
    """
    rng = np.random.default_rng(trial_seed(spec.study.seed, number))
    params, minimum = _random(spec, rng), unregularised(spec.space)
    return {
        name: minimum[name] if PARAMETERS[name].regularises and rng.random() < SPARSITY else value
        for name, value in params.items()
    }


def _another(spec: Spec, seed: int, taken: Sequence[Mapping[str, Value]]) -> dict[str, Value] | None:
    """A random configuration that is not taken; None where all are."""
    rng, count = np.random.default_rng((seed, 1)), count_configurations(spec.space)
    if count is not None and count <= 2 * len(taken):  # else at least every second draw is another one
        values = [levels(name, domain) or () for name, domain in spec.space.items()]
        every = (dict(zip(spec.space, chosen, strict=True)) for chosen in itertools.product(*values))
        others = [params for params in every if params not in taken]
        return others[rng.integers(len(others))] if others else None
    return next((params for params in (_random(spec, rng) for _ in range(DRAWS)) if params not in taken), None)


def _random(spec: Spec, rng: np.random.Generator) -> dict[str, Value]:
    trial = optuna.create_study(sampler=RandomSampler(seed=int(rng.integers(2**32)))).ask(optuna_space(spec.space))
    return with_constants(spec.space, trial.params)
