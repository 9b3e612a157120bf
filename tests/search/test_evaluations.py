"""Evaluations come back as they were kept, each under its own trial and study."""

import numpy as np

from tests.search.making import FACTS, make_spec
from tests.search.storing import SPEC


def test_out_of_fold_scores_come_back_bit_for_bit(store, study) -> None:
    scores = (np.array([0.1, -np.pi, 1e300]), np.array([2.0], np.float32))
    study.evaluations.save_out_of_fold(3, scores)
    kept = store.open("small").evaluations.out_of_fold(3)
    assert [part.tolist() for part in kept] == [part.tolist() for part in scores]


def test_what_was_not_kept_is_none(store, study) -> None:
    other = store.begin(make_spec(study={"name": "other"}), FACTS)
    other.evaluations.save_out_of_fold(3, [np.ones(2)])
    study.evaluations.save_out_of_fold(4, [np.ones(2)])
    assert store.open(SPEC.study.name).evaluations.out_of_fold(3) is None
