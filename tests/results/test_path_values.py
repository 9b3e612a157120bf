"""The values of a path: inside the range, in order, each once, and the study's own among them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.making import make_spec
from tuner.errors import UserError
from tuner.results.regularisation_path import is_log, path_domain, path_values
from tuner.spec.space import PARAMETERS, Choices, Range, Value


def values(name: str, count: int, own, **line) -> tuple[Value, ...]:
    return path_values(name, path_domain(make_spec(space={name: line}), name), count, own)


@given(
    bounds=st.lists(st.floats(0, 0.9), min_size=2, max_size=2, unique=True).map(sorted),
    count=st.integers(2, 40),
    place=st.floats(0, 1),
    log=st.booleans(),
)
def test_numbers_lie_in_the_range_in_order_with_both_ends_and_the_own_among_them(bounds, count, place, log) -> None:
    low, high = bounds
    own = min(max(low + place * (high - low), low), high)
    domain = Range(low, high, low, log=log and low > 0)
    found = [float(value) for value in path_values("dropout", domain, count, own)]
    assert found == sorted(set(found))
    assert low <= found[0] <= found[-1] <= high
    assert own in found
    assert all(any(math.isclose(end, value) for value in found) for end in bounds)
    assert len(found) <= count + 1


@given(low=st.integers(1, 50), span=st.integers(1, 500), count=st.integers(2, 40), data=st.data())
def test_whole_numbers_are_taken_once_each(low, span, count, data) -> None:
    own = data.draw(st.integers(low, low + span))
    found = values("hidden_size", count, own, low=low, high=low + span)
    assert list(found) == sorted(set(found))
    assert all(type(value) is int for value in found)
    assert (found[0], found[-1]) == (low, low + span)
    assert own in found
    assert len(found) <= count + 1


def test_spacing_is_logarithmic_where_the_range_is_or_could_be() -> None:
    assert values("l1", 5, 1e-6, low=1e-6, high=1e-2, log=True) == (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
    assert values("weight_decay", 3, 0.01, low=0.01, high=1.0) == (0.01, 0.1, 1.0)
    assert values("dropout", 4, 0.25, low=0.0, high=0.6) == (0.0, 0.2, 0.25, 0.4, 0.6)
    assert values("hidden_size", 25, 8, low=4, high=8) == (4, 5, 6, 7, 8)


def test_values_between_the_ends_have_four_digits_and_the_own_has_all() -> None:
    own = 0.0123456789
    assert values("weight_decay", 4, own, low=0.001, high=10.0, log=True) == (0.001, own, 0.02154, 0.4642, 10.0)


def test_a_range_narrower_than_four_digits_is_not_left() -> None:
    assert values("dropout", 5, 0.10004, low=0.10004, high=0.10006) == (0.10004, 0.10006)


def test_a_finer_path_goes_through_the_points_of_a_coarser_one() -> None:
    coarse, fine = (values("weight_decay", count, 0.5, low=1e-3, high=10.0, log=True) for count in (9, 25))
    assert set(coarse) < set(fine)


def test_steps_are_kept_and_the_own_is_not_taken_twice() -> None:
    own = 0.1 * 3  # 0.30000000000000004
    assert values("jitter", 25, own, low=0.0, high=0.4, step=0.1) == (0.0, 0.1, 0.2, own, 0.4)
    assert values("jitter", 3, 0.0, low=0.0, high=0.4, step=0.1) == (0.0, 0.2, 0.4)


def test_choices_are_all_taken_in_order() -> None:
    assert values("batch_size", 2, 64, choices=[64, 16, 32]) == (16, 32, 64)
    assert values("normalization", 2, "layer", choices=["layer", "none"]) == ("none", "layer")


def test_a_fixed_parameter_has_its_usual_range_and_its_own_value_too() -> None:
    spec = make_spec(space={"hidden_size": 4, "normalization": "none"})
    domain = path_domain(spec, "hidden_size")
    assert domain == PARAMETERS["hidden_size"].domain
    assert path_values("hidden_size", domain, 4, 4) == (4, 8, 16, 32, 64)
    assert path_values("normalization", path_domain(spec, "normalization"), 4, "none") == ("none", "batch", "layer")


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("weight_deca", None, "unknown parameter `weight_deca`\n  did you mean `weight_decay`?"),
        ("batch_size", 128, "`batch_size` has one possible value, 128"),
        ("jitter", {"choices": [0.1]}, "`jitter` has one possible value, 0.1"),
    ],
)
def test_what_has_no_path_is_said(name, line, message) -> None:
    spec = make_spec() if line is None else make_spec(space={name: line})
    with pytest.raises(UserError) as caught:
        path_domain(spec, name)
    assert f"--param: {message}" in str(caught.value)


def test_an_axis_is_logarithmic_where_all_values_are_positive() -> None:
    assert is_log(Range(1e-3, 1.0, 0.1, log=True))
    assert is_log(Range(1, 2, 1))
    assert not is_log(Range(0.0, 1.0, 0.1))
    assert not is_log(Range(1, 9, 1, step=2))
    assert is_log(Choices((1, 2), 1))
    assert not is_log(Choices((0, 2), 0))
    assert not is_log(Choices(("none", "layer"), "none"))
