"""Effects: a planted one is found with its direction, none is claimed of noise, and the intervals hold the truth."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from tests.search.making import make_findings, make_outcome, make_spec
from tuner.results.selection import Trial
from tuner.search.effects import LEAST_TRIALS, Effect, find_effects
from tuner.spec.space import Choices

SPEC = make_spec(space={"l1": 0.0, "weight_decay": 0.0, "input_dropout": 0.0, "num_layers": 1, "hidden_size": 4})
MIXED = SPEC.model_copy(update={"space": {**SPEC.space, "normalization": Choices(("none", "batch", "layer"), "none")}})
SHAPES: dict[str, Callable[[float], float]] = {
    "more is better": lambda dropout: 1 - dropout,
    "less is better": lambda dropout: dropout,
    "best near 0.3": lambda dropout: 4 * abs(dropout - 0.3),
}


def trials(count: int, shape, *, seed: int = 0, noise: float = 0.02, spec=SPEC, state="complete") -> list[Trial]:
    """Trials whose value is that shape of their dropout, and noise."""
    rng = np.random.default_rng(seed)
    found = []
    for trial in make_findings(*[make_outcome([1.0])] * count, spec=spec).trials:
        drawn = {
            "dropout": rng.uniform(0, 0.6),
            "recurrent_dropout": rng.uniform(0, 0.5),
            "jitter": rng.uniform(0, 0.5),
        }
        words = {"normalization": ("none", "batch", "layer")[int(rng.integers(3))]} if spec is MIXED else {}
        params = {
            **trial.params,
            **drawn,
            "learning_rate": math.exp(rng.uniform(math.log(5e-4), math.log(1e-2))),
            **words,
        }
        value = 1 + shape(drawn["dropout"]) - (words == {"normalization": "layer"}) + noise * rng.normal()
        found.append(Trial(trial.number, params, make_outcome([value], state)))
    return found


def by_name(effects: tuple[Effect, ...]) -> dict[str, Effect]:
    return {effect.name: effect for effect in effects}


@pytest.mark.parametrize("direction", SHAPES)
def test_a_planted_effect_comes_first_with_its_direction_and_size(direction) -> None:
    shape = SHAPES[direction]
    first, *others = find_effects(SPEC, trials(40, shape))
    assert (first.name, first.lowest, first.highest.value, first.direction) == ("dropout", 0.0, 0.6, direction)
    truth = shape(0.0) - shape(float(first.best.value)), shape(0.0) - shape(0.6)
    assert (first.best.gain, first.highest.gain) == pytest.approx(truth, abs=0.06)
    assert all(abs(effect.best.gain) < 0.05 for effect in others)
    assert {effect.name for effect in others} == {"recurrent_dropout", "jitter", "learning_rate"}, "no constant"


def test_of_noise_little_is_claimed() -> None:
    found = [
        effect for seed in range(10) for effect in find_effects(SPEC, trials(30, lambda _: 0.0, noise=1, seed=seed))
    ]
    assert sum(effect.is_clear for effect in found) <= 0.1 * len(found)


def test_no_more_than_the_planted_gain_is_claimed() -> None:
    studies = [trials(30, SHAPES["more is better"], noise=0.1, seed=seed) for seed in range(12)]
    gains = [by_name(find_effects(SPEC, study))["dropout"].highest for study in studies]
    assert sum(gain.interval[0] <= 0.6 for gain in gains) >= 11
    assert 0.4 < np.mean([gain.gain for gain in gains]) < 0.62, "few trials: the process holds back"


def test_words_are_compared_with_the_first_one() -> None:
    effect = by_name(find_effects(MIXED, trials(40, lambda _: 0.0, spec=MIXED)))["normalization"]
    assert (effect.lowest, effect.best.value, effect.direction) == ("none", "layer", "layer is best")
    assert effect.best.gain == pytest.approx(1.0, abs=0.2)


def test_a_metric_to_be_maximised_gains_where_it_rises() -> None:
    spec = make_spec(study={"metric": "f1"}, space={"l1": 0.0, "weight_decay": 0.0})
    first = find_effects(spec, trials(40, SHAPES["less is better"], spec=spec))[0]
    assert (first.name, first.direction) == ("dropout", "more is better")
    assert first.highest.gain > 0.3


def test_the_same_study_gives_the_same_effects() -> None:
    found = trials(20, SHAPES["less is better"])
    assert find_effects(SPEC, found) == find_effects(SPEC, found)


@pytest.mark.parametrize(
    "found",
    [
        trials(LEAST_TRIALS - 1, SHAPES["less is better"]),
        trials(20, SHAPES["less is better"], state="pruned"),
        trials(20, SHAPES["less is better"], state="failed"),
        trials(20, lambda _: 0.0, noise=0.0),
    ],
    ids=["few", "pruned", "failed", "equal"],
)
def test_nothing_is_said_of_too_little(found) -> None:
    assert find_effects(SPEC, found) == ()
