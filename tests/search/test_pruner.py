"""Thresholds, against the rungs written out by hand and against Optuna's median pruner; and which trials are audits."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.pruners import MedianPruner
from optuna.trial import TrialState, create_trial

from tests.search.making import make_spec, make_trial
from tuner.results.selection import Trial
from tuner.search.pruner import AUDITS, RUNGS, WARM_UP, is_audit, thresholds
from tuner.spec.sections import LEAST_COMPLETE, LEAST_KNOWN, Spec
from tuner.storage.distributions import STATES

EPOCHS = 20
# eighths, so that many are equal, or others
VALUES = st.integers(1, 80).map(lambda number: number / 8) | st.integers(1, 100_000).map(lambda number: number / 1e4)
CURVES = st.lists(VALUES, min_size=1, max_size=EPOCHS)
OTHERS = st.lists(st.tuples(st.sampled_from(["complete", "complete", "pruned", "failed"]), CURVES), max_size=16)
Ended = tuple[str, Sequence[float]]


def study(pruner: str, metric: str = "loss", epochs: int = EPOCHS) -> Spec:
    return make_spec(train={"max_epochs": epochs}, study={"metric": metric}, search={"pruner": pruner})


def ended(spec: Spec, curve: Sequence[float], known: Sequence[Trial], number: int = 9) -> int | None:
    """The epoch after which a trial with this curve is ended."""
    ends = thresholds(spec, number, known)
    assert len(ends) == spec.train.epochs
    costs = make_trial(spec, number, curve).outcome.costs(spec.metric)
    return next((epoch for epoch, cost in enumerate(accumulate(costs, min), 1) if cost > ends[epoch - 1]), None)


# --- the rules


def share_at(epoch: int) -> float:
    """The share of known trials that may be better, between the rungs on a straight line."""
    place = epoch / EPOCHS
    for (left, high), (right, low) in pairwise(RUNGS):
        if left <= place <= right:
            return high + (low - high) * (place - left) / (right - left)
    return RUNGS[0][1] if place < RUNGS[0][0] else RUNGS[-1][1]


def by_hand(curve: Sequence[float], others: Sequence[Ended], *, maximise: bool) -> int | None:
    """The epoch after which the rungs end the curve."""
    best = max if maximise else min
    known = [(state, values) for state, values in others if state != "failed"]
    for epoch in range(2, len(curve) + 1):  # a tenth of 20 epochs
        better = 0
        for state, values in known:
            if state == "pruned" and len(values) < epoch:
                continue
            theirs, mine = best(values[:epoch]), best(curve[:epoch])
            better += theirs > mine if maximise else theirs < mine
        if len(known) >= LEAST_KNOWN and better + 1e-9 >= share_at(epoch) * (len(known) + 1):
            return epoch
    return None


def by_optuna(curve: Sequence[float], others: Sequence[Ended], *, maximise: bool) -> int | None:
    """The epoch after which Optuna's median pruner ends the curve, shown every trial's best so far.

    Complete ones are carried forward: it compares only with trials that have the step.
    """
    best = max if maximise else min
    judge = optuna.create_study(direction="maximize" if maximise else "minimize")
    for state, values in others:
        seen = list(accumulate(values, best))
        seen += [seen[-1]] * (EPOCHS - len(seen)) if state == "complete" else []
        value = None if state == "failed" else seen[-1]
        judge.add_trial(create_trial(state=STATES[state], value=value, intermediate_values=dict(enumerate(seen, 1))))
    pruner = MedianPruner(LEAST_COMPLETE, round(WARM_UP * EPOCHS))
    trial = create_trial(state=TrialState.RUNNING)
    for epoch, value in enumerate(accumulate(curve, best), 1):
        trial.intermediate_values[epoch] = value
        if pruner.prune(judge, trial):
            return epoch
    return None


@pytest.mark.parametrize(("pruner", "oracle"), [("rungs", by_hand), ("median", by_optuna)])
@pytest.mark.parametrize("metric", ["loss", "f1"])
@given(curve=CURVES, others=OTHERS)
def test_thresholds_decide_as_the_rule_does(pruner, oracle, metric, curve, others) -> None:
    spec = study(pruner, metric)
    known = [make_trial(spec, number, values, state) for number, (state, values) in enumerate(others)]
    assert ended(spec, curve, known) == oracle(curve, others, maximise=spec.metric.maximise)


def test_rungs_do_not_get_stricter_as_poor_trials_are_ended() -> None:
    spec = study("rungs")
    whole = [make_trial(spec, n, [1 + n / 40] * EPOCHS) for n in range(40)]
    cut = [make_trial(spec, n, [1 + n / 40] * (EPOCHS if n < 20 else 2), "complete" if n < 20 else "pruned")
           for n in range(40)]  # fmt: skip
    # the share falls from 0.5 at 2 epochs to 0.25 at 6; the poor half was ended after 2
    for epoch, left in ((2, 20), (4, 15), (6, 10)):
        ends = [thresholds(spec, 50, known)[epoch - 1] for known in (whole, cut)]
        assert ends[0] == ends[1]
        assert sum(trial.outcome.cost(spec.metric) <= ends[0] for trial in whole) == pytest.approx(left, abs=1)


# --- who is judged, and when


@pytest.mark.parametrize("pruner", ["rungs", "median"])
@pytest.mark.parametrize(("epochs", "first"), [(20, 2), (30, 3), (6, 1), (2, 1), (1, 1)])
def test_no_trial_is_judged_in_the_first_tenth_of_the_epochs(pruner, epochs, first) -> None:
    spec = study(pruner, epochs=epochs)
    assert ended(spec, [9.0] * epochs, [make_trial(spec, number, [1.0]) for number in range(8)]) == first


@pytest.mark.parametrize(("pruner", "least"), [("rungs", LEAST_KNOWN), ("median", LEAST_COMPLETE)])
def test_few_trials_are_too_few_to_judge_by(pruner, least) -> None:
    spec = study(pruner)
    known = [make_trial(spec, number, [1.0]) for number in range(least)]
    assert ended(spec, [9.0] * EPOCHS, known[1:]) is None
    assert ended(spec, [9.0] * EPOCHS, known) is not None


def test_the_two_references_are_never_pruned_and_without_a_pruner_no_trial_is() -> None:
    known = [make_trial(study("rungs"), number, [1.0]) for number in range(9)]
    assert [ended(study("rungs"), [9.0] * EPOCHS, known, number) for number in range(3)] == [None, None, 2]
    assert ended(study("none"), [9.0] * EPOCHS, known) is None


def test_audits_are_a_tenth_of_all_trials_and_other_ones_in_other_studies() -> None:
    audits = [{number for number in range(5_000) if is_audit(seed, number)} for seed in (0, 1)]
    for numbers in audits:
        assert abs(len(numbers) / 5_000 - AUDITS) < 0.015
    assert len(audits[0] & audits[1]) < 100
