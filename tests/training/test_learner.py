"""One network on one fold: equal to plain torch loops, and what its batches may and may not see."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.making import make_dataset, make_small_problem, make_spec, marked, needs_bf16, params
from tests.training.plain import Epoch, plain_epochs, sequences
from tuner.data.folds import FoldData
from tuner.data.problems import make_problem
from tuner.spec.sections import FLOAT32, Precision
from tuner.training.learner import Learner

SEED = (0, 5, 2)  # study, trial, fold


def a_fold(**sections: Any) -> FoldData:
    return make_small_problem(**sections).folds()[1]


def train(fold: FoldData, epochs: int = 3, *, clip: float = 1e6, optimizer: str = "adamw", **changes: Any) -> Learner:
    """A learner after some epochs; clipping is out of reach unless it is asked for."""
    kind = "classify" if fold.targets is None else "forecast"
    spec = make_spec(task={"kind": kind}, train={"clip": clip, "optimizer": optimizer})
    learner = Learner(spec, fold, params(**changes), key=SEED[1:])
    learner.train(epochs * learner.batches)
    return learner


def plain(fold: FoldData, epochs: int = 3, **settings: Any) -> Epoch:
    return next(islice(plain_epochs(fold, SEED, **settings), epochs - 1, None))


def assert_equal(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> None:
    assert left.keys() == right.keys()
    for name in left:
        assert torch.equal(left[name], right[name]), name


# --- golden: plain torch loops


@pytest.mark.parametrize("layers", [1, 2])
def test_without_regularisers_it_is_a_plain_loop_bit_for_bit(layers):
    fold = a_fold()
    assert_equal(train(fold, num_layers=layers).weights(), plain(fold, layers=layers).state)


def test_clipping_is_that_of_a_plain_loop():
    fold = a_fold()
    ours, theirs = train(fold, clip=0.1).weights(), plain(fold, clip=0.1).state
    for name, tensor in ours.items():  # the norm is added up in another order
        torch.testing.assert_close(tensor, theirs[name], atol=1e-5, rtol=1e-4)
    assert not torch.equal(ours["head.weight"], plain(fold).state["head.weight"])


def test_adam_with_l2_on_every_parameter_is_a_special_case():
    fold = a_fold()

    def adam(model: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.01, fused=True)

    ours = train(fold, optimizer="adam", weight_decay=0.01).weights()
    assert_equal(ours, plain(fold, optimizer=adam).state)


def test_two_layers_with_dropout_are_a_special_case():
    fold = a_fold()
    ours = train(fold, num_layers=2, dropout=0.2).weights()
    assert_equal(ours, plain(fold, layers=2, dropout=0.2).state)
    assert not torch.equal(ours["head.weight"], plain(fold, layers=2).state["head.weight"])


def test_classify_is_weighted_cross_entropy():
    fold = a_fold(labels=marked(60, (5, 8), (30, 33), (50, 53)), task={"kind": "classify"})
    assert fold.class_weight > 2
    weighted = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(fold.class_weight))
    ours, theirs = train(fold).weights(), plain(fold, loss=weighted).state
    assert_equal(ours, theirs)


def test_evaluation_gives_the_outputs_and_losses_of_the_network():
    fold = make_small_problem((2300,), cv={"folds": 2, "holdout": 0.0}).folds()[0]  # more windows than a chunk holds
    learner = train(fold, epochs=0, dropout=0.5, input_dropout=0.5, jitter=1.0)
    outputs, losses = learner.evaluate(fold.valid)
    with torch.no_grad():
        expected = learner.network.eval()(sequences(fold)[:, fold.valid])
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    errors = (outputs - fold.answers[fold.valid]) * fold.error_scale
    np.testing.assert_allclose(losses, (errors**2)[:, 0], rtol=1e-5, atol=1e-6)


def test_evaluation_changes_nothing_that_follows():
    fold = a_fold()
    looked, blind = train(fold, 1, dropout=0.5), train(fold, 2, dropout=0.5)
    looked.evaluate(fold.valid)
    looked.train(looked.batches)
    assert_equal(looked.weights(), blind.weights())


# --- what training may see

EVERYTHING: dict[str, Any] = {
    "synthetic": 0.5,
    "time_shift": 2,
    "jitter": 0.1,
    "dropout": 0.2,
    "recurrent_dropout": 0.2,
}


def test_training_reads_no_row_and_no_answer_outside_its_windows():
    problem = make_small_problem(labels=marked(60, (5, 8), (50, 53)))
    fold = problem.folds()[1]
    rows, answers = fold.rows.copy(), fold.answers.copy()
    rows[~problem.windows.seen_rows(fold.train)] = np.nan
    answers[np.setdiff1d(np.arange(len(answers)), fold.train)] = np.nan
    poisoned = replace(fold, rows=rows, answers=answers)
    assert_equal(train(poisoned, **EVERYTHING).weights(), train(fold, **EVERYTHING).weights())


def test_anomalous_targets_influence_neither_training_nor_loss():
    labels = marked(60, (5, 8), (30, 33))
    data = make_dataset([60], labels)
    targets = data.series[0].targets + 1000 * labels[:, None]
    other = replace(data, series=(replace(data.series[0], targets=targets),))
    before, after = (make_problem(make_spec(), one).folds()[1] for one in (data, other))
    left, right = train(before), train(after)
    assert_equal(left.weights(), right.weights())
    left_losses, right_losses = (one.evaluate(fold.valid)[1] for one, fold in ((left, before), (right, after)))
    assert not np.array_equal(left_losses, right_losses)
    assert np.array_equal(left_losses[before.counted], right_losses[after.counted])


@pytest.mark.parametrize(("name", "strength"), EVERYTHING.items())
def test_every_augmentation_and_dropout_reaches_training(name, strength):
    fold = a_fold()
    changed, usual = train(fold, 1, **{name: strength}).weights(), train(fold, 1).weights()
    assert not torch.equal(changed["head.weight"], usual["head.weight"])


def test_l1_makes_zeros_and_decay_shrinks():
    fold = a_fold()

    def matrices(**changes: Any) -> Tensor:
        return torch.cat([t.flatten() for t in train(fold, 20, **changes).weights().values() if t.ndim > 1])

    assert (matrices() != 0).all()
    assert (matrices(l1=0.1) == 0).float().mean() > 0.2
    assert matrices(weight_decay=5.0).norm() < 0.5 * matrices().norm()


# --- batches and steps


@pytest.mark.parametrize("windows", [2, 3, 5, 8, 9, 17, 29])
@pytest.mark.parametrize("batch_size", [2, 4, 8, 64])
def test_batches_are_nearly_equal_and_never_of_one_window(windows, batch_size):
    fold = a_fold()
    fold = replace(fold, train=fold.train[:windows])
    learner = train(fold, 1, batch_size=batch_size, normalization="batch")
    sizes = [len(batch) for batch in torch.arange(windows).tensor_split(learner.steps)]
    assert min(sizes) >= 2
    assert max(sizes) <= max(batch_size, 3)  # three windows cannot make two batches of at least two
    assert max(sizes) - min(sizes) <= 1
    assert all(tensor.isfinite().all() for tensor in learner.weights().values())


def test_an_epoch_visits_every_training_window_once(monkeypatch):
    fold = a_fold()
    learner, visited = train(fold, 0), []
    monkeypatch.setattr(learner, "step", lambda batch: visited.extend(batch.tolist()))
    learner.train(learner.batches)
    first = list(visited)
    learner.train(learner.batches)
    assert sorted(first) == sorted(visited[len(first) :]) == fold.train.tolist()
    assert first != visited[len(first) :]  # in a new order


@pytest.mark.parametrize("cuts", [(1, 1, 1, 5), (3, 5), (7, 1)])
def test_training_goes_on_where_it_stopped(cuts):
    fold = a_fold()
    learner, whole = train(fold, 0, dropout=0.2), train(fold, 0, dropout=0.2)
    for steps in cuts:
        learner.train(steps)
    whole.train(8)
    assert learner.batches < 8 == learner.steps
    assert_equal(learner.weights(), whole.weights())


def test_weights_are_a_copy():
    fold = a_fold()
    learner = train(fold, 1)
    kept = learner.weights()
    learner.train(1)
    assert_equal(kept, train(fold, 1).weights())


@needs_bf16
def test_bfloat16_learns_much_the_same():
    fold = a_fold()
    losses = []
    for precision in (FLOAT32, Precision(1)):
        learner = Learner(make_spec(), fold, params(hidden_size=16), key=SEED[1:], precision=precision)
        learner.train(5 * learner.batches)
        losses.append(learner.evaluate(fold.valid)[1].mean())
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.03)
