"""Trials to keep in a store."""

from tests.search.making import make_outcome, make_spec
from tuner.search.sampler import choose
from tuner.storage.stored_study import StoredStudy
from tuner.training.outcome import Outcome

SPEC = make_spec()
COMPLETE = make_outcome([3.0, 1.0, 2.0])
PRUNED = make_outcome([3.0, 2.5], "pruned")
FAILED = Outcome("failed", "Traceback\nValueError: no")


def tell(study: StoredStudy, *outcomes: Outcome) -> None:
    """Begins, saves and tells a trial for each outcome."""
    for number, outcome in enumerate(outcomes):
        params = choose(study.spec, number, [], [])
        study.add(params)
        study.save(number, outcome)
        study.tell(number, params, outcome)
