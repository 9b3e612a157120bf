"""Each warning, where it belongs and where it does not."""

from dataclasses import replace
from typing import Any

import pytest

from tests.making import make_detection
from tests.search.making import FACTS, make_outcome, make_spec
from tuner.results.advice import advise_after, advise_before, advise_on_path
from tuner.results.findings import FoldInfo
from tuner.results.regularisation_path import Point, make_path
from tuner.results.selection import Selection, Trial
from tuner.spec.space import Value, defaults

QUIET: dict[str, dict[str, Any]] = {
    "study": {"trials": 60},
    "train": {"patience": 3, "max_epochs": 6},
    "space": {"hidden_size": 4, "num_layers": 1, "input_dropout": 0.0},
}


def before(**sections) -> list[str]:
    return advise_before(make_spec(**{**QUIET, **sections}), FACTS)


def test_a_sound_study_is_not_warned_of() -> None:
    assert before() == []


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"study": {"trials": 20}}, "20 trials are few for 6 searched parameters"),
        ({"study": {"trials": 8}, "space": defaults(make_spec().space) | {"dropout": {"low": 0.0, "high": 0.5}}},
         "Pruning will hardly help: it starts after 7 finished trials, and this study has 8."),
        ({"space": defaults(make_spec().space) | {"num_layers": {"low": 1, "high": 2}}},
         "The search space has only 2 configurations: the other "),
        ({"train": {"patience": 6, "max_epochs": 6}}, "Early stopping cannot act"),
        ({"space": {"input_dropout": {"low": 0.0, "high": 0.3}}}, "`input_dropout` erases the whole input"),
    ],
)  # fmt: skip
def test_what_cannot_act_is_said(sections, said) -> None:
    warnings = before(**sections)
    assert len(warnings) == 1
    assert warnings[0].startswith(said)


def test_a_fold_whose_target_hardly_moves_is_named() -> None:
    facts = replace(FACTS, folds=(*FACTS.folds, FoldInfo(150, 50, 0, 0, ("speed",))))
    (said,) = advise_before(make_spec(**QUIET), facts)
    assert said.startswith(f"`speed` hardly moves in the training rows of fold {len(facts.folds)}, so that this fold")


def test_without_a_pruner_none_is_missed() -> None:
    fixed = defaults(make_spec().space)
    assert before(study={"trials": 8}, space=fixed, search={"pruner": "none"}) == []


def test_few_anomalous_rows_are_said_where_something_is_judged_by_them() -> None:
    few = replace(FACTS, features=("x", "y"), folds=(FoldInfo(150, 50, 14, 2), FoldInfo(150, 100, 15, 3)))
    enough = replace(few, folds=(FoldInfo(150, 50, 15, 2), FoldInfo(150, 100, 15, 3)))
    none = replace(few, folds=(FoldInfo(150, 50, 0, 0), FoldInfo(150, 100, 0, 0)))
    classify, forecast = make_spec(**{**QUIET, "task": {"kind": "classify"}}), make_spec(**QUIET)
    assert [len(advise_before(classify, facts)) for facts in (few, enough, none)] == [1, 0, 1]
    (said,) = advise_before(forecast, few)
    assert said.startswith("29 anomalous rows are few to judge by")
    assert [advise_before(forecast, facts) for facts in (enough, none)] == [[], []]


def after(curve: list[float], steps: float = 1000.0, **params: Value) -> list[str]:
    spec = make_spec(space={"hidden_size": {"low": 4, "high": 64, "log": True}})
    outcome = replace(make_outcome(curve), steps=steps)
    middle: dict[str, Value] = {"hidden_size": 16, "learning_rate": 2e-3, "weight_decay": 0.1, "l1": 1e-4}
    trial = Trial(3, {**defaults(spec.space), **middle, **params}, outcome)
    return advise_after(spec, Selection(trial, min(curve), None, 0.1, 0.0, 0.1))


