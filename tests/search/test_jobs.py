"""What a worker does with its jobs, in this process."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.making import make_small_problem, make_spec
from tuner.search.events import Progressed
from tuner.search.jobs import PATH, REPEAT, Refit, Shared, Task
from tuner.spec.sections import FLOAT32
from tuner.spec.space import defaults
from tuner.training.outcome import Outcome
from tuner.training.trainer import refit, train_folds

EPOCHS = 20
SPEC = make_spec(
    train={"max_epochs": EPOCHS, "patience": EPOCHS, "precision": "fp32"},
    cv={"folds": 2, "holdout": 0.0},
    space={"hidden_size": 4, "num_layers": 1, "batch_size": 1024},
)
PARAMS = defaults(SPEC.space)
SHARED = Shared(SPEC, make_small_problem((300,), cv={"folds": 2, "holdout": 0.0}).folds(), FLOAT32)
TRIAL = Task(5, PARAMS, (5,))
# far better than any network can be here
HOPELESS = (math.inf, *(-1.0,) * (EPOCHS - 1))


def train(task: Task) -> Outcome:
    return replace(task.run(SHARED, lambda _: None), seconds=0.0)


def test_a_task_is_the_training_of_its_configuration_and_reports_every_fold() -> None:
    signs: list[Progressed] = []
    outcome = TRIAL.run(SHARED, signs.append)
    here = train_folds(SPEC, SHARED.folds, PARAMS, stream=(5,))
    assert (outcome.curve, outcome.folds) == (here.curve, here.folds)
    for there, same in zip(outcome.scores, here.scores, strict=True):
        assert np.array_equal(there, same)
    assert [(sign.epoch, sign.fold) for sign in signs] == [(e, f) for e in range(1, EPOCHS + 1) for f in (1, 2)]
    best = [None, *(min(outcome.curve[:epoch]) for epoch in range(1, EPOCHS))]
    assert [sign.value for sign in signs] == [value for value in best for _ in range(2)]


def test_a_task_ends_above_its_threshold_and_an_audit_goes_on_and_says_so() -> None:
    whole, ended = train(TRIAL), train(replace(TRIAL, thresholds=HOPELESS))
    audit = train(replace(TRIAL, thresholds=HOPELESS, is_audit=True))
    assert (ended.state, ended.curve, ended.audited) == ("pruned", whole.curve[:2], 0)
    assert (audit.state, audit.curve, audit.audited) == ("complete", whole.curve, 2)
    assert train(replace(TRIAL, thresholds=(math.inf,) * EPOCHS)).curve == whole.curve


def test_other_streams_give_other_networks_and_the_same_ones_the_same() -> None:
    streams = [(5,), (REPEAT, 5, 1), (REPEAT, 5, 2), (PATH,)]
    assert len({train(Task(5, PARAMS, stream)).curve[0] for stream in streams}) == 4
    one, same, other = (train(Task(0, {**PARAMS, "weight_decay": decay}, (PATH,))) for decay in (0.001, 0.001, 10.0))
    assert one.curve == same.curve != other.curve
    assert one.curve[0] == pytest.approx(other.curve[0], rel=0.05), "they begin from the same network"


def test_what_a_task_raises_is_its_reason() -> None:
    outcome = train(Task(5, {**PARAMS, "hidden_size": -1}, (5,)))
    assert outcome.state == "failed"
    assert outcome.reason.startswith("Traceback")


def test_a_refit_is_the_same_as_a_job_as_here() -> None:
    data = make_small_problem((300,), cv={"folds": 2, "holdout": 0.25}).refit()
    there = Refit(PARAMS, 5, 1).run(replace(SHARED, folds=(data,)), print)
    here = refit(SPEC, data, PARAMS, steps=5, repeat=1)
    assert np.array_equal(there.outputs, here.outputs)
    assert len(here.outputs) == len(data.valid)
