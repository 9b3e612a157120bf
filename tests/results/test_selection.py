"""What a study found, worked out by hand."""

import math
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from tests.making import known
from tests.search.making import FACTS, make_outcome, make_spec
from tuner.results.selection import (
    Selected,
    Summary,
    Trial,
    all_runs,
    best_tenth,
    finalists,
    mean_of_runs,
    paired_error,
    pool,
    select,
    shrinkage,
    steps_of_runs,
    summarise,
)
from tuner.spec.sections import Spec
from tuner.spec.space import Value, defaults
from tuner.training.outcome import FoldCurve, Outcome

SPEC = make_spec()
RISING = make_spec(study={"metric": "average_precision"})
PARAMS = {**defaults(SPEC.space), "learning_rate": 0.01, "weight_decay": 0.5}


def trials(*outcomes: Outcome) -> list[Trial]:
    return repeated(*((outcome, ()) for outcome in outcomes))


def repeated(*pairs: tuple[Outcome, tuple[Outcome, ...]]) -> list[Trial]:
    """Trials of configurations that differ in what is no part of the rules."""
    return [Trial(at, {**PARAMS, "time_shift": at}, first, repeats) for at, (first, repeats) in enumerate(pairs)]


def named(told: list[Trial], spec: Spec = SPEC, test_to_train: float = FACTS.test_to_train) -> Selected:
    return known(select(spec, test_to_train, told))


@pytest.mark.parametrize("maximise", [False, True])
@pytest.mark.parametrize(
    "ends",
    [
        [("complete", [3.0]), ("complete", [4.0, 1.0, 2.0]), ("complete", [1.5])],
        [("pruned", [0.1]), ("complete", [1.0])],
        [("failed", [0.1]), ("complete", [1.0])],
        [("pruned", [2.0]), *[("complete", [1.0])] * 3],
    ],
)
def test_best_is_the_best_value_of_a_complete_trial_and_of_equals_the_first(ends, maximise) -> None:
    sign = -1 if maximise else 1
    told = [make_outcome([sign * value for value in curve], state, maximise=maximise) for state, curve in ends]
    best = named(trials(*told), RISING if maximise else SPEC).best
    assert (best.trial.number, best.value) == (1, sign)


@pytest.mark.parametrize("outcomes", [(), (make_outcome([1.0], "pruned"),), (make_outcome([], "failed"),)])
def test_nothing_is_best_while_nothing_has_completed(outcomes) -> None:
    assert select(SPEC, FACTS.test_to_train, trials(*outcomes)) is None


def test_a_summary_counts_states_and_epochs() -> None:
    outcomes = [
        make_outcome([1.0] * 6),
        make_outcome([1.0, 2.0, 3.0, 4.0]),
        make_outcome([5.0], "pruned"),
        make_outcome([5.0, 6.0], "failed"),
        make_outcome([], "failed"),
    ]
    summary = summarise(SPEC, FACTS.test_to_train, trials(*outcomes))
    selected = named(trials(*outcomes))
    assert summary == Summary(
        best=selected.best,
        one_se=selected.one_se,
        shipped=selected.shipped,
        complete=2,
        pruned=1,
        failed=2,
        audits=0,
        false_prunes=0,
        fold_epochs=2 * (6 + 4 + 1 + 2),
        fold_epochs_saved=3 * 2 * 6 - 2 * (6 + 4 + 1),
    )
    assert summary.trials == 5


def test_an_audit_among_the_best_tenth_was_a_false_prune() -> None:
    values = [0.5, 3.0, 2.0, 1.0, *[4.0] * 16]  # the best two of 20: numbers 0 and 3
    outcomes = [make_outcome([value], "pruned" if value == 4.0 else "complete") for value in values]
    for number in (1, 3):
        outcomes[number] = replace(outcomes[number], audited=1)
    summary = summarise(SPEC, FACTS.test_to_train, trials(*outcomes))
    assert (summary.audits, summary.false_prunes) == (2, 1)


@pytest.mark.parametrize("maximise", [False, True])
def test_the_best_tenth_is_rounded_up_and_follows_the_metric_s_direction(maximise) -> None:
    values = [float(number + 1 if maximise else 12 - number) for number in range(11)]  # the later the better
    told = trials(*[make_outcome([value], maximise=maximise) for value in values])
    spec = RISING if maximise else SPEC
    assert best_tenth(spec, told) == {9, 10}
    assert best_tenth(spec, told[:10]) == {9}


