"""The verdict in words, on studies whose answer is known."""

from dataclasses import replace

import pytest

from tests.report.making import HOLDOUT
from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.evaluation.no_network import Baseline
from tuner.results.findings import Findings
from tuner.results.verdict import recommend
from tuner.training.outcome import Outcome

SPEC = make_spec(search={"repeats": 0})


def study(*outcomes: Outcome, se: float = 0.1, baseline: float = 9.0, spec=SPEC) -> Findings:
    """A study with this standard error."""
    findings = make_findings(*outcomes, spec=spec)
    summary = findings.summary
    assert summary.best is not None
    assert summary.one_se is not None
    best, one_se = replace(summary.best, se=se), replace(summary.one_se, se=se)
    facts = replace(FACTS, baseline=Baseline("persistence", baseline))
    return replace(findings, facts=facts, summary=replace(summary, best=best, one_se=one_se))


def said(findings: Findings, about: str) -> str:
    (sentence,) = [sentence for sentence in recommend(findings) if about in sentence]
    return sentence


@pytest.mark.parametrize(
    ("default", "words"),
    [
        (1.25, "Tuning helped: the default configuration reaches 1.2500, 2.5 standard errors worse."),
        (1.15, "Tuning probably helped: the default configuration reaches 1.1500, 1.5 standard errors worse."),
        (1.05, "Tuning made no difference that these folds can show: the default configuration reaches 1.0500, 0.5"),
    ],
)
def test_whether_tuning_helped_is_judged_in_standard_errors(default, words) -> None:
    assert words in said(study(make_outcome([2.0]), make_outcome([default]), make_outcome([1.0])), "Tuning")


def test_where_more_is_better_less_is_worse() -> None:
    spec = make_spec(study={"metric": "f1"}, search={"repeats": 0})
    outcomes = [make_outcome([value], maximise=True) for value in (0.2, 0.5, 0.9)]
    findings = study(*outcomes, baseline=0.1, spec=spec)
    assert "0.5000, 4.0 standard errors worse" in said(findings, "Tuning helped")
    assert "No network at all (persistence) reaches 0.1000." in recommend(findings)
    assert said(study(*outcomes, baseline=0.95, spec=spec), "Beware")


def test_the_default_may_be_the_best() -> None:
    assert "Tuning did not help: the best trial is the default configuration." in recommend(
        study(make_outcome([2.0]), make_outcome([1.0]), make_outcome([3.0]))
    )


def test_without_an_error_nothing_is_claimed() -> None:
    findings = study(make_outcome([2.0]), make_outcome([1.5]), make_outcome([1.0]), se=float("nan"))
    assert "cannot be told from so few trials" in said(findings, "tuning")


def test_a_pruned_reference_is_called_one() -> None:
    findings = study(make_outcome([2.0], "pruned"), make_outcome([1.5]), make_outcome([1.0]))
    assert "reaches 2.0000 when it was pruned" in said(findings, "Regularisation")


def test_a_failed_reference_is_not_spoken_of() -> None:
    findings = study(make_outcome([], "failed"), make_outcome([1.5]), make_outcome([1.0]))
    assert not [sentence for sentence in recommend(findings) if "Regularisation" in sentence]


def test_a_network_that_does_not_beat_none_is_warned_of() -> None:
    findings = study(make_outcome([2.0]), make_outcome([1.5]), make_outcome([1.0]), baseline=0.5)
    assert "Do not use this network" in said(findings, "Beware")


def test_the_most_regularised_is_named_where_it_is_another() -> None:
    lax, strict = make_outcome([1.0]), make_outcome([1.05])
    strict = replace(strict, folds=tuple(replace(fold, train_loss=(0.9,)) for fold in strict.folds))
    spread = make_outcome([1.0], spread=0.5)
    findings = make_findings(spread, lax, strict, spec=SPEC)
    assert findings.summary.one_se is not None
    assert findings.summary.one_se.trial.number == 2
    assert said(findings, "most regularised").startswith("Trial 2 (1.0500)")
    assert "No other trial" in said(study(make_outcome([2.0])), "more regularised")


def test_a_holdout_says_whether_tuning_helped_not_the_folds() -> None:
    outcomes = [make_outcome([value], maximise=True) for value in (0.2, 0.5, 0.9)]
    findings = study(*outcomes, baseline=0.35, spec=make_spec(study={"metric": "f1"}, search={"repeats": 0}))
    sentences = recommend(replace(findings, holdout=HOLDOUT))
    (tuned,) = [sentence for sentence in sentences if sentence.startswith("Tuning")]
    assert "on the holdout" in tuned
    assert "Trials scored on this holdout because they were chosen: 2." in sentences
    assert not [sentence for sentence in sentences if "looks a little better" in sentence]


def test_before_anything_completed_that_is_all_there_is_to_say() -> None:
    (sentence,) = recommend(make_findings(make_outcome([1.0], "pruned")))
    assert "No trial of small has completed yet" in sentence
