"""What runs inside a worker, in this process."""

from dataclasses import replace

import numpy as np
import pytest

from tests.making import make_small_problem, make_spec
from tests.search.making import make_finished
from tuner.search.jobs import OutOfFold, PathPoint, Refit, Result, Shared, Task
from tuner.search.worker import Worker
from tuner.spec.space import defaults
from tuner.training.refit import judge, refit
from tuner.training.trainer import train_folds

SPEC = make_spec(
    train={"max_epochs": 20, "patience": 20, "precision": "fp32"},
    cv={"folds": 2, "holdout": 0.0},
    search={"pruner": "median"},
    space={"hidden_size": 4, "num_layers": 1, "batch_size": 1024},
)
PARAMS = defaults(SPEC.space)
# far better than any network can be here
HOPELESS = [make_finished(SPEC, number, [-1.0], params=PARAMS) for number in range(5)]


@pytest.fixture
def worker() -> Worker:
    return Worker(Shared(SPEC, make_small_problem((300,), cv={"folds": 2, "holdout": 0.0}).folds(), None))


def train(worker: Worker, task: Task) -> Result:
    result = worker.train(task, lambda _: None)
    return replace(result, outcome=replace(result.outcome, seconds=0.0))


def test_a_repeat_is_never_pruned_and_draws_from_streams_of_its_own(worker) -> None:
    worker.learn(HOPELESS)
    trial, first, second = (train(worker, Task(5, PARAMS, 5, repeat)) for repeat in range(3))
    assert [result.outcome.state for result in (trial, first, second)] == ["pruned", "complete", "complete"]
    assert [result.repeat for result in (trial, first, second)] == [0, 1, 2]
    firsts = {result.outcome.curve[0] for result in (trial, first, second)}
    assert len(firsts) == 3, "three networks"
    assert train(worker, Task(5, PARAMS, 5, 1)) == first, "and the same ones again"


def test_what_is_learnt_twice_counts_once(worker) -> None:
    worker.learn(HOPELESS[:3])
    worker.learn(HOPELESS)
    assert worker.known == 5
    assert train(worker, Task(5, PARAMS, 5)).outcome.state == "pruned"


def test_what_a_trial_raises_is_its_reason(worker) -> None:
    outcome = train(worker, Task(5, {**PARAMS, "hidden_size": -1}, 0)).outcome
    assert outcome.state == "failed"
    assert outcome.reason.startswith("Traceback")
    assert PathPoint({**PARAMS, "hidden_size": -1}).run(worker, print).reason.startswith("Traceback")


def test_out_of_fold_scores_are_those_of_the_trial(worker) -> None:
    folds = worker.placed.folds
    outcome = train(worker, Task(0, PARAMS, 0)).outcome
    scores = OutOfFold(0, PARAMS).run(worker, print)
    assert [len(part) for part in scores] == [len(fold.valid) for fold in folds]
    again = train_folds(SPEC, folds, PARAMS, stream=(0,))
    assert again.curve == outcome.curve
    for same in (again.scores, outcome.scores):
        assert all(np.array_equal(one, other) for one, other in zip(scores, same, strict=True))


def test_points_of_a_path_share_their_random_streams(worker) -> None:
    one, same, other = (
        PathPoint({**PARAMS, "weight_decay": decay}).run(worker, print) for decay in (0.001, 0.001, 10.0)
    )
    assert one.curve == same.curve
    assert one.curve != other.curve
    assert one.curve[0] == pytest.approx(other.curve[0], rel=0.05), "they begin from the same network"


def test_a_refit_is_the_same_on_a_worker_as_here(worker) -> None:
    data = make_small_problem((300,), cv={"folds": 2, "holdout": 0.25}).refit()
    there = Refit(data, PARAMS, 5, 1).run(worker, print)
    here = judge(refit(SPEC, data, PARAMS, steps=5, repeat=1, bf16_from=None), data)
    assert np.array_equal(there.losses, here.losses)
    assert len(here.losses) == len(here.scores) == len(data.valid)
