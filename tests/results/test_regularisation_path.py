"""The choice on a path against cases worked out by hand, and which stored points make which path."""

import math
from dataclasses import replace

import pytest

from tests.search.making import FACTS, make_outcome, make_spec
from tuner.results.regularisation_path import Path, Point, effect, make_path, mean, stored_paths
from tuner.spec.space import Value, defaults
from tuner.training.outcome import FoldCurve, Outcome

SPEC = make_spec()
PARAMS = defaults(SPEC.space)
DIVERGED = Outcome("failed", "diverged: fold 1")


def outcome(*costs: float, train: float = 0.0, weights: int = 84) -> Outcome:
    """A complete outcome of one epoch with these logarithms of the loss by fold."""
    return scored(*(math.exp(cost) for cost in costs), train=train, weights=weights)


def scored(*folds: float, train: float = 0.0, weights: int = 84) -> Outcome:
    """A complete outcome of one epoch with these values of the metric by fold."""
    curves = tuple(FoldCurve((train,), (value,), (value,)) for value in folds)
    average = sum(folds) / len(folds)
    return replace(make_outcome([average]), folds=curves, curve=(average,), weights=weights)


def path(name: str, points: dict[Value, Outcome], spec=SPEC) -> Path:
    return make_path(spec, FACTS.test_to_train, name, PARAMS, [Point(value, one) for value, one in points.items()])


def chosen(found: Path) -> tuple[Value, Value]:
    assert found.best is not None
    assert found.one_se is not None
    return found.best.value, found.one_se.value


def test_the_error_is_the_median_of_paired_differences_and_the_strongest_within_it_is_enough() -> None:
    found = path(
        "weight_decay",
        {
            10.0: outcome(9.0, 9.0),  # differences 8, 7: variance 0.5, mean 8.25 worse
            1.0: outcome(1.5, 2.6),  # 0.5, 0.6: variance 0.005; mean 0.55 worse
            0.1: outcome(1.0, 2.0),
            0.01: outcome(1.0, 3.0),  # 0, 1: variance 0.5
        },
    )
    # sqrt((1/2 + 1/2) * median(0.5, 0.005, 0.5)); validation over training windows are 1/3 and 2/3
    assert found.best is not None
    assert found.se == pytest.approx(math.sqrt(0.5) * mean(found.best)), "in units of the loss"
    assert [point.value for point in found.points] == [0.01, 0.1, 1.0, 10.0]
    assert chosen(found) == (0.1, 1.0)


def test_the_one_just_outside_the_error_is_left_out() -> None:
    inside: dict[Value, Outcome] = {
        0.1: outcome(1.0, 2.0),
        0.01: outcome(1.0, 3.0),
        1.0: outcome(1.7, 2.7),
    }  # variances 0.5, 0
    assert path("weight_decay", inside).se == pytest.approx(0.5 * (math.e + math.e**2) / 2)
    assert chosen(path("weight_decay", inside)) == (0.1, 0.1)
    assert chosen(path("weight_decay", {**inside, 1.0: outcome(1.49, 2.49)})) == (0.1, 1.0)


@pytest.mark.parametrize(
    ("name", "weak", "strong"), [("dropout", 0.1, 0.4), ("jitter", 0.0, 0.2), ("l1", 1e-5, 1e-3), ("time_shift", 0, 3)]
)
def test_more_of_a_penalty_is_more_regularised(name, weak, strong) -> None:
    assert chosen(path(name, {weak: outcome(1.0, 2.0), strong: outcome(1.0, 2.8)})) == (weak, strong)
    assert chosen(path(name, {weak: outcome(1.0, 2.8), strong: outcome(1.0, 2.0)})) == (strong, strong)


@pytest.mark.parametrize(("name", "small", "large"), [("hidden_size", 8, 64), ("num_layers", 1, 2)])
def test_a_smaller_network_is_more_regularised(name, small, large) -> None:
    points = {small: outcome(1.0, 2.8, weights=100), large: outcome(1.0, 2.0, weights=900)}
    assert chosen(path(name, points)) == (large, small)
    better = {small: outcome(1.0, 2.0, weights=100), large: outcome(1.0, 2.8, weights=900)}
    assert chosen(path(name, better)) == (small, small)


@pytest.mark.parametrize(("name", "values"), [("learning_rate", (0.001, 0.01)), ("normalization", ("none", "layer"))])
def test_what_has_no_order_goes_by_the_training_loss_as_in_the_study(name, values) -> None:
    low, high = values
    points = {low: outcome(1.0, 2.8, train=0.5), high: outcome(1.0, 2.0, train=0.1)}
    assert chosen(path(name, points)) == (high, low)
    assert chosen(path(name, {**points, low: outcome(1.0, 2.8, train=0.05)})) == (high, high)


