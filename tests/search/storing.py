"""Trials to keep in a store."""

from tests.search.making import FACTS, make_outcome, make_spec
from tuner.search.jobs import Result, failure
from tuner.search.replica import Replica
from tuner.search.sampling import choose
from tuner.search.select import scalars
from tuner.search.stored_study import StoredStudy
from tuner.training.curves import Outcome

SPEC = make_spec()
COMPLETE = make_outcome([3.0, 1.0, 2.0])
PRUNED = make_outcome([3.0, 2.5], "pruned")
FAILED = failure("Traceback\nValueError: no")


def tell(study: StoredStudy, *outcomes: Outcome) -> None:
    """Begins, saves and tells a trial for each outcome."""
    for number, outcome in enumerate(outcomes):
        params = choose(Replica(study.spec), number, [], [])
        study.add(params)
        study.save(Result(number, outcome))
        study.tell(number, outcome, scalars(study.spec, FACTS, params, outcome))
