"""The scale that scores are told on: how rare a raw score is among the out-of-fold scores of the chosen trial.

Raw scores (a forecast's scaled error, a classifier's logit) mean nothing by themselves, and differ from study to study.
On this scale 1 is what one in ten rows reached that the network had not been trained on, 2 one in a hundred, 3 one in a
thousand; thresholds that were found on out-of-fold scores lie on it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.data.folds import FoldData
from tuner.data.series import Floats
from tuner.evaluation.detection import Scores

# Knots a decade of rareness, and as many again evenly spaced in rank: a few hundred however many rows there are.
KNOTS = 100


@dataclass(frozen=True)
class Rarity:
    """A strictly increasing map of raw scores to the logarithm of how rare they are.

    Attributes:
        raw: (knots,) some of the out-of-fold scores, increasing, minimum and maximum among them.
        score: (knots,) minus the decimal logarithm of the share of out-of-fold scores that are as high or higher.
        tail: by how much the highest tenth of the out-of-fold scores exceeds its minimum, on average; above 0.
    """

    raw: tuple[float, ...]
    score: tuple[float, ...]
    tail: float

    def apply(self, raw: Floats) -> Floats:
        """The scores of raw scores, of any shape; NaN stays.

        Between knots linear. Beyond the greatest one nothing is known of shares, but the order must not be lost: the
        tail goes on as a generalised Pareto distribution of shape 1 (Pickands, Annals of Statistics 3, 1975), heavy
        enough to claim too little rather than too much. Below the minimum the same, mirrored.
        """
        inside = np.interp(raw, self.raw, self.score)
        above, below = (np.maximum(gap, 0.0) / self.tail for gap in (raw - self.raw[-1], self.raw[0] - raw))
        return np.asarray(inside + (np.log1p(above) - np.log1p(below)) / np.log(10.0))


def fit_rarity(scores: Scores) -> Rarity:
    """The scale on which out-of-fold scores, (n,) and finite, say how rare they are."""
    ordered = np.sort(scores.astype(np.float64))
    count = len(ordered)
    rare = count / 10.0 ** np.arange(0.0, np.log10(count), 1 / KNOTS)
    ranks = np.concatenate([count - rare, np.linspace(0, count - 1, KNOTS + 1), [count - 1]])
    raw = np.unique(ordered[np.clip(ranks.round().astype(np.int64), 0, count - 1)])
    reached = count - np.searchsorted(ordered, raw, side="left")
    tenth = ordered[count - -(-count // 10) :]
    excess = float(np.mean(tenth - tenth[0]))
    # equal scores have no tail: any unit keeps the order
    return Rarity(tuple(raw.tolist()), tuple(np.log10(count / reached).tolist()), excess if excess > 0 else 1.0)


def carried_residual(
    residuals: Sequence[Floats], train_losses: Sequence[float], folds: Sequence[FoldData]
) -> tuple[float, ...]:
    """The unit of an ensemble's forecast errors, (targets,): the training residuals of the fold models, not its own.

    Out-of-fold errors were measured in units of each fold model's training residuals. Those of refits are smaller or
    larger, as they were trained on more rows and differently long, which would shift all scores against the threshold.
    Of a fold model only the mean over targets is kept; how it divides among targets is taken from the refits.

    Args:
        residuals: (targets,) of each refit, in units of its scaled targets.
        train_losses: of each fold at the best epoch: the mean square of its residuals, in the study's unit.
        folds: which know that unit.
    """
    residual = np.mean(residuals, axis=0)
    assert folds[0].targets is not None  # noqa: S101 (forecasts only)
    unit = np.array(folds[0].targets.deviation) / folds[0].error_scale
    shape = residual / np.sqrt(np.mean(np.square(residual)))
    carried: Floats = shape * float(np.mean(np.sqrt(train_losses))) * unit
    return tuple(np.maximum(carried, np.finfo(np.float32).tiny).tolist())
