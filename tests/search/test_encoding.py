"""Configurations as points of the unit encoding and back."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.search.encoding import Encoding
from tuner.spec.space import Domain, parse_space
from tuner.storage.distributions import optuna_space

SPACE = {
    "dropout": {"low": 0.1, "high": 0.5},
    "input_dropout": {"low": 0.0, "high": 0.4, "step": 0.1},
    "weight_decay": {"low": 1e-4, "high": 1.0, "log": True},
    "hidden_size": {"low": 8, "high": 64, "log": True},
    "num_layers": {"low": 1, "high": 3},
    "normalization": {"choices": ["none", "batch", "layer"]},
    "batch_size": {"choices": [16, 32]},
}


def space(**lines: object) -> dict[str, Domain]:
    fixed = {name: domain.default for name, domain in parse_space({}).items()}
    return parse_space({**fixed, **lines})


def points(count: int, axes: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.2, 1.2, (count, axes))


def test_each_number_has_one_axis_each_choice_its_own_and_constants_none() -> None:
    assert Encoding(space(**SPACE)).axes == 5 + 3 + 2
    assert Encoding(space()).axes == 0
    assert Encoding(space()).encode([{}, {}]).shape == Encoding(space()).round(np.empty((2, 0))).shape == (2, 0)


@given(st.integers(0, 10_000))
def test_every_point_is_a_configuration_of_the_space_and_rounding_moves_it_there(seed) -> None:
    wanted = space(**SPACE)
    encoding, domains = Encoding(wanted), optuna_space(wanted)
    at = points(4, encoding.axes, seed)
    rounded = encoding.round(at)
    for before, after in zip(at, rounded, strict=True):
        params = encoding.decode(before)
        for name, domain in domains.items():
            assert domain._contains(domain.to_internal_repr(params[name])), name
        assert encoding.decode(after) == pytest.approx(params)
        np.testing.assert_allclose(encoding.encode([params])[0], after, atol=1e-12)
    np.testing.assert_allclose(encoding.round(rounded), rounded, atol=1e-12)
    assert ((rounded >= 0) & (rounded <= 1)).all()


def test_a_range_is_even_on_its_own_scale() -> None:
    encoding = Encoding(space(weight_decay=SPACE["weight_decay"], dropout=SPACE["dropout"]))
    middle = encoding.encode([{"dropout": 0.3, "weight_decay": 1e-2}])
    np.testing.assert_allclose(middle, np.full((1, 2), 0.5), atol=1e-12)


@pytest.mark.parametrize(("name", "values"), [("num_layers", [1, 2, 3]), ("input_dropout", [0.0, 0.1, 0.2, 0.3, 0.4])])
def test_each_value_of_a_grid_is_as_likely_as_any_other(name, values) -> None:
    encoding = Encoding(space(**{name: SPACE[name]}))
    drawn = [encoding.decode(point)[name] for point in np.linspace(0.001, 0.999, 3000)[:, None]]
    for value in values:
        share = np.mean([math.isclose(float(one), value, abs_tol=1e-9) for one in drawn])
        assert share == pytest.approx(1 / len(values), abs=0.01)


def test_whole_numbers_are_whole() -> None:
    params = Encoding(space(**SPACE)).decode(np.full(10, 0.4))
    assert isinstance(params["hidden_size"], int)
    assert isinstance(params["num_layers"], int)
    assert isinstance(params["dropout"], float)


def test_different_choices_are_all_equally_far_apart() -> None:
    encoding = Encoding(space(normalization=SPACE["normalization"]))
    placed = encoding.encode([{"normalization": word} for word in ("none", "batch", "layer")])
    apart = np.square(placed[:, None] - placed).sum(-1)
    assert (apart == 2 * (1 - np.eye(3))).all()
