"""The search space: what its lines mean, what they may not be, and the two fixed trials."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import UserError
from tuner.spec.space import (
    PARAMETERS,
    Choices,
    Constant,
    Range,
    count_configurations,
    defaults,
    ends,
    levels,
    parse_space,
    unregularised,
)


def test_parameters_left_out_keep_their_default_domain():
    space = parse_space({"dropout": 0.3})
    assert space["dropout"] == Constant(0.3)
    assert {name: space[name] for name in space if name != "dropout"} == {
        name: parameter.domain for name, parameter in PARAMETERS.items() if name != "dropout"
    }


def test_the_space_has_the_parameters_in_a_fixed_order():
    assert list(parse_space({"jitter": 0.1, "dropout": 0.3})) == list(PARAMETERS)


@pytest.mark.parametrize(
    ("name", "line", "domain"),
    [
        ("dropout", 0, Constant(0.0)),
        ("hidden_size", 16.0, Constant(16)),
        ("normalization", "layer", Constant("layer")),
        ("dropout", {"low": 0, "high": 0.5}, Range(0.0, 0.5, 0.2)),
        ("dropout", {"low": 0.3, "high": 0.5}, Range(0.3, 0.5, 0.3)),
        ("l1", {"low": 1e-5, "high": 1e-3, "log": True, "default": 1e-4}, Range(1e-5, 1e-3, 1e-4, log=True)),
        ("hidden_size", {"low": 8, "high": 32, "step": 8}, Range(8, 32, 32, step=8)),
        ("num_layers", {"choices": [2, 1]}, Choices((2, 1), 2)),
        ("normalization", {"choices": ["none", "layer"], "default": "layer"}, Choices(("none", "layer"), "layer")),
    ],
)
def test_a_line_is_read_as_the_domain_it_describes(name, line, domain):
    parsed = parse_space({name: line})[name]
    assert parsed == domain
    assert type(parsed.default) is PARAMETERS[name].kind


@pytest.mark.parametrize(
    ("name", "line", "why", "hint"),
    [
        ("dropout", "much", "'much' is not a number", ""),
        ("dropout", True, "True is not a number", ""),
        ("dropout", float("nan"), "nan is not a number", ""),
        ("dropout", 1.0, "1.0 lies outside 0 to 0.95", ""),
        ("batch_size", 2.5, "2.5 is not a whole number", ""),
        ("normalization", "bach", "'bach' is not one of none, batch, layer", "did you mean `batch`?"),
        ("normalization", {"low": 0, "high": 1}, "takes words, not a range", '{choices = ["none", "batch", "layer"]}'),
        ("dropout", {"high": 0.5}, "`low` is missing", "{low = …, high = …}"),
        ("dropout", {"lo": 0.1, "high": 0.5}, "unknown key `lo`", "did you mean `low`?"),
        ("dropout", {"choices": [0.1], "low": 0.1}, "unknown key `low`", "choices, default"),
        ("dropout", {"low": 0.5, "high": 0.5}, "`low` (0.5) must be below `high` (0.5)", ""),
        ("dropout", {"low": 0.0, "high": 0.5, "log": True}, "needs `low` above 0", "raise `low` or drop `log`"),
        ("dropout", {"low": 0.0, "high": 0.5, "log": "yes"}, "`log` must be true or false", ""),
        ("l1", {"low": 1e-5, "high": 1e-3, "log": True, "step": 1e-5}, "cannot go with `log`", ""),
        ("dropout", {"low": 0.0, "high": 0.5, "step": 0}, "`step` must be above 0", ""),
        ("dropout", {"low": 0.0, "high": 0.5, "step": 0.2}, "`high` (0.5) is not `low` plus", "the nearest is 0.4"),
        ("dropout", {"low": 0.0, "high": 0.5, "default": 0.6}, "the default 0.6 lies outside 0.0 to 0.5", ""),
        ("dropout", {"low": 0.0, "high": 0.5, "step": 0.1, "default": 0.25}, "not `low` plus a whole number", ""),
        ("dropout", {"choices": []}, "a list of at least one value", ""),
        ("dropout", {"choices": [0.1, 0.1]}, "names a value twice", ""),
        ("dropout", {"choices": [0.1], "default": 0.2}, "the default 0.2 is not one of the choices", ""),
    ],
)
def test_an_impossible_line_is_refused_with_its_name_and_the_reason(name, line, why, hint):
    with pytest.raises(UserError) as refused:
        parse_space({name: line})
    assert refused.value.where == f"[space] {name}"
    assert why in refused.value.what
    assert hint in refused.value.hint


def test_an_unknown_parameter_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="unknown parameter `droput`\n  did you mean `dropout`"):
        parse_space({"droput": 0.1})


@given(low=st.floats(0, 0.9), width=st.floats(0.001, 0.05))
def test_a_range_without_a_default_has_one_inside(low, width):
    domain = parse_space({"dropout": {"low": low, "high": min(low + width, 0.95)}})["dropout"]
    assert isinstance(domain, Range)
    assert domain.low <= domain.default <= domain.high


def test_trial_1_has_every_parameter_at_its_default():
    space = parse_space({"dropout": {"low": 0.1, "high": 0.5, "default": 0.4}, "l1": 1e-3})
    assert defaults(space) == {name: domain.default for name, domain in space.items()}
    assert defaults(space)["dropout"] == 0.4


def test_trial_0_has_regularisers_at_their_least_and_sizes_at_their_defaults():
    least: dict[str, Any] = {
        "dropout": ({"low": 0.1, "high": 0.5}, 0.1),
        "input_dropout": ({"low": 0.2, "high": 0.5, "default": 0.3}, 0.2),
        "recurrent_dropout": ({"choices": [0.3, 0.0, 0.1]}, 0.0),
        "weight_decay": (0.5, 0.5),
        "l1": ({"low": 1e-5, "high": 1e-3, "log": True, "default": 1e-4}, 1e-5),
        "hidden_size": ({"low": 8, "high": 64, "default": 24}, 24),
        "num_layers": ({"choices": [2, 1]}, 2),
        "normalization": ({"choices": ["none", "layer"], "default": "layer"}, "none"),
        "learning_rate": ({"low": 1e-3, "high": 1e-2, "default": 5e-3}, 5e-3),
        "batch_size": ({"low": 16, "high": 64, "default": 32}, 32),
        "jitter": ({"low": 0.1, "high": 0.2, "default": 0.2}, 0.1),
        "time_shift": ({"low": 1, "high": 3, "default": 2}, 1),
        "synthetic": ({"choices": [0.5, 0.2]}, 0.2),
    }
    assert least.keys() == PARAMETERS.keys()
    space = parse_space({name: line for name, (line, _) in least.items()})
    assert unregularised(space) == {name: value for name, (_, value) in least.items()}


@pytest.mark.parametrize(
    ("domain", "expected"), [(Constant(3), (3,)), (Range(1, 9, 2), (1, 9)), (Choices((4, 1, 7), 4), (1, 7))]
)
def test_among_the_ends_are_the_least_and_the_greatest_value(domain, expected):
    assert {min(ends(domain)), max(ends(domain))} == set(expected)


def test_a_space_without_a_continuum_has_a_number_of_configurations():
    assert levels("hidden_size", Range(8, 32, 32, step=8)) == (8, 16, 24, 32)
    assert levels("num_layers", Range(1, 3, 1)) == (1, 2, 3)
    assert levels("dropout", Range(0.0, 0.5, 0.0)) is None
    fixed = {name: parameter.domain.default for name, parameter in PARAMETERS.items()}
    few = {"dropout": {"low": 0.0, "high": 0.6, "step": 0.3}, "hidden_size": {"choices": [8, 16]}}
    assert count_configurations(parse_space(fixed)) == 1
    assert count_configurations(parse_space(fixed | few)) == 6
    assert count_configurations(parse_space({})) is None
