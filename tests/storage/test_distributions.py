"""The space in Optuna's terms: what it holds, and that parameters survive the way there and back."""

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tuner.spec.space import PARAMETERS, defaults, parse_space, unregularised
from tuner.storage.distributions import optuna_space, with_constants, without_constants


def test_each_kind_of_domain_becomes_the_distribution_of_its_kind() -> None:
    space = parse_space(
        {
            "dropout": {"low": 0.0, "high": 0.5, "step": 0.25, "default": 0.25},
            "weight_decay": {"low": 1e-3, "high": 1.0, "log": True},
            "hidden_size": {"low": 4, "high": 64, "log": True},
            "time_shift": {"low": 0, "high": 9, "step": 3},
            "normalization": {"choices": ["none", "layer"]},
            "batch_size": {"choices": [32, 64]},
        }
    )
    made = optuna_space(space)
    assert made["dropout"] == FloatDistribution(0.0, 0.5, step=0.25)
    assert made["weight_decay"] == FloatDistribution(1e-3, 1.0, log=True)
    assert made["hidden_size"] == IntDistribution(4, 64, log=True)
    assert made["time_shift"] == IntDistribution(0, 9, step=3)
    assert made["normalization"] == CategoricalDistribution(("none", "layer"))
    assert made["batch_size"] == CategoricalDistribution((32, 64))


def test_constants_have_no_distribution() -> None:
    space = parse_space({"dropout": 0.3})
    assert "dropout" not in optuna_space(space)
    assert "batch_size" not in optuna_space(space), "a constant by default"


def test_the_order_is_the_space_s_whatever_order_the_file_has() -> None:
    one = parse_space({"l1": {"low": 1e-5, "high": 1e-3}, "dropout": {"low": 0.1, "high": 0.2}})
    other = parse_space({"dropout": {"low": 0.1, "high": 0.2}, "l1": {"low": 1e-5, "high": 1e-3}})
    assert list(optuna_space(one)) == list(optuna_space(other))
    assert optuna_space(one) == optuna_space(other)


@pytest.mark.parametrize("reference", [defaults, unregularised])
def test_the_reference_configurations_lie_in_the_space(reference) -> None:
    space = parse_space({"normalization": {"choices": ["layer", "none"]}})
    params = reference(space)
    for name, domain in optuna_space(space).items():
        assert domain._contains(domain.to_internal_repr(params[name])), name


@given(seed=st.integers(0, 2**31))
def test_what_is_searched_completed_again_is_what_it_was(seed: int) -> None:
    space = parse_space({"dropout": 0.3, "time_shift": {"low": 0, "high": 9}})
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    drawn = study.ask(optuna_space(space)).params
    params = with_constants(space, drawn)
    assert list(params) == list(PARAMETERS)
    assert params["dropout"] == 0.3
    assert without_constants(space, params) == drawn
    assert isinstance(params["time_shift"], int)
    assert isinstance(params["l1"], float)
