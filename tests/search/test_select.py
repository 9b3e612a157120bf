"""What a study found, worked out by hand."""

import math
from dataclasses import replace

import pytest

from tests.search.making import FACTS, make_outcome, make_spec
from tuner.search.select import Summary, Trial, choose_best, scalars, shrinkage, summarise
from tuner.spec.space import defaults
from tuner.training.curves import Outcome
from tuner.training.metrics import Detection

SPEC = make_spec()
RISING = make_spec(study={"metric": "average_precision"})
PARAMS = {**defaults(SPEC.space), "learning_rate": 0.01, "weight_decay": 0.5}


def trials(*outcomes: Outcome) -> list[Trial]:
    return [Trial(number, PARAMS, outcome) for number, outcome in enumerate(outcomes)]


def best(*outcomes: Outcome, maximise: bool = False) -> int | None:
    chosen = choose_best(RISING if maximise else SPEC, FACTS, trials(*outcomes))
    return None if chosen is None else chosen.trial.number


def test_the_least_loss_is_best() -> None:
    assert best(make_outcome([3.0]), make_outcome([4.0, 1.0, 2.0]), make_outcome([1.5])) == 1


def test_the_greatest_precision_is_best() -> None:
    outcomes = [make_outcome(curve, maximise=True) for curve in ([0.3], [0.1, 0.9, 0.2], [0.8])]
    assert best(*outcomes, maximise=True) == 1


@pytest.mark.parametrize("maximise", [False, True])
def test_a_pruned_trial_is_never_best(maximise) -> None:
    great = 9.0 if maximise else 0.1
    outcomes = [make_outcome([great], "pruned", maximise=maximise), make_outcome([1.0], maximise=maximise)]
    assert best(*outcomes, maximise=maximise) == 1


def test_a_failed_trial_is_never_best() -> None:
    assert best(make_outcome([0.1], "failed"), make_outcome([1.0])) == 1


@pytest.mark.parametrize("maximise", [False, True])
def test_of_equals_the_first_is_best(maximise) -> None:
    outcomes = [make_outcome([2.0], "pruned"), make_outcome([1.0]), make_outcome([1.0]), make_outcome([1.0])]
    assert best(*outcomes, maximise=maximise) == 1


@pytest.mark.parametrize("outcomes", [(), (make_outcome([1.0], "pruned"),), (make_outcome([], "failed"),)])
def test_nothing_is_best_while_nothing_has_completed(outcomes) -> None:
    assert best(*outcomes) is None


def test_the_best_value_and_its_standard_error_are_those_of_its_best_epoch() -> None:
    chosen = choose_best(SPEC, FACTS, trials(make_outcome([4.0, 1.0, 2.0], spread=0.25)))
    assert chosen is not None
    assert chosen.value == 1.0
    # folds 0.75 and 1.25: variance 0.125; validation over training windows: 1/3 and 2/3, mean 1/2
    assert chosen.se == pytest.approx(math.sqrt((1 / 2 + 1 / 2) * 0.125))


def test_the_value_keeps_the_metric_s_direction() -> None:
    chosen = choose_best(RISING, FACTS, trials(make_outcome([0.1, 0.9], maximise=True)))
    assert chosen is not None
    assert chosen.value == 0.9


def test_a_summary_counts_states_and_epochs() -> None:
    outcomes = [
        make_outcome([1.0] * 6),
        make_outcome([1.0, 2.0, 3.0, 4.0]),
        make_outcome([5.0], "pruned"),
        make_outcome([5.0, 6.0], "failed"),
        make_outcome([], "failed"),
    ]
    summary = summarise(SPEC, FACTS, trials(*outcomes))
    assert summary == Summary(
        best=choose_best(SPEC, FACTS, trials(*outcomes)),
        complete=2,
        pruned=1,
        failed=2,
        audits=0,
        false_prunes=0,
        fold_epochs=2 * (6 + 4 + 1 + 2),
        fold_epochs_full=3 * 2 * 6,
    )
    assert summary.trials == 5


def test_an_audit_among_the_best_tenth_was_a_false_prune() -> None:
    values = [0.5, 3.0, 2.0, 1.0, *[4.0] * 16]  # the best two of 20: numbers 0 and 3
    outcomes = [make_outcome([value], "pruned" if value == 4.0 else "complete") for value in values]
    for number in (1, 3):
        outcomes[number] = replace(outcomes[number], audited=1)
    summary = summarise(SPEC, FACTS, trials(*outcomes))
    assert (summary.audits, summary.false_prunes) == (2, 1)


def test_total_shrinkage_is_rate_times_decay_times_steps() -> None:
    assert shrinkage(PARAMS, make_outcome([1.0])) == pytest.approx(0.01 * 0.5 * 10)


def test_what_optuna_s_tools_show_of_a_complete_trial() -> None:
    shown = scalars(SPEC, FACTS, PARAMS, make_outcome([4.0, 1.0], spread=0.25))
    assert shown == {
        "fold_epochs": 4,
        "seconds": 1.5,
        "best_epoch": 2,
        "se": pytest.approx(math.sqrt(0.125)),
        "train_loss": 0.0,
        "valid_loss": 1.0,
        "gap": 1.0,
        "weights": 84,
        "zeros": 0.25,
        "weight_norm": 2.0,
        "shrinkage": pytest.approx(0.05),
    }


def test_a_pruned_trial_says_why_too() -> None:
    shown = scalars(SPEC, FACTS, PARAMS, make_outcome([4.0], "pruned", reason="pruned after epoch 1"))
    assert shown["reason"] == "pruned after epoch 1"
    assert shown["best_epoch"] == 1


def test_of_a_failed_trial_only_the_reason_and_the_cost_are_shown_at_a_length_that_a_database_takes() -> None:
    shown = scalars(SPEC, FACTS, PARAMS, make_outcome([], "failed", reason="x" * 9000))
    assert shown == {"fold_epochs": 0, "seconds": 1.5, "reason": "x" * 2000}


def test_detection_is_shown_where_there_are_labels() -> None:
    found = Detection(average_precision=0.5, precision=0.25, recall=0.75, f1=0.375, threshold=2.0)
    shown = scalars(SPEC, FACTS, PARAMS, replace(make_outcome([1.0]), detection=found))
    assert [shown[name] for name in ("average_precision", "precision", "recall", "f1")] == [0.5, 0.25, 0.75, 0.375]
