"""What a study in the store amounts to: the best trial's scores stand at their rows, whatever fold they are from."""

from dataclasses import replace

import numpy as np
import pytest

from tests.making import make_dataset, make_detection, make_spec, marked
from tests.search.making import make_outcome
from tests.search.storing import tell
from tuner.data.folds import make_problem
from tuner.data.series import Dataset
from tuner.evaluation.detection import Detection
from tuner.results.findings import Findings, OutOfFoldScores, describe_study
from tuner.search.study import Prepared, findings, validated_rows
from tuner.storage.store import Store

LABELS = marked(120, (10, 14), (40, 44), (70, 75), (100, 104))
SPEC = make_spec(task={"kind": "classify"}, cv={"folds": 3, "holdout": 0.2})
DATA = make_dataset([60, 60], LABELS)
FOUND = make_detection()


def found_of(store: Store, data: Dataset, detection: Detection | None) -> Findings:
    """A study of one trial, each of whose scores is the row that its window answers."""
    problem = make_problem(SPEC, data)
    folds = problem.folds()
    prepared = Prepared(SPEC, data, problem, folds, describe_study(SPEC, data, problem, folds))
    study = store.begin(SPEC, prepared.facts)
    study.keep_rows(validated_rows(prepared))
    scores = tuple(problem.windows.target[fold.valid].astype(float) for fold in folds)
    tell(study, replace(make_outcome([1.0]), detection=detection, scores=scores))
    return findings(store.open(SPEC.study.name))


@pytest.fixture
def scored(store: Store, request: pytest.FixtureRequest) -> OutOfFoldScores:
    found = found_of(store, request.param, FOUND).scored
    assert found is not None
    return found


LATER = replace(DATA, series=(DATA.series[0], replace(DATA.series[1], time=np.arange(60) + 1000)))


@pytest.mark.parametrize("scored", [LATER], indirect=True)
def test_every_score_stands_at_its_row_whatever_fold_it_is_from(scored) -> None:
    rows = scored.scores.astype(int)
    assert (np.diff(rows) > 0).all()
    assert (scored.labels == LABELS[rows]).all()
    assert scored.time.tolist() == np.concatenate([one.time for one in LATER.series])[rows].tolist()
    assert scored.values.tolist() == np.concatenate([one.features[:, 0] for one in LATER.series])[rows].tolist()
    assert scored.name == DATA.feature_names[0]


@pytest.mark.parametrize("scored", [DATA], indirect=True)
def test_series_that_overlap_in_time_are_told_by_their_row_numbers(scored) -> None:
    assert scored.time.tolist() == scored.scores.astype(int).tolist()


def test_where_nothing_is_detected_there_are_none(store) -> None:
    assert found_of(store, DATA, None).scored is None
