"""What the holdout says in plain words: each case by hand, for losses and for metrics that are maximised."""

from dataclasses import replace

import pytest

from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.evaluation.bootstrap import Interval
from tuner.evaluation.holdout import Holdout, Score
from tuner.evaluation.no_network import Baseline
from tuner.results.findings import Findings, FoldInfo
from tuner.results.verdict import find_optimism, verdict


def score(
    name: str, trial: int | None, value: float | None, difference: float = 0.0, interval: Interval | None = None
) -> Score:
    return Score(name, trial, value, 0.1, (0.0, 1.0), difference, interval, value, None, None, None, None, None)


def make_holdout(*scores: Score, metric: str = "loss") -> Holdout:
    return Holdout(
        metric=metric,
        scores=(score("best", 2, 0.4), *scores),
        seeds=3,
        trained=200,
        windows=74,
        blocks=12,
        anomalous=0,
        events=0,
        baseline=0.5,
        looks=2,
    )


def found(holdout: Holdout | None, *, maximise: bool = False) -> Findings:
    spec = make_spec(study={"metric": "f1"}) if maximise else make_spec()
    best = make_outcome([0.375], maximise=maximise)
    worse = make_outcome([0.2 if maximise else 2.0], maximise=maximise)
    return replace(make_findings(worse, worse, best, spec=spec), holdout=holdout)


def first(*scores: Score, maximise: bool = False) -> str:
    return verdict(found(make_holdout(*scores, metric="f1" if maximise else "loss"), maximise=maximise))[0]


CLEARLY, NOT_SURELY, WORSE = (0.1, 0.3), (-0.1, 0.3), (-0.3, -0.1)


@pytest.mark.parametrize(
    ("default", "least", "said"),
    [
        (CLEARLY, CLEARLY, "Tuning helped: "),
        (CLEARLY, NOT_SURELY, "Whether tuning helped cannot be told: "),
        (NOT_SURELY, CLEARLY, "Whether tuning helped cannot be told: "),
        (WORSE, CLEARLY, "Tuning did not help: "),
        (NOT_SURELY, WORSE, "Tuning did not help: "),
        (None, CLEARLY, "Whether tuning helped cannot be told: "),
        (None, None, "Whether tuning helped cannot be told: "),
        ((0.0, 0.0), CLEARLY, "Whether tuning helped cannot be told: "),
    ],
)
def test_tuning_helps_where_it_surely_beats_both(default, least, said) -> None:
    assert first(score("default", 1, 0.6, 0.2, default), score("least", 0, 0.6, 0.2, least)).startswith(said)
    mirrored = [None if each is None else (-each[1], -each[0]) for each in (default, least)]
    opponents = (score("default", 1, 0.2, -0.2, mirrored[0]), score("least", 0, 0.2, -0.2, mirrored[1]))
    assert first(*opponents, maximise=True).startswith(said)


def test_both_differences_are_told_with_their_intervals() -> None:
    assert first(score("default", 1, 0.6, 0.2, CLEARLY), score("least", 0, 0.3, -0.1, None)) == (
        "Whether tuning helped cannot be told: on the holdout it is 0.2000 better than the default configuration "
        "(95 % interval +0.1000 to +0.3000) and 0.1000 worse than the regularisers at their least."
    )
    assert "0.2000 better than the default configuration (95 % interval +0.1000 to +0.3000)" in first(
        score("default", 1, 0.2, -0.2, (-0.3, -0.1)), maximise=True
    )


def test_without_any_interval_the_blocks_are_too_few() -> None:
    said = first(score("default", 1, 0.6, 0.2, None), score("least", 0, 0.6, 0.2, None))
    assert said.endswith("; 12 blocks of rows are too few for an interval.")


def test_tuning_did_not_help_where_the_default_is_the_best() -> None:
    said = first(score("default", 2, 0.4, 0.0, (0.0, 0.0)), score("least", 0, 0.6, 0.2, CLEARLY))
    assert said == "Tuning did not help: the best trial is the default configuration."


def test_a_rival_that_is_no_network_and_better_is_named() -> None:
    said = verdict(found(make_holdout(score("persistence", None, 0.3), score("PCA", None, None))))
    assert said[1] == "No network is needed for better: persistence has 0.3000, the best 0.4000."
    assert len(verdict(found(make_holdout(score("persistence", None, 0.5))))) == 3
    assert "PCA has 0.5" in verdict(found(make_holdout(score("PCA", None, 0.5), metric="f1"), maximise=True))[1]


def test_a_model_that_cannot_be_scored_decides_nothing() -> None:
    unknown = replace(score("default", 1, None), difference=None)
    assert first(unknown, score("least", 0, 0.6, 0.2, CLEARLY)).startswith("Whether tuning helped cannot be told")
    nothing = replace(make_holdout(), scores=(score("best", 2, None),), metric="f1")
    assert verdict(found(nothing, maximise=True))[:2] == (
        "Whether tuning helped cannot be told.",
        "The best trial cannot be scored on the holdout: it has no anomalous row.",
    )
    diverged = replace(make_holdout(), scores=(score("best", 2, None),))
    assert "its refits diverged" in verdict(found(diverged))[1]


def test_optimism_is_the_cross_validated_score_less_the_holdouts() -> None:
    optimism = find_optimism(found(make_holdout()))
    assert optimism is not None
    assert optimism.value == pytest.approx(0.375 - 0.4)
    assert optimism.said == (
        "Cross-validation promised 0.0250 too much: 0.3750 in the folds, 0.4000 on the holdout "
        "(persistence: 0.5000 there, 0.5000 here)."
    )
    optimism = find_optimism(found(make_holdout(metric="f1"), maximise=True))
    assert optimism is not None and optimism.value == pytest.approx(0.375 - 0.4)
    assert optimism.said.startswith("Cross-validation promised 0.0250 too little")


@pytest.mark.parametrize("baseline", [0.39, 0.63])
def test_where_the_rows_differ_that_is_said_instead(baseline) -> None:
    optimism = find_optimism(found(replace(make_holdout(), baseline=baseline)))
    assert optimism is not None and optimism.value is None
    assert optimism.said == (
        "Selection optimism cannot be told (0.3750 in the folds, 0.4000 on the holdout): "
        f"the rows differ (persistence: 0.5000 there, {baseline:.4f} here)."
    )


def test_where_the_folds_train_on_far_fewer_rows_that_is_said_instead() -> None:
    walk = replace(FACTS, folds=(FoldInfo(60, 50, 0, 0), FoldInfo(160, 50, 0, 0)), baseline=Baseline("base rate", 0.5))
    optimism = find_optimism(replace(found(make_holdout()), facts=walk))
    assert optimism is not None and optimism.value is None
    assert optimism.said.endswith("the folds train on 55% of the rows that the refit has.")


def test_without_a_holdout_nothing_is_said() -> None:
    assert verdict(found(None)) == ()
    assert find_optimism(found(None)) is None


def test_looks_are_counted_in_words() -> None:
    assert verdict(found(make_holdout()))[-1] == "Trials scored on this holdout because they were chosen: 2."
