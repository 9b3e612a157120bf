"""The coordinator: whatever order trials end in, however many workers there are and however often it is interrupted,
the study is the one that would have come out one trial after the other."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.search.making import make_spec
from tests.search.pretending import FakeBackend, KeptStudy, one_after_the_other
from tuner.errors import UserError
from tuner.search import coordinator as schedule
from tuner.search.coordinator import Coordinator
from tuner.search.events import Event, Notify, Progressed, Resumed, Started, Ticked, Told, ignore
from tuner.search.sampler import choose
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.storage.stored_study import StoredStudy
from tuner.training.outcome import Outcome

TRIALS = 20  # TPE draws at random until ten have finished
SPECS = {lag: make_spec(search={"lag": lag, "sampler": "tpe"}) for lag in (1, 2, 4)}
EXPECTED = {lag: one_after_the_other(spec, TRIALS) for lag, spec in SPECS.items()}

LAGS = st.sampled_from(sorted(SPECS))
CHANCE = st.integers(0, 2**32).map(random.Random)


# each study asks the same, and a sampler takes a while
CHOSEN: dict[str, dict[str, Value]] = {}


def remembered(*asked: Any) -> dict[str, Value]:
    """As `choose`, once for the same arguments."""
    key = repr(asked)
    return CHOSEN.get(key) or CHOSEN.setdefault(key, choose(*asked))


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "TICK", 0.0)
    monkeypatch.setattr(schedule, "choose", remembered)


class Interrupted:
    """Presses Ctrl-C at the n-th event."""

    def __init__(self, after: int) -> None:
        self._left = after

    def __call__(self, event: Event) -> None:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt


def coordinator(study: KeptStudy, backend: FakeBackend, notify: Notify = ignore) -> Coordinator:
    return Coordinator(cast(StoredStudy, study), backend, notify)


def check(study: KeptStudy) -> None:
    """The study is the expected one, as far as it has come."""
    expected = EXPECTED[study.spec.search.lag][: study.n_told()]
    assert [study.saved[number] for number in study.finished] == expected


def test_the_expected_studies_have_all_kinds_of_trials_and_differ_by_lag() -> None:
    for results in EXPECTED.values():
        assert {outcome.state for outcome in results} == {"complete", "pruned", "failed"}
    assert EXPECTED[1] != EXPECTED[2] != EXPECTED[4]


def test_the_expected_studies_hang_on_the_trials_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.search.pretending.choose", lambda spec, number, known, _: choose(spec, number, known, ())
    )
    assert one_after_the_other(SPECS[4], TRIALS) != EXPECTED[4]


@settings(max_examples=30)
@given(lag=LAGS, workers=st.integers(1, 6), rng=CHANCE)
def test_any_order_and_number_of_workers_gives_the_same_study(lag, workers, rng) -> None:
    study = KeptStudy(SPECS[lag])
    backend = FakeBackend(study, workers, rng)
    coordinator(study, backend).run(TRIALS)
    assert study.n_told() == len(study.begun) == TRIALS
    check(study)
    assert backend.most <= min(lag, workers)


@settings(max_examples=20)
@given(lag=LAGS, workers=st.integers(1, 6), rng=CHANCE, after=st.lists(st.integers(0, 40), min_size=1, max_size=5))
def test_any_interruptions_give_the_same_study(lag, workers, rng, after) -> None:
    study = KeptStudy(SPECS[lag])
    for count in after:
        with suppress(KeyboardInterrupt):
            coordinator(study, FakeBackend(study, workers, rng), Interrupted(count)).run(TRIALS)
        check(study)
        assert len(study.begun) - study.n_told() <= lag, "what is left under way"
    coordinator(study, FakeBackend(study, workers, rng)).run(TRIALS)
    assert study.n_told() == TRIALS
    check(study)


@settings(max_examples=10)
@given(lag=LAGS, rng=CHANCE, first=st.integers(1, TRIALS))
def test_fewer_trials_first_and_the_rest_later_give_the_same_study(lag, rng, first) -> None:
    study = KeptStudy(SPECS[lag])
    coordinator(study, FakeBackend(study, 3, rng)).run(first)
    assert study.n_told() == len(study.begun) == first, "a finished study has no trial under way"
    coordinator(study, FakeBackend(study, 2, rng)).run(TRIALS)
    check(study)


@settings(max_examples=10)
@given(lag=LAGS, rng=CHANCE, numbers=st.sets(st.integers(0, TRIALS - 1), max_size=4))
def test_a_worker_that_dies_once_changes_nothing(lag, rng, numbers) -> None:
    study = KeptStudy(SPECS[lag])
    backend = FakeBackend(study, 3, rng, deaths=dict.fromkeys(numbers, 1))
    coordinator(study, backend).run(TRIALS)
    check(study)
    assert len(backend.tasks) == TRIALS + len(numbers)


def test_a_trial_that_kills_its_worker_twice_fails_and_the_rest_goes_on() -> None:
    study = KeptStudy(SPECS[2])
    backend = FakeBackend(study, 2, random.Random(0), deaths={3: 9})
    coordinator(study, backend).run(8)
    assert [task.number for task in backend.tasks].count(3) == 2
    assert study.saved[3] == Outcome("failed", "its worker died 2 times (killed, or out of memory)")
    assert study.n_told() == 8
    assert [study.saved[number] for number in range(3)] == EXPECTED[2][:3]


def test_a_trial_has_the_same_two_chances_in_each_run() -> None:
    study = KeptStudy(SPECS[1])
    with pytest.raises(KeyboardInterrupt):
        coordinator(study, FakeBackend(study, 1, random.Random(0), deaths={0: 1}), Interrupted(8)).run(3)
    coordinator(study, FakeBackend(study, 1, random.Random(0))).run(3)
    assert study.saved[0].state == "complete"


# --- what is under way


def params_of(spec: Spec, count: int) -> list[dict[str, Any]]:
    study = KeptStudy(spec)
    coordinator(study, FakeBackend(study, 1, random.Random(0))).run(count)
    return study.begun


def nothing(times: int) -> Callable[[], Iterator[Progressed]]:
    """No trial ever ends; who still waits after so many looks would wait for ever."""
    looks = iter(range(times))

    def look() -> Iterator[Progressed]:
        assert next(looks, None) is not None
        return iter(())

    return look


def test_trials_under_way_at_the_deadline_stay_so_and_the_next_run_adopts_them() -> None:
    study = KeptStudy(SPECS[4])
    backend = FakeBackend(study, 3, random.Random(0))
    backend.progress = nothing(1000)  # type: ignore[method-assign]
    coordinator(study, backend).run(TRIALS, deadline=time.monotonic())
    assert (len(study.begun), study.n_told()) == (3, 0)
    later = FakeBackend(study, 3, random.Random(0))
    coordinator(study, later).run(TRIALS)
    assert sorted(task.number for task in later.tasks) == list(range(TRIALS))
    check(study)


def test_what_was_kept_but_not_told_is_told_without_training() -> None:
    study = KeptStudy(SPECS[4])
    study.begun = params_of(SPECS[4], 4)
    study.saved = {number: EXPECTED[4][number] for number in (0, 2, 3)}
    backend = FakeBackend(study, 3, random.Random(0))
    coordinator(study, backend).run(4)
    assert [task.number for task in backend.tasks] == [1]
    check(study)


def test_begun_trials_are_finished_also_when_fewer_are_wanted() -> None:
    study = KeptStudy(SPECS[4])
    study.begun = params_of(SPECS[4], 4)
    coordinator(study, FakeBackend(study, 1, random.Random(0))).run(1)
    assert study.n_told() == 4
    check(study)


def test_a_finished_study_trains_nothing() -> None:
    study = KeptStudy(SPECS[2])
    coordinator(study, FakeBackend(study, 2, random.Random(0))).run(5)
    again = FakeBackend(study, 2, random.Random(0))
    coordinator(study, again).run(5)
    coordinator(study, again).run(3)
    assert again.tasks == []


def test_a_deadline_is_kept_while_a_trial_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "TICK", 0.2)
    study = KeptStudy(SPECS[2])
    backend = FakeBackend(study, 1, random.Random(0))
    backend.progress = nothing(1000)  # type: ignore[method-assign]
    started = time.monotonic()
    coordinator(study, backend).run(TRIALS, deadline=started + 0.3)
    assert 0.3 <= time.monotonic() - started < 1.5


# --- what is said


def test_everything_is_told_in_order() -> None:
    heard: list[Event] = []
    study = KeptStudy(SPECS[1])
    coordinator(study, FakeBackend(study, 1, random.Random(0))).run(2)
    coordinator(study, FakeBackend(study, 1, random.Random(0)), heard.append).run(4)
    expected: list[Event] = [Resumed({number: study.saved[number] for number in (0, 1)})]
    for number in (2, 3):
        params = study.begun[number]
        expected += [Started(number, params), Progressed(number, 1, 1, None), Told(number, params, study.saved[number])]
    assert [event for event in heard if not isinstance(event, Ticked)] == expected


# --- a study that is wrong


def failing(monkeypatch: pytest.MonkeyPatch, *reasons: str) -> KeptStudy:
    """A study whose first trials fail for these reasons; an empty one is no failure."""
    outcomes = [Outcome("failed", reason) if reason else EXPECTED[2][n] for n, reason in enumerate(reasons)]
    monkeypatch.setattr("tests.search.pretending.pretend", lambda _, task: outcomes[task.number])
    return KeptStudy(SPECS[2])


def test_five_first_failures_for_one_reason_end_the_run(monkeypatch) -> None:
    study = failing(monkeypatch, *[f"Traceback of {n}\nValueError: no" for n in range(9)])
    with pytest.raises(UserError) as caught:
        coordinator(study, FakeBackend(study, 1, random.Random(0))).run(9)
    assert caught.value.what == "each of the first 5 trials failed: ValueError: no"
    assert caught.value.where == "small"
    assert study.n_told() == 5
    with pytest.raises(UserError):
        coordinator(study, FakeBackend(study, 1, random.Random(0))).run(9)


@pytest.mark.parametrize(
    "reasons",
    [
        ["one", "one", "one", "one", "other", "one", "one", "one"],
        ["", "one", "one", "one", "one", "one", "one", "one"],
        ["one", "one", "one", "one", "", "one", "one", "one"],
    ],
)
def test_other_failures_do_not(monkeypatch, reasons) -> None:
    study = failing(monkeypatch, *reasons)
    coordinator(study, FakeBackend(study, 2, random.Random(0))).run(len(reasons))
    assert study.n_told() == len(reasons)


def test_four_trials_that_fail_alike_are_too_few_to_judge_by(monkeypatch) -> None:
    study = failing(monkeypatch, *["one"] * 4)
    coordinator(study, FakeBackend(study, 2, random.Random(0))).run(4)
    assert study.n_told() == 4
