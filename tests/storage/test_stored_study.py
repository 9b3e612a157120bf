"""One study of the store: what goes in comes out, and Optuna's own tools see the same."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

import optuna
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.search.making import FACTS, make_outcome, make_spec
from tests.search.storing import COMPLETE, FAILED, PRUNED, SPEC, tell
from tuner.evaluation.detection import Detection, FoldDetection
from tuner.results.selection import scalars
from tuner.search.sampler import choose
from tuner.spec.space import defaults
from tuner.storage.distributions import searched
from tuner.storage.schema import RunRow
from tuner.training.outcome import FoldCurve, Outcome

# --- what goes in comes out

NUMBERS = st.floats(width=64)
SEQUENCES = st.lists(NUMBERS, max_size=4).map(tuple)
RATES = st.none() | NUMBERS
FOLD_DETECTIONS = st.builds(FoldDetection, RATES, RATES, RATES, RATES, st.integers(0, 9), st.integers(0, 9))
DETECTIONS = st.builds(
    Detection,
    *[NUMBERS] * 5,
    caught=st.integers(0, 9),
    events=st.integers(0, 9),
    reached=RATES,
    folds=st.lists(FOLD_DETECTIONS, max_size=3).map(tuple),
)


@st.composite
def outcomes_of_a_trial(draw: st.DrawFn) -> Outcome:
    """Any outcome: unless it failed, its curves are equally long and its best epoch is one of theirs."""
    state = draw(st.sampled_from(["complete", "pruned", "failed"]))
    epochs = draw(st.integers(1, 4))
    curve = SEQUENCES if state == "failed" else st.lists(NUMBERS, min_size=epochs, max_size=epochs).map(tuple)
    least = 0 if state == "failed" else 1
    return draw(
        st.builds(
            Outcome,
            state=st.just(state),
            reason=st.text(),
            curve=curve,
            folds=st.lists(st.builds(FoldCurve, curve, curve, curve), min_size=least, max_size=3).map(tuple),
            best_epoch=st.integers(least, epochs),
            steps=NUMBERS,
            fold_epochs=st.integers(0, 99),
            weights=st.integers(0, 10**9),
            zeros=NUMBERS,
            weight_norm=NUMBERS,
            detection=st.none() | DETECTIONS,
            seconds=NUMBERS,
        )
    )


def without_infinities(outcome: Outcome) -> Outcome:
    """Fold curves hold numbers or nothing: a value that is not finite comes back as NaN."""

    def cut(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(value if math.isfinite(value) else math.nan for value in values)

    folds = tuple(FoldCurve(cut(fold.train_loss), cut(fold.valid_loss), cut(fold.metric)) for fold in outcome.folds)
    return replace(outcome, folds=folds)


# no shrinking: it takes minutes where each example is written to a database
@settings(
    max_examples=20,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(outcomes=st.lists(outcomes_of_a_trial(), min_size=1, max_size=4))
def test_outcomes_come_back_as_they_were_saved(store, outcomes) -> None:
    spec = make_spec(study={"name": f"s{len(store.names())}"})
    study = store.begin(spec, FACTS)
    for number, outcome in enumerate(outcomes):
        study.save(number, outcome)
    expected = dict(enumerate(map(without_infinities, outcomes)))
    # by their text: NaN is not equal to itself
    assert repr(store.open(spec.study.name).outcomes()) == repr(expected)


def test_parameters_come_back_exactly_constants_included(store) -> None:
    space = {
        "hidden_size": {"low": 4, "high": 64, "log": True},
        "normalization": {"choices": ["none", "layer"]},
        "batch_size": {"choices": [32, 64]},
        "jitter": {"low": 0.0, "high": 0.3, "step": 0.1},
    }
    spec = make_spec(space=space)
    params = [choose(spec, number, [], []) for number in range(20)]
    study = store.begin(spec, FACTS)
    for one in params:
        study.add(one)
    read = store.open("small").params()
    assert repr(read) == repr(params)


def test_spec_and_facts_come_back_as_they_were(store, study) -> None:
    again = store.open("small")
    assert again.spec == SPEC
    assert again.facts == FACTS


def test_a_result_is_kept_while_it_waits_for_its_turn(store, study) -> None:
    for number in range(3):
        study.add(choose(SPEC, number, [], []))
    study.save(2, COMPLETE)
    again = store.open("small")
    assert list(again.outcomes()) == [2]
    assert again.told() == 0


def test_a_trial_and_its_repeats_come_back_each_with_its_own_curves(store, study) -> None:
    outcomes = [make_outcome([value, value + 1.0]) for value in (3.0, 2.0, 1.0)]
    study.add(choose(SPEC, 0, [], []))
    for repeat, outcome in enumerate(outcomes):
        study.save(0, outcome, repeat)
    again = store.open("small")
    assert again.outcomes() == {0: outcomes[0]}
    assert again.repeats() == {(0, 1): outcomes[1], (0, 2): outcomes[2]}


def test_a_study_knows_only_its_own_trials(store) -> None:
    one, other = store.begin(SPEC, FACTS), store.begin(make_spec(study={"name": "other"}), FACTS)
    tell(one, COMPLETE, PRUNED)
    tell(other, FAILED)
    assert [len(study.params()) for study in (one, other)] == [2, 1]
    assert [sorted(study.outcomes()) for study in (one, other)] == [[0, 1], [0]]
    assert [study.told() for study in (one, other)] == [2, 1]


# --- telling


def test_trials_are_told_from_number_0_on(study) -> None:
    assert study.told() == 0
    tell(study, COMPLETE, PRUNED, FAILED)
    assert study.told() == 3
    study.add(defaults(SPEC.space))
    assert study.told() == 3


@pytest.mark.parametrize("outcome", [COMPLETE, PRUNED, FAILED])
@pytest.mark.parametrize("moment", ["in its midst", "before its state", "never"])
def test_a_tell_that_was_cut_short_is_told_again_and_ends_the_same(store, study, url, outcome, moment) -> None:
    class Killed(Exception):
        pass

    def kill(*_: object) -> None:
        raise Killed

    study.add(defaults(SPEC.space))
    shown = scalars(FACTS.test_to_train, defaults(SPEC.space), outcome)
    whole = moment == "never"
    with pytest.MonkeyPatch.context() as patch:
        if moment == "in its midst":
            patch.setattr(Session, "add_all", kill)
        if moment == "before its state":
            patch.setattr(study._storage, "set_trial_state_values", kill)
        with nullcontext() if whole else pytest.raises(Killed):
            study.tell(0, outcome, shown)
    again = store.open("small")
    assert again.told() == whole
    if not whole:
        again.tell(0, outcome, shown)
    trial = optuna.load_study(study_name="small", storage=url).trials[0]
    assert trial.state.name == {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}[outcome.state]
    assert trial.value == outcome.value
    assert trial.intermediate_values == dict(enumerate(outcome.curve, 1))
    assert trial.user_attrs == shown


# --- as Optuna sees it


def test_optuna_opens_the_study_and_finds_values_states_and_curves(store, study, url) -> None:
    tell(study, COMPLETE, PRUNED, FAILED)
    study.add(defaults(SPEC.space))
    seen = optuna.load_study(study_name="small", storage=url)
    states = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING]
    assert [trial.state for trial in seen.trials] == states
    assert [trial.value for trial in seen.trials] == [1.0, 2.5, None, None]
    assert [trial.intermediate_values for trial in seen.trials] == [{1: 3.0, 2: 1.0, 3: 2.0}, {1: 3.0, 2: 2.5}, {}, {}]
    assert seen.best_trial.number == 0
    assert [trial.params for trial in seen.trials] == [searched(SPEC.space, params) for params in study.params()]
    assert seen.trials[0].user_attrs["gap"] == 1.0
    assert seen.trials[2].user_attrs["reason"].endswith("ValueError: no")


@pytest.mark.parametrize(("metric", "direction"), [("loss", "MINIMIZE"), ("f1", "MAXIMIZE")])
def test_optuna_knows_the_direction(store, url, metric, direction) -> None:
    store.begin(make_spec(study={"metric": metric}), FACTS)
    assert optuna.load_study(study_name="small", storage=url).direction.name == direction


def test_a_pruned_trial_is_shown_with_its_best_mean_not_its_last(store, study, url) -> None:
    tell(study, make_outcome([3.0, 1.0, 2.0], "pruned"))
    assert optuna.load_study(study_name="small", storage=url).trials[0].value == 1.0


# --- runs


def test_a_run_is_noted_with_its_beginning_end_and_environment(store, study) -> None:
    with study.run(SPEC, {"torch": "2"}):
        rows = list(Session(store.engine).scalars(select(RunRow)))
        assert [row.ended for row in rows] == [None]
    with pytest.raises(KeyboardInterrupt), study.run(SPEC, {"torch": "3"}):
        raise KeyboardInterrupt
    rows = list(Session(store.engine).scalars(select(RunRow)))
    assert all(row.ended is not None and row.ended >= row.started for row in rows)
    assert study.environment() == {"torch": "3"}
