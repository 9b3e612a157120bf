"""One study of the store: what goes in comes out, and Optuna's own tools see the same."""

import math
import warnings
from contextlib import nullcontext
from dataclasses import replace
from typing import Literal

import numpy as np
import optuna
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.making import make_detection
from tests.search.making import FACTS, make_outcome, make_spec
from tests.search.storing import COMPLETE, FAILED, PRUNED, SPEC, tell
from tuner.evaluation.detection import Detection
from tuner.evaluation.holdout import Contender, Holdout, HoldoutWindows, score_models
from tuner.search.sampler import choose
from tuner.spec.metric import METRICS
from tuner.spec.space import defaults
from tuner.storage.distributions import without_constants
from tuner.storage.stored_study import attributes
from tuner.training.outcome import FoldCurve, Outcome

# --- what goes in comes out

NUMBERS = st.floats(width=64)
CURVES = st.floats(-1e9, 1e9) | st.just(math.nan)
INTERVALS = st.none() | st.tuples(NUMBERS, NUMBERS)
DETECTIONS = st.builds(Detection, NUMBERS, INTERVALS, *[NUMBERS] * 6, st.integers(0, 9), st.integers(0, 9))


@st.composite
def outcomes_of_a_trial(draw: st.DrawFn) -> Outcome:
    """Any outcome: its curve is the mean of its folds'; unless it failed, its best epoch is one of theirs."""
    states: list[Literal["complete", "pruned", "failed"]] = ["complete", "pruned", "failed"]
    state = draw(st.sampled_from(states))
    epochs = draw(st.integers(0 if state == "failed" else 1, 4))
    # more than eight, too: NumPy adds these in another order
    curves = draw(st.lists(st.tuples(*[st.tuples(*[CURVES] * epochs)] * 3), min_size=1, max_size=12))
    by_epoch = zip(*(metric for _, _, metric in curves), strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # an epoch of nothing but NaN
        curve = tuple(float(np.nanmean(values)) for values in by_epoch)
    return Outcome(
        state=state,
        reason=draw(st.text()),
        curve=curve,
        folds=tuple(FoldCurve(*fold) for fold in curves),
        best_epoch=draw(st.integers(min(1, epochs), epochs)),
        steps=draw(NUMBERS),
        fold_epochs=draw(st.integers(0, 99)),
        weights=draw(st.integers(0, 10**9)),
        zeros=draw(NUMBERS),
        weight_norm=draw(NUMBERS),
        detection=draw(st.none() | DETECTIONS),
        seconds=draw(NUMBERS),
    )


# no shrinking: it takes minutes where each example is written to a database
@settings(max_examples=20, phases=(Phase.generate,), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(outcomes=st.lists(outcomes_of_a_trial(), min_size=1, max_size=4))
@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_outcomes_come_back_as_they_were_saved(store, outcomes) -> None:
    spec = make_spec(study={"name": f"s{len(store.names())}"})
    study = store.begin(spec, FACTS)
    for number, outcome in enumerate(outcomes):
        study.save(number, outcome)
    # by their text: NaN is not equal to itself
    assert repr(store.open(spec.study.name).outcomes()) == repr(dict(enumerate(outcomes)))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_scores_of_a_complete_trial_are_kept_and_loaded_when_they_are_asked_for(store, study, kind) -> None:
    scores = (np.array([1e30, 0.1], kind), np.array([-np.pi], kind))
    for number, outcome in enumerate([COMPLETE, PRUNED, FAILED]):
        study.save(number, replace(outcome, scores=scores))
    study.save(0, replace(COMPLETE, scores=scores[:1]), repeat=1)
    again = store.open("small")
    kept = again.scores(0)
    assert (kept.dtype, kept.tolist()) == (kind, np.concatenate(scores).tolist())
    assert [again.scores(number) for number in (1, 2, 3)] == [None] * 3
    assert all(outcome.scores == () for outcome in again.outcomes().values())


def test_the_rows_of_a_study_are_kept_once(store, study) -> None:
    assert study.rows() is None
    fields = [("time", "datetime64[ns]"), ("label", bool), ("part", int), ("values", [("a, é", float)])]
    rows = np.array([("2024-01-01T00:00", True, 0, (0.1,)), ("2024-01-01T00:01", False, -1, (-np.pi,))], fields)
    study.keep_rows(rows)
    kept = store.open("small").rows()
    assert (kept.dtype, kept.tolist()) == (rows.dtype, rows.tolist())
    assert store.begin(make_spec(study={"name": "other"}), FACTS).rows() is None


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
    assert again.n_told() == 0


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
    assert [study.n_told() for study in (one, other)] == [2, 1]


# --- telling


def test_trials_are_told_from_number_0_on(study) -> None:
    assert study.n_told() == 0
    tell(study, COMPLETE, PRUNED, FAILED)
    assert study.n_told() == 3
    study.add(defaults(SPEC.space))
    assert study.n_told() == 3


@pytest.mark.parametrize("outcome", [COMPLETE, PRUNED, FAILED])
@pytest.mark.parametrize("moment", ["in its midst", "before its state", "never"])
def test_a_tell_that_was_cut_short_is_told_again_and_ends_the_same(store, study, url, outcome, moment) -> None:
    class Killed(Exception):
        pass

    def kill(*_: object) -> None:
        raise Killed

    params = defaults(SPEC.space)
    study.add(params)
    shown = attributes(FACTS.test_to_train, params, outcome)
    whole = moment == "never"
    with pytest.MonkeyPatch.context() as patch:
        if moment == "in its midst":
            patch.setattr(Session, "add_all", kill)
        if moment == "before its state":
            patch.setattr(study._storage, "set_trial_state_values", kill)
        with nullcontext() if whole else pytest.raises(Killed):
            study.tell(0, params, outcome)
    again = store.open("small")
    assert again.n_told() == whole
    if not whole:
        again.tell(0, params, outcome)
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
    assert [trial.params for trial in seen.trials] == [
        without_constants(SPEC.space, params) for params in study.params()
    ]
    assert seen.trials[0].user_attrs["gap"] == 1.0
    assert seen.trials[2].user_attrs["reason"].endswith("ValueError: no")


@pytest.mark.parametrize(("metric", "direction"), [("loss", "MINIMIZE"), ("f1", "MAXIMIZE")])
def test_optuna_knows_the_direction(store, url, metric, direction) -> None:
    store.begin(make_spec(study={"metric": metric}), FACTS)
    assert optuna.load_study(study_name="small", storage=url).direction.name == direction


def test_a_pruned_trial_is_shown_with_its_best_mean_not_its_last(store, study, url) -> None:
    tell(study, make_outcome([3.0, 1.0, 2.0], "pruned"))
    assert optuna.load_study(study_name="small", storage=url).trials[0].value == 1.0


DECAYING = {**defaults(SPEC.space), "learning_rate": 0.01, "weight_decay": 0.5}


def test_what_optuna_s_tools_show_of_a_complete_trial() -> None:
    shown = attributes(FACTS.test_to_train, DECAYING, replace(make_outcome([4.0, 1.5]), seconds=1.23456))
    assert shown == {
        "fold_epochs": 4,
        "seconds": 1.235,
        "best_epoch": 2,
        "se": pytest.approx(math.sqrt(0.125)),
        "train_loss": 0.5,
        "valid_loss": 1.5,
        "gap": 1.0,
        "weights": 84,
        "zeros": 0.25,
        "weight_norm": 2.0,
        "shrinkage": pytest.approx(0.0055),
    }


def test_a_pruned_trial_says_why_too() -> None:
    shown = attributes(FACTS.test_to_train, DECAYING, make_outcome([4.0], "pruned", reason="pruned after epoch 1"))
    assert shown["reason"] == "pruned after epoch 1"
    assert shown["best_epoch"] == 1


def test_of_a_failed_trial_only_the_reason_and_the_cost_are_shown_at_a_length_that_a_database_takes() -> None:
    shown = attributes(FACTS.test_to_train, DECAYING, make_outcome([], "failed", reason="x" * 9000))
    assert shown == {"fold_epochs": 0, "seconds": 1.5, "reason": "x" * 2000}


def test_detection_is_shown_where_there_are_labels() -> None:
    found = make_detection(precision=0.25, recall=0.75, f1=0.375)
    shown = attributes(FACTS.test_to_train, DECAYING, replace(make_outcome([1.0]), detection=found))
    assert [shown[name] for name in ("average_precision", "precision", "recall", "f1")] == [0.5, 0.25, 0.75, 0.375]
    assert shown["valid_loss"] == 1.0, "beside the rest"


# --- runs


def test_a_run_is_noted_with_its_study_file_and_environment(store, study) -> None:
    assert study.environment() == {}
    for version in ("2", "3"):
        more = make_spec(study={"trials": 10 * int(version)})
        study.begin_run(more, {"torch": version})
        again = store.open("small")
        assert (again.spec, again.environment()) == (more, {"torch": version})


# --- what is measured of chosen trials


def make_report() -> Holdout:
    rng = np.random.default_rng(0)
    held = HoldoutWindows(np.arange(60), np.arange(60) // 5, np.ones(60, bool), None)
    contenders = [Contender(name, None, rng.random((2, 60)), rng.random((2, 60)), None) for name in ("best", "rival")]
    return Holdout("loss", score_models(METRICS["loss"], held, contenders, 0), 2, 100, 60, 12, 0, 0, 0.1 + 0.2)


def test_refits_come_back_bit_for_bit(store, study) -> None:
    outputs, residual = np.array([[0.1, np.nan], [-np.inf, 1.0]], np.float32), np.array([np.pi, 0.0])
    study.save_refit(3, 1, outputs, residual)
    study.save_refit(3, 2, outputs[::-1], None)
    kept = store.open("small").refits()
    assert list(kept) == [(3, 1), (3, 2)]
    np.testing.assert_array_equal(kept[3, 1][0], outputs)
    np.testing.assert_array_equal(kept[3, 1][1], residual)
    assert kept[3, 2][1] is None


def test_a_report_comes_back_under_its_trials_alone(store, study) -> None:
    report = make_report()
    rows = np.array([0.1, np.nan])
    study.save_holdout(3, 5, report, rows)
    kept = store.open("small")
    np.testing.assert_array_equal(kept.held_out(3, 5), rows)
    assert kept.held_out(5, 3) is None
    assert kept.holdout(3, 5) == replace(report, looks=2)
    assert kept.holdout(5, 3) is None
    other = store.begin(make_spec(study={"name": "other"}), FACTS)
    assert other.holdout(3, 5) is None


def test_path_points_come_back_as_they_were_kept_each_configuration_once(store, study) -> None:
    folds = (FoldCurve((0.1,), (math.pi,), (math.nan,)), FoldCurve((0.2,), (1e-300,), (0.5,)))
    gaps = replace(make_outcome([0.5]), folds=folds)
    params = defaults(SPEC.space)
    kept = [(params | {"dropout": 0.1 * 3}, gaps), (params, COMPLETE), (params | {"hidden_size": 9}, FAILED)]
    for configuration, outcome in kept:
        study.save_path_point(configuration, outcome)
    read = store.open("small").path_points()
    # by their text: NaN is not equal to itself
    assert {repr(sorted(configuration.items())): repr(outcome) for configuration, outcome in read} == {
        repr(sorted(configuration.items())): repr(outcome) for configuration, outcome in kept
    }
    with pytest.raises(IntegrityError):
        study.save_path_point(dict(reversed(params.items())), FAILED)
    other = store.begin(make_spec(study={"name": "other"}), FACTS)
    assert other.path_points() == []
