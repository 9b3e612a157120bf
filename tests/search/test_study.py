"""What a study in the store amounts to: the best trial's scores stand at their rows, whatever fold they are from."""

from dataclasses import replace

import numpy as np
import pytest

from tests.making import known, make_dataset, make_detection, make_spec, marked, refused
from tests.search.making import make_outcome
from tests.search.storing import tell
from tuner.data.problems import make_problem
from tuner.data.series import Dataset
from tuner.evaluation.detection import Detection
from tuner.results.findings import Findings, ScoredRows, describe_study
from tuner.search.study import MOST_COLUMNS, Prepared, findings, prepare, shown_rows
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
    study.keep_rows(shown_rows(prepared))
    scores = tuple(problem.windows.target[fold.valid].astype(float) for fold in folds)
    tell(study, replace(make_outcome([1.0]), detection=detection, scores=scores))
    return findings(store.open(SPEC.study.name))


@pytest.fixture
def scored(store: Store, request: pytest.FixtureRequest) -> ScoredRows:
    return known(found_of(store, request.param, FOUND).scored)


LATER = replace(DATA, series=(DATA.series[0], replace(DATA.series[1], time=np.arange(60) + 1000)))


@pytest.mark.parametrize("scored", [LATER], indirect=True)
def test_every_score_stands_at_its_row_whatever_fold_it_is_from(scored) -> None:
    assert (np.isnan(scored.scores) == (scored.part < 0)).all(), "no score of the holdout was kept"
    assert set(scored.part) == {-1, 0, 1, 2}
    kept = scored.part >= 0
    rows = scored.scores[kept].astype(int)
    assert (np.diff(rows) > 0).all()
    assert scored.labels is not None and (scored.labels[kept] == LABELS[rows]).all()
    assert scored.time[kept].tolist() == np.concatenate([one.time for one in LATER.series])[rows].tolist()
    features = np.concatenate([one.features for one in LATER.series])[rows]
    for name, values in zip(scored.names, scored.values[kept].T, strict=True):
        assert values.tolist() == pytest.approx(features[:, DATA.feature_names.index(name)].tolist())
    assert sorted(scored.names) == sorted(DATA.feature_names)


@pytest.mark.parametrize("scored", [DATA], indirect=True)
def test_series_that_overlap_in_time_are_told_by_their_row_numbers(scored) -> None:
    kept = scored.part >= 0
    assert scored.time[kept].tolist() == scored.scores[kept].astype(int).tolist()


def test_where_nothing_is_detected_rows_have_no_labels(store) -> None:
    rows = found_of(store, DATA, None).scored
    assert rows is not None and rows.labels is None


def test_the_columns_in_which_anomalous_rows_differ_most_are_kept_first() -> None:
    features = np.random.default_rng(0).normal(size=(120, 8))
    features[LABELS, 6] += 5
    features[LABELS, 3] -= 3
    wide = make_dataset([120], LABELS)
    names = tuple("abcdefgh")
    wide = replace(wide, series=(replace(wide.series[0], features=features),), feature_names=names)
    problem = make_problem(SPEC.model_copy(update={"cv": SPEC.cv.model_copy(update={"scheme": "blocked"})}), wide)
    folds = problem.folds()
    rows = shown_rows(Prepared(SPEC, wide, problem, folds, describe_study(SPEC, wide, problem, folds)))
    kept = rows["values"].dtype.names
    assert kept is not None and kept[:2] == ("g", "d") and len(kept) == MOST_COLUMNS


def test_a_metric_that_was_given_from_python_is_asked_for() -> None:
    assert "`far` was given" in refused(prepare, make_spec(study={"metric": "-far@1"}, data={"path": "x.npz"})).what