def test_total_shrinkage_is_the_sum_over_steps_of_rate_times_decay() -> None:
    assert shrinkage(PARAMS, make_outcome([1.0])) == pytest.approx(0.5 * 0.01 * sum(step / 50 for step in range(1, 11)))


# --- repeats, and the one-standard-error rule


def outcome(
    *costs: float,
    train: float = 0.0,
    weights: int = 84,
    state: Literal["complete", "failed"] = "complete",
    maximise: bool = False,
) -> Outcome:
    """An outcome of one epoch whose folds cost so much."""
    folds = [-cost if maximise else math.exp(cost) for cost in costs]
    curves = tuple(FoldCurve((train,), (value,), (value,)) for value in folds)
    mean = sum(folds) / len(folds)
    return replace(make_outcome([mean], state), folds=curves, curve=(mean,), weights=weights)


TWICE = make_spec(search={"finalists": 2, "repeats": 1})


def test_the_likely_best_is_chosen_not_the_luckiest() -> None:
    told = repeated(
        (outcome(1.0, 1.0), (outcome(4.0, 4.0),)),  # lucky once: 2.5 on average
        (outcome(1.5, 1.5), (outcome(1.7, 1.7),)),  # 1.6
        (outcome(1.6, 1.6), ()),
    )
    best = named(told, TWICE).best
    assert (best.trial.number, best.value) == (1, math.exp(1.5))
    assert best.mean == best.repeat_mean == pytest.approx((math.exp(1.5) + math.exp(1.7)) / 2)
    assert best.cost == pytest.approx(1.6)


def test_until_all_finalists_are_repeated_single_runs_decide() -> None:
    told = repeated((outcome(1.0, 1.0), ()), (outcome(1.5, 1.5), (outcome(0.1, 0.1),)))
    best = named(told, TWICE).best
    assert (best.trial.number, best.repeat_mean) == (0, None)


def test_without_repeats_there_is_no_mean_over_them() -> None:
    best = named(trials(outcome(1.0, 1.0), outcome(2.0, 2.0)), make_spec(search={"repeats": 0})).best
    assert (best.repeat_mean, best.mean) == (None, math.e)


def test_a_finalist_that_fails_when_repeated_is_not_best() -> None:
    failed, fine = outcome(0.0, 0.0, state="failed"), outcome(1.5, 1.5)
    for lucky, steady in (((failed,), (fine,)), ((outcome(1.0, 1.0), failed), (fine, fine))):
        spec = make_spec(search={"finalists": 2, "repeats": len(steady)})
        best = named(repeated((outcome(1.0, 1.0), lucky), (fine, steady)), spec).best
        assert best is not None
        assert best.trial.number == 1


def test_no_fold_decides_alone_because_its_losses_are_greater_by_orders() -> None:
    steady = [math.log(loss) for loss in (3.12, 0.0003, 0.53, 0.0004)]
    # a fifth better in the first fold, and twice as bad in all others: the lower mean, but the wrong trial
    luckier = [cost + math.log(ratio) for cost, ratio in zip(steady, (0.8, 2.0, 1.2, 2.0), strict=True)]
    told = trials(outcome(*steady), outcome(*luckier))
    assert np.mean(np.exp(luckier)) < np.mean(np.exp(steady))
    chosen = named(told, make_spec(cv={"folds": 4})).best
    assert chosen.trial.number == 0


@pytest.mark.parametrize("maximise", [False, True])
def test_finalists_are_the_best_complete_trials_best_first_and_what_they_are_compared_with(maximise) -> None:
    spec = make_spec(search={"finalists": 2}, study={"metric": "f1" if maximise else "loss"})
    outcomes = [make_outcome([value], maximise=maximise) for value in (1.3, 1.5, 1.1, 1.9, 1.0)]
    outcomes.append(make_outcome([1.0 if not maximise else 2.0], "pruned", maximise=maximise))
    best, second = (3, 1) if maximise else (4, 2)
    last = [trial.number for trial in finalists(spec, FACTS.test_to_train, trials(*outcomes))]
    assert last == [best, second, *sorted({0, 1} - {second})], "the references are repeated, too"


