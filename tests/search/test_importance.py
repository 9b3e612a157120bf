"""Importance: it finds the parameter that matters, and knows when it cannot tell."""

from dataclasses import replace

import numpy as np
import pytest

from tests.search.making import make_findings, make_outcome, make_spec
from tuner.results.selection import Trial
from tuner.search.importance import LEAST_TRIALS, importances

SPEC = make_spec(space={"l1": 0.0, "weight_decay": 0.0, "input_dropout": 0.0})


def trials(count: int, state="complete") -> list[Trial]:
    """Trials whose value is ten times their dropout, and a little of their recurrent dropout."""
    rng = np.random.default_rng(0)
    found = []
    for trial in make_findings(*[make_outcome([1.0])] * count, spec=SPEC).trials:
        dropout, recurrent = rng.uniform(0, 0.6), rng.uniform(0, 0.5)
        params = {**trial.params, "dropout": dropout, "recurrent_dropout": recurrent}
        found.append(Trial(trial.number, params, make_outcome([10 * dropout + 0.5 * recurrent], state)))
    return found


def test_what_the_score_hangs_on_comes_first_and_shares_add_up() -> None:
    shares = importances(SPEC, trials(40))
    assert next(iter(shares)) == "dropout"
    assert shares["dropout"] > 0.9
    assert sum(shares.values()) == pytest.approx(1.0)


def test_a_logarithmic_range_counts_decade_by_decade() -> None:
    spec = make_spec(space={"l1": 0.0, "input_dropout": 0.0, "hidden_size": 4})
    rng = np.random.default_rng(0)
    found = []
    for trial in make_findings(*[make_outcome([1.0])] * 60, spec=spec).trials:
        dropout, decay = rng.uniform(0, 0.6), 10 ** rng.uniform(-3, 1)
        params = {**trial.params, "dropout": dropout, "weight_decay": decay}
        # of the four decades only the weakest matters, which is a thousandth of the range
        found.append(Trial(trial.number, params, make_outcome([float(decay < 1e-2) + dropout])))
    assert importances(spec, found)["weight_decay"] > 0.6


def test_constants_and_what_never_varied_are_left_out() -> None:
    assert set(importances(SPEC, trials(40))) == {"dropout", "recurrent_dropout"}


def test_the_same_study_gives_the_same_shares() -> None:
    assert importances(SPEC, trials(20)) == importances(SPEC, trials(20))


def test_pruned_and_failed_trials_do_not_count() -> None:
    many = trials(20)
    ended = [replace(trial, outcome=make_outcome([99.0], "pruned")) for trial in many[:5]]
    failed = [replace(trial, outcome=make_outcome([], "failed")) for trial in many[5:6]]
    assert importances(SPEC, [*many, *ended, *failed]) == importances(SPEC, many)


@pytest.mark.parametrize("state", ["pruned", "failed"])
def test_with_nothing_complete_nothing_is_told(state) -> None:
    assert importances(SPEC, trials(20, state)) == {}


def test_too_few_trials_or_equal_values_tell_nothing() -> None:
    assert importances(SPEC, trials(LEAST_TRIALS - 1)) == {}
    assert importances(SPEC, trials(LEAST_TRIALS)) != {}
    equal = [replace(trial, outcome=make_outcome([1.0])) for trial in trials(20)]
    assert importances(SPEC, equal) == {}
    same = [replace(trial, params=equal[0].params) for trial in trials(20)]
    assert importances(SPEC, same) == {}