def test_a_metric_that_rises_is_best_where_it_is_highest() -> None:
    spec = make_spec(study={"metric": "f1"})
    points: dict[Value, Outcome] = {
        0.1: scored(0.5, 0.6),
        0.2: scored(0.8, 0.9),
        0.3: scored(0.75, 0.89),
        0.4: scored(0.2, 0.9),
    }
    found = path("dropout", points, spec)
    # differences to the best: -0.3, -0.3; -0.05, -0.01; -0.6, 0: variances 0, 0.0008, 0.18
    assert found.se == pytest.approx(math.sqrt(0.0008))
    assert chosen(found) == (0.2, 0.2)
    assert chosen(path("dropout", {**points, 0.3: scored(0.79, 0.9)}, spec)) == (0.2, 0.3)


def test_folds_without_a_value_count_for_nothing() -> None:
    spec = make_spec(study={"metric": "f1"})
    gone = replace(scored(0.5, 0.5, 0.5), folds=tuple(FoldCurve((0.0,), (0.0,), (v,)) for v in (math.nan, 0.7, 0.9)))
    found = path("dropout", {0.1: replace(gone, curve=(0.8,)), 0.2: scored(0.1, 0.6, 0.6)}, spec)
    # 0.6 - 0.7 and 0.6 - 0.9: variance 0.02; two folds
    assert found.se == pytest.approx(math.sqrt((1 / 2 + FACTS.test_to_train) * 0.02))


def test_a_failed_point_stays_on_the_path_and_is_never_chosen() -> None:
    found = path("weight_decay", {0.1: outcome(1.0, 2.0), 1.0: DIVERGED, 0.01: outcome(1.0, 2.1)})
    assert [point.value for point in found.points] == [0.01, 0.1, 1.0]
    assert [point.value for point in found.complete] == [0.01, 0.1]
    assert chosen(found) == (0.1, 0.1)
    nothing = path("weight_decay", {0.1: DIVERGED})
    assert (nothing.best, nothing.one_se) == (None, None)


def test_one_point_is_its_own_choice_with_an_unknown_error() -> None:
    found = path("weight_decay", {0.1: outcome(1.0, 2.0)})
    assert chosen(found) == (0.1, 0.1)
    assert math.isnan(found.se)


def test_the_effect_is_what_the_penalty_does() -> None:
    one = replace(make_outcome([3.0, 2.0]), zeros=0.25, weight_norm=2.5, weights=84)
    assert effect("l1", one) == ("share of exact zeros", 0.25)
    assert effect("weight_decay", one) == ("weight norm", 2.5)
    assert effect("hidden_size", one) == effect("num_layers", one) == ("number of weights", 84.0)
    assert effect("dropout", one) == effect("learning_rate", one) == ("best epoch", 2.0)


def test_total_shrinkage_is_of_the_point_not_of_the_best_trial() -> None:
    found = path("weight_decay", {0.1: outcome(1.0, 2.0), 1.0: outcome(1.0, 2.0)})
    rate = float(PARAMS["learning_rate"])
    assert [found.shrinkage(point) for point in found.points] == pytest.approx([rate * 0.1 * 1.1, rate * 1.0 * 1.1])
    assert found.own == PARAMS["weight_decay"]


def test_paths_are_made_of_points_that_differ_from_the_best_trial_in_one_parameter() -> None:
    here, there = make_outcome([1.0]), make_outcome([2.0])
    trained = [
        ({**PARAMS, "weight_decay": 1.0}, there),
        ({**PARAMS, "weight_decay": 1.0, "dropout": 0.5}, there),
        (PARAMS, here),
        ({**PARAMS, "dropout": 0.5}, there),
        ({**PARAMS, "dropout": 0.6}, there),
    ]
    dropout, decay = stored_paths(SPEC, FACTS.test_to_train, PARAMS, trained)
    assert (dropout.parameter, [point.value for point in dropout.points]) == ("dropout", [PARAMS["dropout"], 0.5, 0.6])
    assert (decay.parameter, [mean(point) for point in decay.points]) == ("weight_decay", [1.0, 2.0])
    assert stored_paths(SPEC, FACTS.test_to_train, PARAMS, [(PARAMS, here)]) == ()
    other = stored_paths(SPEC, FACTS.test_to_train, {**PARAMS, "jitter": 0.1, "l1": 0.01}, trained)
    assert other == (), "another best trial has other paths"
