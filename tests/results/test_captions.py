"""Whether a network overfits, in words: by the course of its losses, and why a gap may grow."""

from dataclasses import replace

from tests.search.making import make_spec, make_trial
from tuner.results.captions import explain_overfitting
from tuner.results.selection import Trial
from tuner.training.outcome import FoldCurve

SPEC = make_spec()


def trial(number: int, valid: list[float], train: list[float], best_epoch: int = 2) -> Trial:
    """A trial of two folds whose mean losses are these."""
    made = make_trial(SPEC, number, valid)
    folds = tuple(
        FoldCurve(tuple(t + off for t in train), tuple(v + off for v in valid), tuple(valid)) for off in (-0.1, 0.1)
    )
    return Trial(number, made.params, replace(made.outcome, folds=folds, best_epoch=best_epoch))


RISES = trial(0, [1.0, 0.8, 1.2], [0.9, 0.7, 0.2])
FLAT = trial(1, [1.0, 0.8, 0.82], [0.9, 0.75, 0.7])


def test_a_loss_that_turns_is_told_from_one_that_does_not() -> None:
    assert explain_overfitting(RISES, FLAT) == (
        "Without regularisation yes: the validation loss rises from 0.80 after epoch 2 to 1.2, while the training loss "
        "falls to 0.20. As chosen no: the validation loss ends near its lowest, 0.80, and the training loss falls to "
        "0.70."
    )


def test_losses_may_be_negative_and_need_not_fall() -> None:
    likelihood = trial(1, [-1.0, -2.0, -1.98], [-1.0, -2.5, -0.9])
    assert explain_overfitting(likelihood, likelihood) == (
        "As chosen no: the validation loss ends near its lowest, -2.0, and the training loss ends at -0.90."
    )
    assert explain_overfitting(RISES, trial(1, [-1.0, -2.0, -1.8], [-1.0, -2.5, -3.0])).count(" yes: ") == 2


def test_what_was_chosen_without_regularisation_stands_alone() -> None:
    assert explain_overfitting(FLAT, FLAT).startswith("As chosen no: ")
    assert explain_overfitting(trial(0, [1.0, 0.8], [0.9, 0.7], best_epoch=0), FLAT).startswith("As chosen no: ")


def test_a_gap_that_grew_is_explained() -> None:
    grew = "Its gap is larger at the best epoch (0.60, not 0.10): "
    lucky = trial(1, [1.0, 0.8, 0.8], [0.9, 0.2, 0.1])
    assert explain_overfitting(RISES, lucky).endswith(grew + "trials are chosen by their score, not by their gap.")
    longer = explain_overfitting(RISES, trial(1, [1.0, 0.9, 0.8], [0.9, 0.7, 0.2], best_epoch=3))
    assert longer.endswith(grew + "it trains for 3 epochs instead of 2 until its score is best.")
