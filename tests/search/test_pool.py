"""Jobs on all workers: each is done once, deaths included; a deadline leaves the rest."""

import random
import time

import pytest

from tests.search.making import make_spec
from tests.search.pretending import FakeBackend, KeptStudy, pretend
from tuner.search.coordinator import do_all
from tuner.search.events import ignore
from tuner.search.jobs import REPEAT, Task
from tuner.spec.space import defaults

SPEC = make_spec()
JOBS = {f"t{number}": Task(number, defaults(SPEC.space), (REPEAT, number, 1)) for number in range(6)}


def backend(workers: int, **deaths: int) -> FakeBackend:
    return FakeBackend(KeptStudy(SPEC), workers, random.Random(workers), {int(key[1:]): n for key, n in deaths.items()})


@pytest.mark.parametrize("workers", [1, 2, 9])
def test_every_job_is_done_once_and_known_by_its_key(workers) -> None:
    done = list(do_all(JOBS, backend(workers), ignore))
    assert sorted(key for key, _ in done) == list(JOBS)
    assert all(result == pretend(SPEC, JOBS[key]) for key, result in done)


def test_one_death_is_forgiven_and_two_give_none() -> None:
    done = dict(do_all(JOBS, backend(2, t1=1, t3=2), ignore))
    assert sorted(done) == list(JOBS)
    assert [key for key, result in done.items() if result is None] == ["t3"]


def test_nothing_is_waited_for_past_the_deadline() -> None:
    assert len(list(do_all(JOBS, backend(1), ignore, time.monotonic()))) < len(JOBS)
    assert list(do_all({}, backend(1), ignore)) == []