def test_a_sound_result_is_not_warned_of() -> None:
    assert after([3.0, 1.0, 2.0]) == []


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"weight_decay": 2e-4}, "`weight_decay` does nothing"),
        ({"l1": 9.9e-3}, "`l1` is best at the upper end"),
        ({"hidden_size": 4}, "`hidden_size` is best at the lower end"),
        ({"learning_rate": 1e-2}, "`learning_rate` is best at the upper end"),
    ],
)
def test_what_the_best_trial_shows_is_said(params, said) -> None:
    warnings = after([3.0, 1.0, 2.0], **params)
    assert len(warnings) == 1
    assert warnings[0].startswith(said)


def test_no_regularisation_is_no_edge() -> None:
    assert after([3.0, 1.0, 2.0], dropout=0.0, l1=1e-6, jitter=0.0) == []


def test_a_best_epoch_that_is_the_last_is_said() -> None:
    assert after([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])[0].startswith("The best trial still improved at its last epoch: raise")


@pytest.mark.parametrize(("wanted", "reached", "warned"), [(0.9, 0.75, 1), (0.75, 0.75, 0), (None, 0.5, 0)])
def test_a_precision_that_no_threshold_reaches_is_said(wanted, reached, warned) -> None:
    spec = make_spec(study={} if wanted is None else {"min_precision": wanted})
    detection = make_detection(reached=reached)
    middle: dict[str, Value] = {"learning_rate": 2e-3, "weight_decay": 0.1, "l1": 1e-4}
    trial = Trial(
        3, {**defaults(spec.space), **middle}, replace(make_outcome([1.0]), steps=1000.0, detection=detection)
    )
    said = advise_after(spec, Selection(trial, 1.0, None, 0.1, 0.0, 0.1))
    assert len(said) == warned
    assert all(each == "No threshold reaches `min_precision` 0.9: the best trial reaches 0.75." for each in said)


def on_path(name: str, curves: dict[Value, list[float]], steps: float = 100.0) -> list[str]:
    """What is said of a path with these curves."""
    spec = make_spec()
    points = [Point(value, replace(make_outcome(curve), steps=steps)) for value, curve in curves.items()]
    return advise_on_path(make_path(spec, FACTS.test_to_train, name, defaults(spec.space), points))


def test_a_parameter_that_changes_no_digit_is_said_to_do_nothing() -> None:
    assert on_path("dropout", {0.0: [2.0, 1.0], 0.6: [2.0, 1.0]}) == [
        "`dropout` does nothing here: all 2 points are the same."
    ]
    assert on_path("dropout", {0.0: [2.0, 1.0], 0.3: [2.0, 0.5], 0.6: [2.0, 1.0]}) == []


def test_decay_too_small_to_be_seen_on_the_whole_path_is_said() -> None:
    curves: dict[Value, list[float]] = {0.001: [1.0], 0.01: [0.9], 0.1: [1.1]}
    # 0.1 * learning rate 0.002 * (1 + 2 + … + steps) / 50
    assert on_path("weight_decay", curves, steps=20.0) == [
        "`weight_decay` does nothing on this path: it shrinks weights by at most 0.08 % in all."
    ]
    assert on_path("weight_decay", curves, steps=24.0) == []


@pytest.mark.parametrize(
    ("name", "values", "best", "end"),
    [
        ("weight_decay", (0.1, 1.0, 10.0), 2, "upper"),
        ("weight_decay", (0.1, 1.0, 10.0), 0, ""),  # less is as good as nothing
        ("weight_decay", (0.1, 1.0, 1000.0), 2, ""),  # there is no more
        ("hidden_size", (8, 16, 64), 0, "lower"),
        ("hidden_size", (8, 16, 64), 1, ""),
        ("hidden_size", (1, 16, 64), 0, ""),
        ("normalization", ("none", "batch", "layer"), 2, ""),
    ],
)
def test_a_best_value_at_an_end_of_the_path_is_said(name, values, best, end) -> None:
    said = on_path(name, {value: [0.5 if place == best else 1.0 + place] for place, value in enumerate(values)})
    assert said == ([f"`{name}` is best at the {end} end of its path: widen its range."] if end else [])


def test_an_end_that_failed_is_no_reason_to_go_further() -> None:
    spec = make_spec()
    points = [Point(0.1, make_outcome([1.0])), Point(1.0, make_outcome([0.5])), Point(10.0, make_outcome([], "failed"))]
    assert advise_on_path(make_path(spec, FACTS.test_to_train, "weight_decay", defaults(spec.space), points)) == []
