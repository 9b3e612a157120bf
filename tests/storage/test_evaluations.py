"""Evaluations come back as they were kept, each under its own trial and study."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy.exc import IntegrityError

from tests.search.making import FACTS, make_outcome, make_spec
from tests.search.storing import COMPLETE, FAILED, SPEC
from tuner.evaluation.holdout import Contender, Holdout, HoldoutWindows, score_models
from tuner.results.findings import OutOfFoldScores
from tuner.spec.space import defaults
from tuner.training.outcome import FoldCurve

SCORED = OutOfFoldScores(
    time=np.array(["2024-01-01T00:00", "2024-01-01T00:01"], "datetime64[ns]"),
    name="<x>",
    values=np.array([0.1, -np.pi]),
    labels=np.array([True, False]),
    scores=np.array([1e30, 2.0], np.float32),
)


def test_out_of_fold_scores_come_back_bit_for_bit(store, study) -> None:
    study.evaluations.save_scored(3, SCORED)
    kept = store.open("small").evaluations.scored(3)
    assert kept.name == SCORED.name
    for name in ("time", "values", "labels", "scores"):
        before, after = getattr(SCORED, name), getattr(kept, name)
        assert (before.dtype, before.tolist()) == (after.dtype, after.tolist())


def test_what_was_not_kept_is_none(store, study) -> None:
    other = store.begin(make_spec(study={"name": "other"}), FACTS)
    other.evaluations.save_scored(3, SCORED)
    study.evaluations.save_scored(4, SCORED)
    assert store.open(SPEC.study.name).evaluations.scored(3) is None


def make_report() -> Holdout:
    rng = np.random.default_rng(0)
    held = HoldoutWindows(np.arange(60), np.arange(60) // 5, np.ones(60, bool), None)
    contenders = [Contender(name, None, rng.random((2, 60)), rng.random((2, 60)), None) for name in ("best", "rival")]
    return Holdout("loss", score_models("loss", held, contenders, 0), 2, 100, 60, 12, 0, 0, 0.1 + 0.2)


def test_refits_come_back_bit_for_bit(store, study) -> None:
    losses, scores = np.array([0.1, np.nan], np.float32), np.array([-np.pi, np.inf])
    study.evaluations.save_refit(3, 1, losses, scores)
    study.evaluations.save_refit(3, 2, scores, losses)
    kept = store.open("small").evaluations.refits()
    assert list(kept) == [(3, 1), (3, 2)]
    np.testing.assert_array_equal(kept[3, 1][0], losses.astype(float))
    np.testing.assert_array_equal(kept[3, 1][1], scores)


def test_a_report_comes_back_under_its_trials_alone(store, study) -> None:
    report = make_report()
    study.evaluations.save_holdout(3, 5, report)
    kept = store.open("small").evaluations
    assert kept.holdout(3, 5) == replace(report, looks=2)
    assert kept.holdout(5, 3) is None
    other = store.begin(make_spec(study={"name": "other"}), FACTS)
    assert other.evaluations.holdout(3, 5) is None


def test_path_points_come_back_as_they_were_kept_each_configuration_once(store, study) -> None:
    folds = (FoldCurve((0.1,), (math.pi,), (math.nan,)), FoldCurve((0.2,), (1e-300,), (0.5,)))
    gaps = replace(make_outcome([0.5]), folds=folds)
    params = defaults(SPEC.space)
    kept = [(params | {"dropout": 0.1 * 3}, gaps), (params, COMPLETE), (params | {"hidden_size": 9}, FAILED)]
    for configuration, outcome in kept:
        study.evaluations.save_path_point(configuration, outcome)
    read = store.open("small").evaluations.path_points()
    # by their text: NaN is not equal to itself
    assert {repr(sorted(configuration.items())): repr(outcome) for configuration, outcome in read} == {
        repr(sorted(configuration.items())): repr(outcome) for configuration, outcome in kept
    }
    with pytest.raises(IntegrityError):
        study.evaluations.save_path_point(dict(reversed(params.items())), FAILED)
    other = store.begin(make_spec(study={"name": "other"}), FACTS)
    assert other.evaluations.path_points() == []
