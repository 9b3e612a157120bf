"""Lock-step training: one mean curve decides; folds do not disturb each other; failing and pruning are outcomes."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from tests.making import make_dataset, make_spec, marked, params
from tests.training.plain import plain_epochs
from tuner.data.folds import FoldData
from tuner.data.problems import make_problem
from tuner.data.series import Bools, Ints
from tuner.evaluation.detection import detect, fold_metric, root_mean_square, scaled_errors
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.training.learner import Learner
from tuner.training.outcome import Outcome
from tuner.training.trainer import FoldRun, LockStep, summarise_weights, train_folds

EVENTS = marked(60, (8, 10), (30, 33), (52, 54))
REGULARISED: dict[str, Any] = {"dropout": 0.3, "recurrent_dropout": 0.2, "jitter": 0.1, "num_layers": 2}


def study(labels: Bools | None = None, **sections: Any) -> tuple[Spec, tuple[FoldData, ...]]:
    spec = make_spec(**sections)
    return spec, make_problem(spec, make_dataset([60], labels)).folds()


def trained(labels: Bools | None = None, *, key: int = 7, seed: int = 0, **changes: Value) -> Outcome:
    spec, folds = study(labels, study={"seed": seed})
    return train_folds(spec, folds, params(**changes), stream=(key,))


def lock_step(spec: Spec, folds: Sequence[FoldData], numbers: Sequence[int], **changes: Value) -> LockStep:
    """The folds of these numbers, side by side."""
    learners = {number: Learner(spec, folds[number], params(**changes), key=(7, number)) for number in numbers}
    return LockStep(spec, [FoldRun(folds[number], learner) for number, learner in learners.items()])


def sampled(fold: FoldData) -> Ints:
    """As many training windows as there are validation windows, evenly spaced; all if there are fewer."""
    count = min(len(fold.valid), len(fold.train))
    chosen: Ints = fold.train[np.linspace(0, len(fold.train) - 1, count).astype(int)]
    return chosen


def same(left: Outcome, right: Outcome) -> bool:
    return replace(left, seconds=0.0) == replace(right, seconds=0.0)


def test_the_curve_is_the_mean_of_the_fold_curves():
    outcome = trained()
    assert (outcome.state, outcome.reason, len(outcome.curve), outcome.fold_epochs) == ("complete", "", 3, 9)
    means = np.mean([fold.valid_loss for fold in outcome.folds], axis=0)
    np.testing.assert_allclose(outcome.curve, means, rtol=1e-12)
    assert all(fold.metric == fold.valid_loss for fold in outcome.folds)
    assert all(len(fold.train_loss) == 3 for fold in outcome.folds)


def test_the_losses_are_means_over_counted_and_sampled_windows():
    spec, folds = study(EVENTS)
    together = lock_step(spec, folds, (0, 1, 2))
    together.train_epoch()
    for run, fold, curve in zip(together.runs, folds, together.fold_curves(), strict=True):
        assert not fold.counted.all()
        assert curve.valid_loss[0] == pytest.approx(run.learner.evaluate(fold.valid[fold.counted])[1].mean())
        assert curve.train_loss[0] == pytest.approx(run.learner.evaluate(sampled(fold))[1].mean())


def test_it_stops_where_a_loop_of_early_stopping_written_by_hand_does():
    patience, most = 10, 80
    spec, folds = study(train={"max_epochs": most, "patience": patience, "clip": 1e6}, cv={"folds": 2})
    alone = [list(islice(plain_epochs(fold, (0, 7, number)), most)) for number, fold in enumerate(folds)]
    best, best_epoch, epoch = float("inf"), 0, 0
    while epoch < most and epoch - best_epoch < patience:
        epoch += 1
        mean = sum(math.log(fold[epoch - 1].valid_loss) for fold in alone) / len(alone)
        if mean < best:
            best, best_epoch = mean, epoch
    outcome = train_folds(spec, folds, params(), stream=(7,))
    assert (outcome.best_epoch, len(outcome.curve), outcome.state) == (best_epoch, epoch, "complete")
    assert outcome.cost(spec.metric) == pytest.approx(best, rel=1e-5)  # losses are averaged in another order
    assert 1 < best_epoch < epoch < most  # else this would prove little


def test_the_state_of_the_best_epoch_is_kept():
    spec, folds = study()
    together = lock_step(spec, folds, (0, 1, 2), learning_rate=0.3)
    states = []
    for _ in range(30):
        together.train_epoch()
        states.append([run.learner.weights() for run in together.runs])
    assert 1 < together.best_epoch < 30
    for kept, state, run, scores in zip(
        together.best.weights, states[together.best_epoch - 1], together.runs, together.best.scores, strict=True
    ):
        assert all(torch.equal(kept[name], state[name]) for name in state)
        run.learner.network.load_state_dict(kept)
        errors = run.learner.evaluate(run.data.valid)[0] - run.data.answers[run.data.valid]
        sample = sampled(run.data)
        residuals = run.learner.evaluate(sample)[0] - run.data.answers[sample]
        np.testing.assert_array_equal(scores, scaled_errors(errors, root_mean_square(residuals)))
    assert together.best.steps == together.steps * together.best_epoch


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_a_fold_trained_alone_is_the_same_as_among_others(fold):
    spec, folds = study()
    together, alone = lock_step(spec, folds, (0, 1, 2), **REGULARISED), lock_step(spec, folds, [fold], **REGULARISED)
    alone.steps = together.steps  # the mean of all folds
    for _ in range(3):
        together.train_epoch()
        torch.rand(5)  # something else in this process draws random numbers
        alone.train_epoch()
    assert together.fold_curves()[fold] == alone.fold_curves()[0]


def test_a_trial_is_the_same_whatever_was_drawn_before_and_leaves_no_trace():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = trained(**REGULARISED)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert same(trained(**REGULARISED), first)


def test_key_and_seed_make_a_difference():
    usual = trained().curve
    assert trained(key=8).curve != usual
    assert trained(seed=1).curve != usual


def test_folds_start_from_different_weights():
    spec, folds = study()
    left, right = (run.learner.weights()["head.weight"] for run in lock_step(spec, folds, (0, 1)).runs)
    assert not torch.equal(left, right)


# --- how trials end


def test_a_learning_rate_beyond_reason_fails_and_says_where():
    outcome = trained(learning_rate=1e30)
    assert outcome.state == "failed"
    assert outcome.reason == "diverged: fold 1: the training loss became nan in epoch 1"
    assert (outcome.value, outcome.curve, outcome.best_epoch, outcome.detection) == (None, (), 0, None)
    assert (outcome.weights, outcome.zeros, outcome.fold_epochs) == (0, 0.0, 1)


def test_an_absurd_value_in_a_validation_row_fails_that_fold():
    spec, folds = study()
    folds[1].answers[folds[1].valid[3]] = 3e38
    outcome = train_folds(spec, folds[1:2], params(), stream=(0,))
    assert (outcome.state, outcome.reason) == ("failed", "diverged: fold 1: the validation loss became inf in epoch 1")


def test_a_late_failure_keeps_the_epochs_before_it():
    spec, folds = study(train={"max_epochs": 9})
    together = lock_step(spec, folds, (0, 1, 2))
    together.train_epoch()
    with torch.no_grad():
        for parameter in together.runs[1].learner.network.parameters():
            parameter.fill_(float("nan"))
    with pytest.raises(ArithmeticError, match="fold 2: the training loss became nan in epoch 2"):
        together.train_epoch()
    assert (len(together.curve), together.best_epoch) == (1, 1)


def test_a_trial_ends_where_its_best_so_far_costs_more_than_the_threshold():
    spec, folds = study(labels=EVENTS, study={"metric": "average_precision"}, train={"max_epochs": 4})
    whole = train_folds(spec, folds, params(), stream=(7,))
    best = np.maximum.accumulate(whole.curve).tolist()
    assert len(best) == 4

    def ended(thresholds: Sequence[float], *, is_audit: bool = False) -> Outcome:
        return train_folds(spec, folds, params(), stream=(7,), thresholds=thresholds, is_audit=is_audit)

    assert same(ended([-value for value in best]), whole), "as good as the threshold is good enough"
    pruned = ended([np.inf, np.inf, -best[2] - 1e-9, np.inf])
    assert (pruned.state, pruned.reason, pruned.fold_epochs) == ("pruned", "pruned after epoch 3", 9)
    assert pruned.value == max(pruned.curve) == best[2]
    assert same(ended([np.inf, np.inf, np.inf, -np.inf]), whole), "trained to its last epoch, it is complete"
    audited = ended([np.inf, -np.inf, -np.inf, np.inf], is_audit=True)
    assert audited.audited == 2
    assert same(replace(audited, audited=0), whole), "an audit goes on"


def test_each_fold_tells_of_each_epoch_with_the_value_before_and_is_not_disturbed():
    spec, folds = study()
    told: list[tuple[int, int, float | None]] = []
    outcome = train_folds(spec, folds, params(**REGULARISED), stream=(7,), on_fold=lambda *sign: told.append(sign))
    best = [None, *np.minimum.accumulate(outcome.curve)]
    assert told == [(epoch, fold, best[epoch - 1]) for epoch in (1, 2, 3) for fold in (1, 2, 3)]
    assert same(outcome, trained(**REGULARISED))


# --- metrics


@pytest.mark.parametrize("kind", ["forecast", "classify"])
@pytest.mark.parametrize("metric", ["average_precision", "f1"])
@pytest.mark.parametrize("scheme", ["blocked", "walk_forward"])
def test_a_detection_metric_is_that_of_the_scores(kind, metric, scheme):
    labels = marked(60, *((row, row + 1) for row in range(9, 60, 12)))
    spec, folds = study(
        labels, study={"metric": metric}, task={"kind": kind, "window": 2}, cv={"scheme": scheme, "folds": 2}
    )
    together = lock_step(spec, folds, (0, 1))
    for _ in range(3):
        together.train_epoch()
    truth = [labels[fold.first[fold.valid] + 1 + (kind == "forecast")] for fold in folds]
    earlier_only = scheme == "walk_forward"
    values = fold_metric(metric, together.best.scores, truth, earlier_only=earlier_only)
    curves = together.fold_curves()
    at_best = [curve.metric[together.best_epoch - 1] for curve in curves]
    np.testing.assert_equal(at_best, values)
    assert max(together.curve) == together.curve[together.best_epoch - 1] == np.nanmean(values)
    rows = [fold.first[fold.valid] for fold in folds]
    reach = 2 + (kind == "forecast")
    assert together.detection() == detect(together.best.scores, truth, rows, earlier_only=earlier_only, reach=reach)


def test_scores_of_classify_are_the_networks_outputs():
    spec, folds = study(EVENTS, task={"kind": "classify"})
    together = lock_step(spec, folds, (0, 1, 2))
    together.train_epoch()
    for scores, run in zip(together.best.scores, together.runs, strict=True):
        assert scores.tolist() == run.learner.evaluate(run.data.valid)[0][:, 0].tolist()


def test_without_labels_there_is_no_detection():
    assert trained().detection is None
    assert trained(EVENTS).detection is not None


def test_forecast_scores_by_hand():
    residuals = np.array([[1.0, 10.0], [-1.0, -10.0]], dtype=np.float32)  # root mean squares 1 and 10
    errors = np.array([[3.0, 40.0], [0.0, 0.0]], dtype=np.float32)
    np.testing.assert_allclose(scaled_errors(errors, root_mean_square(residuals)), [np.sqrt((9 + 16) / 2), 0.0])


def test_a_perfect_fit_still_gives_finite_scores():
    assert np.isfinite(scaled_errors(np.ones((2, 1), np.float32), np.zeros(1))).all()


def test_weights_are_summarised_by_hand():
    states = [
        {"head.weight": torch.tensor([[3.0, 0.0], [0.0, 4.0]]), "head.bias": torch.tensor([0.0, 9.0])},
        {"head.weight": torch.tensor([[0.0, 0.0], [0.0, 1.0]]), "head.bias": torch.tensor([0.0, 9.0])},
    ]
    assert summarise_weights(states) == (4, 0.625, 3.0)
    assert summarise_weights([]) == (0, 0.0, 0.0)


def test_l1_shows_in_the_outcome():
    plain, sparse = trained(), trained(l1=0.05)
    assert plain.zeros == 0
    assert sparse.zeros > 0.1
    assert sparse.weight_norm < plain.weight_norm
    assert plain.weights == 4 * 4 * (2 + 4) + 4
