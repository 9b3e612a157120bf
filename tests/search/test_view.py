"""What a trial may know of the others: the replica's trials, and how the median pruner decides on them."""

import random
from collections.abc import Sequence
from itertools import count
from statistics import median
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.study import Study, StudyDirection
from optuna.trial import TrialState

from tests.search.making import make_finished, make_spec
from tuner.search.pruner import WARM_UP, PruningCallback, is_audit
from tuner.search.sampler import choose
from tuner.search.view import KnownTrial, StudyView, best_so_far, trial_seed
from tuner.spec.sections import LEAST_COMPLETE
from tuner.spec.space import Value, defaults, unregularised
from tuner.storage.distributions import searched


def test_the_best_so_far_of_a_curve_follows_the_direction() -> None:
    curve = [3.0, 2.0, 4.0, 1.0, 2.0]
    assert best_so_far(curve, maximise=False) == [3.0, 2.0, 2.0, 1.0, 1.0]
    assert best_so_far(curve, maximise=True) == [3.0, 3.0, 4.0, 4.0, 4.0]
    assert best_so_far([], maximise=True) == []


def test_a_complete_curve_enters_as_its_best_so_far_carried_forward_to_the_last_epoch() -> None:
    spec = make_spec()
    trial = StudyView(spec).show([make_finished(spec, 0, [3.0, 2.0, 2.5])], ()).trials[0]
    assert trial.state == TrialState.COMPLETE
    assert trial.value == 2.0
    assert trial.intermediate_values == {1: 3.0, 2: 2.0, 3: 2.0, 4: 2.0, 5: 2.0, 6: 2.0}


def test_a_pruned_curve_ends_where_it_was_pruned() -> None:
    spec = make_spec()
    trial = StudyView(spec).show([make_finished(spec, 0, [3.0, 2.0, 2.5], "pruned")], ()).trials[0]
    assert trial.state == TrialState.PRUNED
    assert trial.value == 2.0
    assert trial.intermediate_values == {1: 3.0, 2: 2.0, 3: 2.0}


@pytest.mark.parametrize("curve", [[], [3.0, 2.0]])
def test_a_failed_trial_has_no_value_and_keeps_its_epochs(curve) -> None:
    spec = make_spec()
    trial = StudyView(spec).show([make_finished(spec, 0, curve, "failed")], ()).trials[0]
    assert trial.state == TrialState.FAIL
    assert trial.value is None
    assert trial.intermediate_values == dict(enumerate(curve, 1))


def test_in_a_study_that_maximises_the_best_so_far_rises() -> None:
    spec = make_spec(study={"metric": "f1"})
    replica = StudyView(spec).show([make_finished(spec, 0, [0.1, 0.3, 0.2])], ())
    assert replica.direction == StudyDirection.MAXIMIZE
    assert list(replica.trials[0].intermediate_values.values()) == [0.1, 0.3, 0.3, 0.3, 0.3, 0.3]


def test_trials_under_way_follow_as_running_with_nothing_but_their_parameters() -> None:
    spec = make_spec()
    replica = StudyView(spec).show([make_finished(spec, 0, [1.0])], [defaults(spec.space), unregularised(spec.space)])
    running = replica.trials[1:]
    assert [trial.number for trial in running] == [1, 2]
    assert all(trial.state == TrialState.RUNNING for trial in running)
    assert all(not trial.intermediate_values and trial.value is None for trial in running)
    assert running[0].params == searched(spec.space, defaults(spec.space))
    assert running[1].params == searched(spec.space, unregularised(spec.space))


def test_the_study_s_name_is_carried_over() -> None:
    assert (
        StudyView(make_spec(study={"name": "hyperband-hangs-on-it"})).show([], ()).study_name == "hyperband-hangs-on-it"
    )


def test_the_seed_of_a_trial_is_its_own() -> None:
    seeds = [trial_seed(seed, number) for seed in range(20) for number in range(50)]
    assert len(set(seeds)) == len(seeds), "seed + number would give 69 of 1,000"
    assert trial_seed(3, 7) == trial_seed(3, 7)


def hand_written_median_rule(
    curve: Sequence[float], others: Sequence[tuple[str, Sequence[float]]], epochs: int, *, maximise: bool
) -> int | None:
    """The epoch after which `curve` is ended: its best so far is worse than the median of the complete trials' ones."""
    best = max if maximise else min
    complete = [list(values) for state, values in others if state == "complete"]
    if len(complete) < LEAST_COMPLETE:
        return None
    for epoch in range(1, len(curve) + 1):
        if epoch < max(1, round(WARM_UP * epochs)):
            continue
        mine = best(curve[:epoch])
        middle = median(best(values[:epoch]) for values in complete)
        if mine < middle if maximise else mine > middle:
            return epoch
    return None


# eighths: medians of an even number of them are exact
EIGHTHS = st.integers(-40, 40).map(lambda number: number / 8)
CURVES = st.lists(EIGHTHS, min_size=1, max_size=12)


@given(
    curve=CURVES,
    others=st.lists(st.tuples(st.sampled_from(["complete", "pruned", "failed"]), CURVES), max_size=12),
    maximise=st.booleans(),
)
def test_the_median_pruner_decides_on_the_replica_as_written_out_by_hand(curve, others, maximise) -> None:
    spec = make_spec(
        train={"max_epochs": 12}, study={"metric": "f1" if maximise else "loss"}, search={"pruner": "median"}
    )
    finished = [make_finished(spec, number, values, state) for number, (state, values) in enumerate(others)]
    # the references are never pruned: this one has a number behind them, whatever came before
    number = next(number for number in count(len(others) + 2) if not is_audit(spec.study.seed, number))
    callback = PruningCallback(StudyView(spec), number, finished)
    ended = next((e for e in range(1, len(curve) + 1) if callback.should_prune(e, curve[:e])), None)
    assert ended == hand_written_median_rule(curve, others, 12, maximise=maximise)


ENDS: tuple[Literal["complete", "pruned", "failed"], ...] = ("complete", "complete", "pruned", "failed")


def seen(study: Study) -> list[tuple[object, ...]]:
    return [(t.number, t.state, t.values, t.params, t.intermediate_values) for t in study.get_trials(deepcopy=False)]


@given(
    ends=st.lists(st.tuples(st.sampled_from(ENDS), CURVES), min_size=1, max_size=10),
    looks=st.lists(st.tuples(st.integers(0, 10), st.integers(0, 4)), max_size=8),
)
def test_a_replica_that_has_grown_shows_the_same_as_a_new_one(ends, looks) -> None:
    spec = make_spec(train={"max_epochs": 12})
    trials = [make_finished(spec, number, values, state) for number, (state, values) in enumerate(ends)]
    grown = StudyView(spec)
    for known, more in looks:
        finished, under_way = trials[:known], [trial.params for trial in trials[known : known + more]]
        assert seen(grown.show(finished, under_way)) == seen(StudyView(spec).show(finished, under_way))


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_a_replica_that_has_grown_samples_as_a_new_one(sampler) -> None:
    spec = make_spec(search={"sampler": sampler, "lag": 3})
    rng, grown, lag = random.Random(sampler), StudyView(spec), spec.search.lag
    finished: list[KnownTrial] = []
    params: list[dict[str, Value]] = []
    for number in range(16):
        known = finished[: max(0, number - lag + 1)]
        params.append(choose(grown, number, known, params[len(known) :]))
        assert params[number] == choose(StudyView(spec), number, known, params[len(known) : number])
        curve = [rng.random() for _ in range(rng.randint(1, 6))]
        state = rng.choice(ENDS)
        finished.append(make_finished(spec, number, curve, state, params[number]))
