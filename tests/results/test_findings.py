"""What a study begins with, counted by hand."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.making import make_dataset, make_spec, marked
from tests.search.making import make_findings, make_outcome
from tuner.data.problems import make_problem
from tuner.data.series import Bools
from tuner.results.findings import FoldInfo, StudyInfo, describe_study

EVENTS = marked(40, (5, 8), (15, 17), (25, 26), (33, 36))


def established(labels: Bools | None = EVENTS, **cv: Any) -> StudyInfo:
    kind = "forecast" if labels is None else "classify"
    spec = make_spec(cv={"folds": 2, "holdout": 0.0, **cv}, task={"window": 4, "kind": kind})
    data = make_dataset([40], labels)
    problem = make_problem(spec, data)
    facts = describe_study(spec, data, problem, problem.folds())
    assert [(fold.train, fold.valid) for fold in facts.folds] == [
        (len(fold.train), len(fold.valid)) for fold in problem.folds()
    ]
    return facts


def test_rows_windows_and_columns_are_counted() -> None:
    facts = established()
    assert (facts.rows, facts.series, facts.windows, facts.holdout) == (40, 1, 37, 0)
    assert facts.features == ("a", "b")
    assert facts.digest == ""


def test_the_holdout_is_counted_in_windows() -> None:
    # the last 10 of 40 rows; the first windows that end there still see earlier rows
    facts = established(holdout=0.25)
    assert facts.holdout == 7


def test_anomalous_rows_and_events_are_those_of_the_validation_blocks() -> None:
    facts = established()
    assert [(fold.anomalous, fold.events) for fold in facts.folds] == [(5, 2), (4, 2)]
    assert [(fold.anomalous, fold.events) for fold in established(None).folds] == [(0, 0)] * 2


def test_validation_over_training_windows_is_the_mean_of_the_folds_ratios() -> None:
    facts = established()
    one, two = FoldInfo(10, 5, 0, 0), FoldInfo(10, 10, 0, 0)
    assert StudyInfo(**{**vars(facts), "folds": (one, two)}).test_to_train == pytest.approx(0.75)


def test_facts_survive_the_way_through_json() -> None:
    facts = established()
    assert TypeAdapter(StudyInfo).validate_python(json.loads(json.dumps(asdict(facts)))) == facts


def test_what_was_asked_leaves_to_the_tuner_what_was_left_to_it() -> None:
    """Resolved epochs, asked for as such, would cut off repeats, which may take four times as many."""
    findings = make_findings(make_outcome([1.0]))
    assert findings.asked == findings.spec
    left = replace(findings, facts=replace(findings.facts, most_epochs=4 * findings.spec.train.epochs))
    assert left.asked.train.max_epochs == "auto"
    assert left.asked.model_copy(update={"train": left.spec.train}) == left.spec
