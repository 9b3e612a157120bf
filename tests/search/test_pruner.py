"""When a trial may be ended early, and what the watch passes on."""

import pytest

from tests.search.making import make_finished, make_spec
from tuner.search.pruner import AUDITS, PruningCallback, is_audit
from tuner.search.view import StudyView

MEDIAN = {"pruner": "median"}


def ended(*, number: int = 9, epochs: int = 20, complete: int = 5, pruner: str = "median") -> int | None:
    """The epoch after which a hopeless trial is pruned, with so many better ones before it."""
    spec = make_spec(train={"max_epochs": epochs}, search={"pruner": pruner})
    finished = [make_finished(spec, other, [1.0]) for other in range(complete)]
    callback = PruningCallback(StudyView(spec), number, finished)
    curve = [9.0] * epochs
    return next((epoch for epoch in range(1, epochs + 1) if callback.should_prune(epoch, curve[:epoch])), None)


@pytest.mark.parametrize(("epochs", "first"), [(20, 2), (30, 3), (6, 1), (2, 1), (1, 1)])
def test_no_trial_is_judged_in_the_first_tenth_of_the_epochs(epochs, first) -> None:
    assert ended(epochs=epochs) == first


def test_four_complete_trials_are_too_few_to_judge_by() -> None:
    assert ended(complete=4) is None
    assert ended(complete=5) is not None


def test_the_two_references_are_never_pruned() -> None:
    numbers = [number for number in range(6) if not is_audit(0, number)]
    assert {number for number in numbers if ended(number=number) is None} == {0, 1}


def test_without_a_pruner_every_trial_runs_to_its_end() -> None:
    assert ended(pruner="none") is None


def test_a_trial_that_was_good_once_is_not_ended_for_getting_worse() -> None:
    spec = make_spec(search=MEDIAN)
    finished = [make_finished(spec, number, [1.0]) for number in range(5)]
    callback = PruningCallback(StudyView(spec), 9, finished)
    curve = [0.5, 9.0, 9.0, 9.0]
    assert not any(callback.should_prune(epoch, curve[:epoch]) for epoch in range(1, 5))


def test_a_trial_that_stopped_early_still_counts_at_later_epochs() -> None:
    spec = make_spec(train={"max_epochs": 10}, search=MEDIAN)
    short = [make_finished(spec, number, [2.0, 1.0]) for number in range(5)]
    callback = PruningCallback(StudyView(spec), 9, short)
    curve = [0.9] * 9
    assert not any(callback.should_prune(epoch, curve[:epoch]) for epoch in range(1, 10))
    callback = PruningCallback(StudyView(spec), 9, short)
    slow = [1.5, 1.5, 1.5, 1.5]
    assert [callback.should_prune(epoch, slow[:epoch]) for epoch in range(1, 5)] == [False, True, True, True]


def test_progress_is_passed_on_with_the_curve_so_far() -> None:
    spec = make_spec()
    seen: list[tuple[int, int, tuple[float, ...]]] = []
    callback = PruningCallback(StudyView(spec), 0, (), lambda *sign: seen.append((*sign[:2], tuple(sign[2]))))
    callback.fold_trained(1, 1)
    callback.fold_trained(1, 2)
    callback.should_prune(1, [3.0])
    callback.fold_trained(2, 1)
    assert seen == [(1, 1, ()), (1, 2, ()), (2, 1, (3.0,))]


# --- audits


def watched(number: int) -> tuple[list[bool], int]:
    """What is said of a hopeless trial after each epoch, and whether it is an audit."""
    spec = make_spec(train={"max_epochs": 20}, search=MEDIAN)
    callback = PruningCallback(StudyView(spec), number, [make_finished(spec, other, [1.0]) for other in range(5)])
    said = [callback.should_prune(epoch, [9.0] * epoch) for epoch in range(1, 21)]
    return said, callback.audited


def test_an_audit_goes_on_and_notes_when_it_would_have_been_ended() -> None:
    number = next(number for number in range(2, 1000) if is_audit(0, number))
    assert watched(number) == ([False] * 20, 2)


def test_a_trial_that_is_ended_is_no_audit() -> None:
    number = next(number for number in range(2, 1000) if not is_audit(0, number))
    said, audited = watched(number)
    assert (said.index(True) + 1, audited) == (2, 0)


def test_audits_are_a_tenth_of_all_trials_and_other_ones_in_other_studies() -> None:
    audits = [{number for number in range(5_000) if is_audit(seed, number)} for seed in (0, 1)]
    for numbers in audits:
        assert abs(len(numbers) / 5_000 - AUDITS) < 0.015
    assert len(audits[0] & audits[1]) < 100