def test_the_most_regularised_within_one_standard_error_is_a_finalist_too() -> None:
    spec, noisy = make_spec(search={"finalists": 1}), (outcome(1.0, 3.0), outcome(2.0, 2.2))
    told = trials(*noisy, outcome(2.2, 2.2), outcome(2.3, 2.3, weights=20))
    assert [trial.number for trial in finalists(spec, FACTS.test_to_train, told)] == [0, 1, 3]


def test_a_mean_is_not_compared_with_a_lucky_single_run() -> None:
    told = repeated(
        (outcome(3.0, 3.0), (outcome(3.0, 3.0),)),
        (outcome(2.0, 2.0), (outcome(2.0, 2.0),)),
        (outcome(1.0, 1.1), (outcome(1.8, 1.9),)),
        (outcome(1.1, 1.0), (outcome(1.9, 1.9),)),
        (outcome(1.2, 1.2, weights=20), ()),  # the third best of single runs, the best where others have means
    )
    selected = named(told[:4], TWICE, 0.0)
    assert (selected.best.trial.number, selected.one_se.trial.number) == (2, 2)
    selected = named([*told[:4], replace(told[4], repeats=(outcome(9.0, 9.0),))], TWICE, 0.0)
    assert (selected.best.trial.number, selected.one_se.trial.number) == (2, 2)


def test_equal_configurations_are_one() -> None:
    first, second, other = trials(outcome(1.0, 1.0), outcome(1.2, 1.2), outcome(1.9, 1.9))
    told = [first, second, other, *(Trial(at, first.params, outcome(3.0, 3.0)) for at in (3, 4))]
    assert [trial.number for trial in finalists(SPEC, 0.5, told)] == [1, 2, 0], "distinct ones"
    best = named(told, make_spec(search={"repeats": 0})).best
    assert best.trial.number == 1, "the other is 2.33 on average"
    assert [len(trial.repeats) for trial in pool(told)] == [2, 0, 0]


@pytest.mark.parametrize(
    ("folds", "ships"),
    [
        ((1.0, 1.2), 2),  # gains 1.0 and 0.8: variance 0.02, error 0.14
        ((2.02, 1.8), 1),  # -0.02 and 0.2: 0.156, mean 0.09
        ((1.8, 1.6), 2),
        ((2.1, 2.2), 1),
    ],
)
def test_the_default_is_shipped_unless_the_best_is_clearly_better(folds, ships) -> None:
    told = trials(outcome(4.0, 4.0), outcome(2.0, 2.0), outcome(*folds))
    selected = named(told, make_spec(search={"repeats": 0}))
    assert selected.best.trial.number == (1 if min(folds) > 2 else 2), "that is the best all the same"
    assert selected.shipped.trial.number == ships


def test_the_best_is_shipped_where_the_default_failed() -> None:
    told = trials(outcome(4.0, 4.0), make_outcome([], "failed"), outcome(3.9, 4.0))
    selected = named(told)
    assert selected.shipped == selected.best


def test_the_standard_error_is_the_median_over_the_best_quarter_of_paired_differences() -> None:
    # eight complete: the best quarter is the best itself and one more
    told = trials(outcome(1.0, 2.0), outcome(1.0, 3.0), *[outcome(9.0, 15.0 + number) for number in range(6)])
    best = named(told).best
    # differences 0 and 1: variance 0.5; two folds, validation over training windows: 1/3 and 2/3, mean 1/2
    assert best.cost_se == pytest.approx(math.sqrt((1 / 2 + 1 / 2) * 0.5))
    assert best.se == pytest.approx(best.cost_se * best.value), "in units of the loss, to first order"
    # with one more the quarter, rounded up, has a third: differences 8 and 13, variance 12.5
    best = named(trials(*[trial.outcome for trial in told], outcome(9.0, 22.0))).best
    assert best.cost_se == pytest.approx(math.sqrt((0.5 + 12.5) / 2))
    # nor does it matter in which order they came
    best = named(trials(*[trial.outcome for trial in reversed(told)])).best
    assert best.cost_se == pytest.approx(math.sqrt(0.5))


def test_the_standard_error_is_that_of_the_means_over_repeats() -> None:
    told = repeated(
        (outcome(1.0, 2.0), (outcome(1.0, 6.0),)),  # 1 and 4 on average
        (outcome(2.0, 2.0), (outcome(4.0, 14.0),)),  # 3 and 8
        *[(outcome(9.0, 9.0), ())] * 2,
    )
    best = named(told, TWICE).best
    assert best.cost_se == pytest.approx(math.sqrt(2.0))  # differences 2 and 4; 1 and 0 of the first runs


