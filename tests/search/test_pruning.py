"""When a trial may be ended early, and what the watch passes on."""

import pytest
from optuna.pruners import SuccessiveHalvingPruner

from tests.search.making import make_finished, make_spec
from tuner.search.pruning import PruningWatch
from tuner.spec.space import defaults


def ended(*, number: int = 9, epochs: int = 20, complete: int = 5, pruner: str = "median") -> int | None:
    """The epoch after which a hopeless trial is pruned, with so many better ones before it."""
    spec = make_spec(train={"max_epochs": epochs}, search={"pruner": pruner})
    finished = [make_finished(spec, other, [1.0]) for other in range(complete)]
    watch = PruningWatch(spec, number, defaults(spec.space), finished)
    curve = [9.0] * epochs
    return next((epoch for epoch in range(1, epochs + 1) if watch.should_prune(epoch, curve[:epoch])), None)


@pytest.mark.parametrize(("epochs", "first"), [(20, 4), (30, 6), (6, 1), (2, 1), (1, 1)])
def test_no_trial_is_judged_in_the_first_fifth_of_the_epochs(epochs, first) -> None:
    assert ended(epochs=epochs) == first


def test_four_complete_trials_are_too_few_to_judge_by() -> None:
    assert ended(complete=4) is None
    assert ended(complete=5) is not None


def test_the_two_references_are_never_pruned() -> None:
    assert [ended(number=number) is None for number in range(4)] == [True, True, False, False]


def test_without_a_pruner_every_trial_runs_to_its_end() -> None:
    assert ended(pruner="none") is None


def test_a_trial_that_was_good_once_is_not_ended_for_getting_worse() -> None:
    spec = make_spec()
    finished = [make_finished(spec, number, [1.0]) for number in range(5)]
    watch = PruningWatch(spec, 9, defaults(spec.space), finished)
    curve = [0.5, 9.0, 9.0, 9.0]
    assert not any(watch.should_prune(epoch, curve[:epoch]) for epoch in range(1, 5))


def test_a_trial_that_stopped_early_still_counts_at_later_epochs() -> None:
    spec = make_spec(train={"max_epochs": 10})
    short = [make_finished(spec, number, [2.0, 1.0]) for number in range(5)]
    watch = PruningWatch(spec, 9, defaults(spec.space), short)
    curve = [0.9] * 9
    assert not any(watch.should_prune(epoch, curve[:epoch]) for epoch in range(1, 10))
    watch = PruningWatch(spec, 9, defaults(spec.space), short)
    slow = [1.5, 1.5, 1.5, 1.5]
    assert [watch.should_prune(epoch, slow[:epoch]) for epoch in range(1, 5)] == [False, True, True, True]


def test_progress_is_passed_on_with_the_curve_so_far() -> None:
    spec = make_spec()
    seen: list[tuple[int, int, tuple[float, ...]]] = []
    watch = PruningWatch(spec, 0, defaults(spec.space), (), lambda *sign: seen.append((*sign[:2], tuple(sign[2]))))
    watch.fold_trained(1, 1)
    watch.fold_trained(1, 2)
    watch.should_prune(1, [3.0])
    watch.fold_trained(2, 1)
    assert seen == [(1, 1, ()), (1, 2, ()), (2, 1, (3.0,))]


def test_what_the_pruner_notes_on_a_trial_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.search.pruning._make_pruner", lambda _: SuccessiveHalvingPruner(min_resource=1))
    spec = make_spec()
    watch = PruningWatch(spec, 2, defaults(spec.space), ())
    watch.should_prune(1, [3.0])
    watch.should_prune(2, [3.0, 2.0])
    assert watch.system == {"completed_rung_0": 3.0}


def test_what_a_trial_notes_does_not_hang_on_chance() -> None:
    spec = make_spec()
    finished = [make_finished(spec, number, [1.0]) for number in range(12)]
    noted = []
    for _ in range(2):
        watch = PruningWatch(spec, 12, defaults(spec.space), finished)
        watch.should_prune(1, [0.5])
        noted.append(watch.system)
    assert noted[0] == noted[1]
