"""The verdict in plain words: each case by hand, for losses and for metrics that are maximised."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.making import known, make_detection, make_holdout, make_score
from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.data.series import Floats
from tuner.evaluation.baselines import Baseline
from tuner.evaluation.bootstrap import Interval
from tuner.evaluation.holdout import Contender, Holdout, HoldoutWindows, Score, leave_one_out, score_models
from tuner.results.captions import describe_threshold, explain_trust
from tuner.results.findings import Findings, FoldInfo
from tuner.results.optimism import find_optimism
from tuner.results.verdict import brief, conclude, judge, judge_tuning
from tuner.spec.metric import METRICS
from tuner.training.outcome import FoldCurve, Outcome


def score(
    name: str, trial: int | None, value: float | None, difference: float = 0.0, interval: Interval | None = None
) -> Score:
    known: dict[str, Any] = {"difference": difference, "difference_interval": interval, "loss": value}
    return make_score(name, trial, value, se=0.1, interval=(0.0, 1.0), **known)


def held(*scores: Score, **changes: Any) -> Holdout:
    return make_holdout(score("shipped", 2, 0.4), *scores, **changes)


def found(holdout: Holdout | None, *, maximise: bool = False) -> Findings:
    spec = make_spec(study={"metric": "f1"}) if maximise else make_spec()
    best = make_outcome([0.375], maximise=maximise)
    worse = make_outcome([0.2 if maximise else 2.0], maximise=maximise)
    return replace(make_findings(worse, worse, best, spec=spec), holdout=holdout)


def first(*scores: Score, maximise: bool = False) -> str:
    return conclude(found(held(*scores, metric="f1" if maximise else "loss"), maximise=maximise))[0]


CLEARLY, NOT_SURELY, WORSE = (0.1, 0.3), (-0.1, 0.3), (-0.3, -0.1)


@pytest.mark.parametrize(
    ("default", "unregularised", "said"),
    [
        (CLEARLY, CLEARLY, "Tuning helped: "),
        (CLEARLY, NOT_SURELY, "Inconclusive. "),
        (NOT_SURELY, CLEARLY, "Inconclusive. "),
        (WORSE, CLEARLY, "Tuning harmed: "),
        (NOT_SURELY, WORSE, "Tuning harmed: "),
        (None, CLEARLY, "Inconclusive. "),
        (None, None, "Inconclusive. "),
        ((0.0, 0.0), CLEARLY, "Inconclusive. "),
    ],
)
def test_tuning_helps_where_it_surely_beats_both(default, unregularised, said) -> None:
    opponents = score("default", 1, 0.6, 0.2, default), score("unregularised", 0, 0.6, 0.2, unregularised)
    assert first(*opponents).startswith(said)
    mirrored = [None if each is None else (-each[1], -each[0]) for each in (default, unregularised)]
    opponents = score("default", 1, 0.2, -0.2, mirrored[0]), score("unregularised", 0, 0.2, -0.2, mirrored[1])
    assert first(*opponents, maximise=True).startswith(said)


def test_both_differences_are_told_with_their_intervals() -> None:
    assert first(score("default", 1, 0.6, 0.2, CLEARLY), score("unregularised", 0, 0.3, -0.1, None)) == (
        "Inconclusive. On held-out data (loss, lower is better) tuning gains 0.20 over the defaults (95 % interval "
        "+0.10 to +0.30) and loses 0.10 to no regularisation: too few rows to be sure."
    )
    assert first(score("default", 1, 0.2, -0.2, (-0.3, -0.1)), maximise=True) == (
        "Tuning helped: on held-out data (F1, higher is better) it gains 0.20 over the defaults."
    )


def test_without_any_interval_the_blocks_are_counted() -> None:
    said = first(score("default", 1, 0.6, 0.2, None), score("unregularised", 0, 0.6, 0.2, None))
    assert said.endswith(": 12 blocks of rows are too few for an interval.")


def test_tuning_made_no_difference_where_the_default_is_the_best() -> None:
    said = first(score("default", 2, 0.4, 0.0, (0.0, 0.0)), score("unregularised", 0, 0.6, 0.2, CLEARLY))
    assert said == "Tuning made no difference: the defaults came out best."


def test_tuning_made_no_difference_where_nothing_is_clearly_better_than_the_defaults() -> None:
    guarded = make_holdout(score("shipped", 1, 0.5), score("best", 2, 0.4), score("default", 1, 0.5))
    assert conclude(found(guarded))[0] == (
        "Tuning made no difference: in cross-validation nothing is clearly better than the defaults, so use these."
    )


CLOSE = "too close for so few rows"


@pytest.mark.parametrize(
    ("value", "gain", "chip", "said"),
    [
        (
            0.9,
            CLEARLY,
            "works",
            "The forecast works: on held-out data its loss is 0.40, against 0.50 for repeating the la",
        ),
        (0.48, CLEARLY, "works", "against 0.48 for repeating the last season (lower is better)."),
        (0.48, NOT_SURELY, "unknown", f"against 0.48 for repeating the last season (lower is better), {CLOSE}."),
        (0.3, NOT_SURELY, "unknown", f"against 0.30 for repeating the last season (lower is better), {CLOSE}."),
        (0.3, WORSE, "does not work", "The forecast does not work: on held-out data its loss is 0.40, against 0.30"),
    ],
)
def test_a_forecast_works_where_it_surely_beats_the_strongest_baseline(value, gain, chip, said) -> None:
    works = judge(found(held(score("seasonal naive", None, value, value - 0.4, gain))))[1]
    assert works.chip == chip and said in works.said


@pytest.mark.parametrize(
    ("value", "gain", "chip"),
    [(0.3, CLEARLY, "works"), (0.3, NOT_SURELY, "works"), (0.45, NOT_SURELY, "unknown"), (0.6, WORSE, "does not work")],
)
def test_a_detection_works_where_guessing_is_beaten_and_nothing_else_is_better(value, gain, chip) -> None:
    rival = score("PCA", None, value, value - 0.4, (-gain[1], -gain[0]))
    rivalled = held(rival, metric="f1", baseline=0.1)
    facts = replace(FACTS, baseline=Baseline("base rate", 0.1))
    works = judge(replace(found(rivalled, maximise=True), facts=facts))[1]
    assert works.chip == chip
    assert f"its F1 is 0.40, against {value:.2f} for PCA (higher is better, guessing reaches 0.10)" in works.said
    guessed = judge(replace(found(held(metric="f1"), maximise=True), facts=facts))[1]
    assert guessed.said.startswith(
        "The detection does not work: on held-out data its F1 is 0.40, against 0.50 for gues"
    )


def test_a_model_that_cannot_be_scored_decides_nothing() -> None:
    unknown = replace(score("default", 1, None), difference=None)
    assert first(unknown, score("unregularised", 0, 0.6, 0.2, CLEARLY)).startswith("Inconclusive. ")
    nothing = make_holdout(score("shipped", 2, None), metric="f1")
    assert conclude(found(nothing, maximise=True))[:2] == (
        "Inconclusive. No comparison on held-out data is possible: the held-out data have no anomalous row.",
        "Whether the detection works is unknown: the held-out data have no anomalous row.",
    )
    diverged = make_holdout(score("shipped", 2, None))
    assert "its refits diverged" in conclude(found(diverged))[1]
    assert "its refits diverged" in explain_trust(found(diverged))[0]


def test_optimism_is_the_cross_validated_score_less_the_holdouts() -> None:
    optimism = known(find_optimism(found(held())))
    assert optimism.value == pytest.approx(0.375 - 0.4)
    # 0.125 and 0.625 in the folds: an error of 0.35, times t with 1 degree of freedom
    assert optimism.said.startswith(
        "Held-out loss is 0.025 higher than in cross-validation (0.40 against 0.38, lower is better). Relative to the "
        "baseline that is +6.67 % (95 % interval "
    )
    assert optimism.said.endswith("%): no clear sign that the choice was a lucky one.")
    optimism = known(find_optimism(found(held(metric="f1"), maximise=True)))
    assert optimism.value == pytest.approx(0.375 - 0.4)
    assert optimism.said.startswith("Held-out F1 is 0.025 higher than in cross-validation")


@pytest.mark.parametrize(
    ("value", "baseline", "said"),
    [
        (0.45, 0.62, "that is -3.23 % (95 % interval -14.1 % to +9.04 %): no clear sign that the choice was a"),
        (0.6, 0.5, "that is +60 % (95 % interval +42 % to +80.3 %): so the choice was partly luck."),
        (0.25, 0.6, "that is -44.4 % (95 % interval -50.7 % to -37.4 %): better than cross-validation promised."),
    ],
)
def test_what_is_lost_is_told_relative_to_the_baseline_with_an_interval(value, baseline, said) -> None:
    """Five folds of 0.375 each but for some noise, and a holdout with an error of a twentieth."""
    shipped = replace(score("shipped", 2, value), se=0.05 * value)
    findings = found(make_holdout(shipped, baseline=baseline))
    best = findings.chosen("best")
    folds = tuple(FoldCurve((0.3,), (v,), (v,)) for v in (0.36, 0.39, 0.375, 0.37, 0.38))
    trial = replace(best.trial, outcome=replace(best.trial.outcome, folds=folds))
    summary = replace(findings.summary, shipped=replace(best, trial=trial))
    optimism = known(find_optimism(replace(findings, summary=summary)))
    assert said in optimism.said


@pytest.mark.parametrize(("baseline", "period"), [(0.39, "easier"), (0.63, "harder")])
def test_where_the_rows_differ_that_is_said_instead(baseline, period) -> None:
    optimism = known(find_optimism(found(held(baseline=baseline))))
    assert optimism.value is None
    assert optimism.said == (
        "The two scores cannot be compared (0.38 in cross-validation, 0.40 on held-out data): the held-out period is "
        f"{period} (persistence 0.50 before, {baseline:.2f} in the holdout)."
    )
    rate = replace(FACTS, baseline=Baseline("base rate", 0.5))
    optimism = known(find_optimism(replace(found(held(baseline=0.25)), facts=rate)))
    assert "anomalies are less common in the holdout" in optimism.said


def test_where_the_folds_train_on_far_fewer_rows_that_is_said_instead() -> None:
    walk = replace(FACTS, folds=(FoldInfo(60, 50, 0, 0), FoldInfo(160, 50, 0, 0)), baseline=Baseline("base rate", 0.5))
    optimism = known(find_optimism(replace(found(held()), facts=walk)))
    assert optimism.value is None
    assert optimism.said.endswith("the folds train on only 55 % of the rows that the final network has.")


def test_uses_of_the_holdout_are_counted() -> None:
    said = "The holdout has been used for 2 configurations so far; each further use makes it less honest."
    assert explain_trust(found(held()))[-1] == said


SPEC = make_spec(search={"repeats": 0})


def study(*outcomes: Outcome, se: float = 0.1, baseline: float = 9.0, spec=SPEC) -> Findings:
    """A study without a holdout, with this standard error."""
    findings = make_findings(*outcomes, spec=spec)
    summary = findings.summary
    best, one_se = (replace(findings.chosen(rule), se=se, cost_se=se) for rule in ("best", "1se"))
    facts = replace(FACTS, baseline=Baseline("persistence", baseline))
    return replace(findings, facts=facts, summary=replace(summary, best=best, one_se=one_se, shipped=best))


@pytest.mark.parametrize(
    ("default", "said"),
    [
        (1.25, "Tuning helped: in cross-validation the defaults reached 1.2, 2.2 standard errors worse."),
        (1.15, "Inconclusive. Tuning probably helped: in cross-validation the defaults reached 1.1, 1.4 standard"),
        (
            1.05,
            "Tuning made no difference that these folds can show: in cross-validation the defaults reached 1.1, 0.5",
        ),
    ],
)
def test_without_a_holdout_tuning_is_judged_in_standard_errors_of_the_folds(default, said) -> None:
    findings = study(*(make_outcome([value], spread=0.0) for value in (2.0, default, 1.0)))
    assert find_optimism(findings) is None
    assert conclude(findings)[0].startswith(said)
    assert "best of 3 trials was chosen by these very folds" in explain_trust(findings)[-1]


def test_where_more_is_better_less_is_worse() -> None:
    spec = make_spec(study={"metric": "f1"}, search={"repeats": 0})
    outcomes = [make_outcome([value], maximise=True) for value in (0.2, 0.5, 0.9)]
    findings = study(*outcomes, baseline=0.1, spec=spec)
    assert "the defaults reached 0.50, 4.0 standard errors worse" in conclude(findings)[0]
    assert judge(findings)[1].said.startswith(
        "The detection works: in cross-validation its F1 is 0.90, against 0.10 for"
    )
    assert judge(study(*outcomes, baseline=0.95, spec=spec))[1].chip == "does not work"


def test_the_default_may_be_the_best() -> None:
    findings = study(make_outcome([2.0]), make_outcome([1.0]), make_outcome([3.0]))
    assert conclude(findings)[0] == "Tuning made no difference: the defaults came out best."


def test_without_an_error_nothing_is_claimed() -> None:
    findings = study(make_outcome([2.0]), make_outcome([1.5]), make_outcome([1.0]), se=float("nan"))
    assert conclude(findings)[0].startswith("Inconclusive. Too few trials to be sure: in cross-validation the defaults")


def test_a_default_that_was_pruned_or_failed_is_called_so() -> None:
    pruned = study(make_outcome([2.0]), make_outcome([1.5], "pruned"), make_outcome([1.0]))
    assert "the defaults reached 1.5, when it was pruned" in conclude(pruned)[0]
    failed = study(make_outcome([2.0]), make_outcome([], "failed"), make_outcome([1.0]))
    assert conclude(failed)[0] == "Inconclusive. The defaults cannot be scored in cross-validation."


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0.00"),
        (0.0996, "0.10"),
        (0.1049, "0.10"),
        (1.05, "1.1"),
        (12.3, "12"),
        (123.4, "120"),
        (-0.0012, "-0.0012"),
    ],
)
def test_figures_in_sentences_have_two_significant_digits(value, said) -> None:
    assert brief(value) == said


RUN = "python -m tuner.run --study studies/small/study.toml"


def test_the_next_command_goes_on_with_what_is_missing_or_ships_what_works() -> None:
    begun = found(held(score("default", 1, 0.6, 0.2, CLEARLY)))
    assert conclude(begun)[2] == f"Next, train the other 9 trials: {RUN}"
    spec = make_spec(study={"trials": 3})
    done = replace(begun, spec=spec, storage="sqlite:///my studies.db")
    assert judge(done)[2].command == (
        "python -m tuner.export --study small --bundle studies/small/bundle --storage 'sqlite:///my studies.db'"
    )
    untested = replace(done, holdout=None, facts=replace(FACTS, holdout=80))
    assert judge(untested)[2].command == f"{RUN} --storage 'sqlite:///my studies.db'"
    beaten = replace(done, holdout=held(score("PCA", None, 0.3, -0.1, WORSE)))
    assert judge(beaten)[2].command.startswith(f"{RUN} --trials 6")
    assert [one.tone for one in judge(beaten)] == ["open", "bad", "next"]


def detecting(**changes: float) -> Findings:
    """A study whose trials detect anomalies so well."""
    found_one = make_detection(**changes)
    return make_findings(*(replace(make_outcome([value]), detection=found_one) for value in (2.0, 1.5, 1.0)), spec=SPEC)


GUESSING = (
    "not clearly better than guessing (average precision 0.50 in cross-validation, 95 % interval 0.40 to 0.60; base "
    "rate 0.45), so a bundle flags no rows unless you set `flag_share`"
)


def test_a_useless_alarm_is_called_so_with_or_without_a_holdout() -> None:
    useless = detecting(base_rate=0.45)
    for findings in (useless, replace(useless, holdout=held())):
        works = judge(findings)[1]
        assert (works.chip, works.said) == ("does not work", f"The detection does not work: it is {GUESSING}.")
    assert (
        "its errors find anomalies with average precision 0.50 in cross-validation (base rate 0.10)"
        in judge(replace(detecting(), holdout=held()))[1].said
    )


@pytest.mark.parametrize(
    ("findings", "threshold", "said"),
    [
        (detecting(), 1.5, "threshold 1.5 (precision 0.50 in cross-validation, base rate 0.10)"),
        (detecting(base_rate=0.45), None, f"no threshold: its detection is {GUESSING}"),
        (detecting(base_rate=0.45), 2.0, f"threshold 2: its detection is {GUESSING}"),
        (make_findings(make_outcome([1.0])), None, "no threshold (no labels)"),
        (make_findings(make_outcome([1.0])), 2.0, "threshold 2"),
    ],
)
def test_a_bundles_threshold_is_said_with_what_it_is_worth(findings, threshold, said) -> None:
    assert describe_threshold(findings, findings.trials[-1], threshold) == said


def test_before_anything_completed_that_is_all_there_is_to_say() -> None:
    findings = make_findings(make_outcome([1.0], "pruned"))
    assert explain_trust(findings) == ()
    assert [one.chip for one in judge(findings)] == ["inconclusive", "unknown", "next"]


# --- the verdict on networks that are known to be alike, or not

ROWS, BLOCK, MEMBERS, DRAWS = 480, 24, 8, 100
ALIKE = HoldoutWindows(np.arange(ROWS), np.arange(ROWS) // BLOCK, np.ones(ROWS, bool), None)
# Of kinds of series: rows that errors remember, the share of rows in bursts, and the part of the seeds in the errors.
KINDS = {
    "calm": (1, 0.0, 0.1),
    "slow": (12, 0.0, 0.1),
    "bursts": (6, 0.05, 0.1),
    "seeds": (3, 0.0, 0.2),
    "all": (12, 0.05, 0.1),
}


def wander(rng: np.random.Generator, memory: int, count: int) -> Floats:
    """Noise of unit variance that is forgotten after so many rows, (count, rows)."""
    noise = np.cumsum(rng.normal(size=(count, ROWS + memory)), axis=1)
    wandering: Floats = (noise[:, memory:] - noise[:, :-memory]) / memory**0.5
    return wandering


def verdicts(kind: str, gain: float, *, seeds: bool = True) -> list[str]:
    """The verdict on each draw of ensembles of one configuration, where the losses of all but the first are greater."""
    memory, bursts, part = KINDS[kind]
    rng, said = np.random.default_rng(0), []
    for _ in range(DRAWS):
        scale = np.where(wander(rng, 8, 1) > np.quantile(wander(rng, 8, 1), 1 - bursts), 8.0, 1.0)
        common, pattern = wander(rng, memory, 1), wander(rng, 4 * BLOCK, 1)
        contenders = []
        for number, name in enumerate(("shipped", "default", "unregularised")):
            # a seed errs in ways of its own, and more or less in a way that all share
            own = wander(rng, memory, MEMBERS) + pattern * rng.normal(size=(MEMBERS, 1))
            outputs = scale * (common + part * own)
            losses = np.square(leave_one_out(outputs)) / (1 - gain if number else 1)
            losses = losses if seeds else losses[:1]
            contenders.append(Contender(name, number, losses, losses, None))
        scores = score_models(METRICS["loss"], ALIKE, contenders, 0)
        said.append(judge_tuning(METRICS["loss"], make_holdout(*scores)))
    return said


def share(said: list[str], *words: str) -> float:
    return sum(one.startswith(words) for one in said) / len(said)


@pytest.mark.parametrize("kind", KINDS)
def test_networks_that_differ_by_their_seeds_alone_are_not_told_apart_and_a_gain_is_seen(kind) -> None:
    assert share(verdicts(kind, 0.0), "Tuning helped", "Tuning harmed") <= 0.07
    assert share(verdicts(kind, 0.2), "Tuning helped") >= 0.8


def test_intervals_of_the_rows_alone_would_tell_them_apart() -> None:
    assert share(verdicts("all", 0.0, seeds=False), "Tuning helped", "Tuning harmed") > 0.1