def test_without_a_standard_error_only_the_best_is_near_the_best() -> None:
    blind = replace(outcome(1.0, 1.0), folds=(*outcome(1.0).folds, FoldCurve((0.0,), (1.0,), (math.nan,))))
    selected = named(trials(blind, outcome(1.1, 1.1, train=0.5)))
    assert (selected.best.trial.number, selected.one_se.trial.number) == (0, 0)
    assert math.isnan(selected.best.se)


def test_folds_without_a_value_count_nowhere_and_one_fold_says_nothing_of_the_error() -> None:
    best, lone, pair = np.array([1.0, 2.0, math.nan]), np.array([math.nan, 3.0, 1.0]), np.array([1.0, 3.0, 1.0])
    # differences 0 and 1: variance 0.5
    assert paired_error(best, [lone, pair], 0.25) == pytest.approx(math.sqrt((1 / 2 + 1 / 4) * 0.5))
    assert math.isnan(paired_error(best, [lone], 0.5))


def most_regularised(*others: tuple[dict[str, Value], Outcome]) -> int:
    """Which is named beside a best and a second that differ much from fold to fold: an error of 1.27."""
    noisy: list[tuple[dict[str, Value], Outcome]] = [({}, outcome(1.0, 3.0)), ({"batch_size": 8}, outcome(2.0, 2.2))]
    told = [Trial(at, {**PARAMS, "time_shift": at, **own}, one) for at, (own, one) in enumerate([*noisy, *others])]
    return named(told).one_se.trial.number


@pytest.mark.parametrize(
    ("own", "weights", "zeros"),
    [
        ({}, 40, 0.25),
        ({}, 84, 0.5),
        ({"weight_decay": 5.0}, 84, 0.25),
        ({"dropout": 0.3}, 84, 0.25),
        ({"recurrent_dropout": 0.1}, 84, 0.25),
        ({"jitter": 0.2}, 84, 0.25),
    ],
)
def test_what_leaves_less_of_a_network_is_more_regularised_as_long_as_it_is_about_as_good(own, weights, zeros) -> None:
    near, far = (replace(outcome(at, at, weights=weights), zeros=zeros) for at in (2.3, 3.3))
    assert most_regularised((own, near)) == 2
    assert most_regularised((own, far)) != 2, "not within the error"


def test_neither_a_larger_network_nor_one_that_learnt_less_is_more_regularised() -> None:
    assert most_regularised(({"dropout": 0.5}, outcome(2.3, 2.3, weights=85))) != 2
    assert most_regularised(({"weight_decay": 0.1}, outcome(2.3, 2.3, train=9.0))) != 2


def test_the_rule_follows_the_metric_s_direction() -> None:
    told = trials(
        outcome(-0.9, -0.5, maximise=True),
        outcome(-0.5, -0.7, maximise=True),  # differences -0.4 and 0.2: variance 0.18, error 0.42
        outcome(-0.4, -0.3, weights=20, maximise=True),  # 0.35 below the best: near enough
        outcome(-0.1, -0.2, weights=10, maximise=True),  # 0.55 below: not
    )
    selected = named(told, RISING)
    assert (selected.best.trial.number, selected.one_se.trial.number) == (0, 2)
    assert selected.best.se == pytest.approx(math.sqrt(0.18))


def test_what_was_cut_off_while_it_improved_says_nothing_against_a_trial() -> None:
    cut, longer, early = make_outcome([3.0, 2.0]), make_outcome([3.0, 2.0, 1.0, 1.5]), make_outcome([2.0, 3.0])
    assert all_runs(Trial(0, PARAMS, cut, (longer, longer))) == (longer, longer)
    assert all_runs(Trial(0, PARAMS, early, (longer,))) == (early, longer), "its best lay behind it"
    assert all_runs(Trial(0, PARAMS, cut, (cut, early))) == (cut, cut, early), "none was given more epochs"
    assert all_runs(Trial(0, PARAMS, cut)) == (cut,)
    assert mean_of_runs(Trial(0, PARAMS, cut, (longer, longer))) == 1.0
    again = replace(longer, steps=30), replace(longer, steps=40)
    assert steps_of_runs(Trial(0, PARAMS, replace(cut, steps=10), again)) == 35.0
