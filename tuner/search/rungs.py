"""The default pruner: a trial goes on while its rank among all known trials is in a share that falls by epoch."""

from collections.abc import Sequence

import numpy as np
from optuna import Study
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tuner.spec.sections import LEAST_KNOWN

# (share of the epochs, share of the known trials that may be better); linear between, none is ended before the first.
RUNGS = ((0.1, 0.5), (0.3, 0.25), (0.8, 0.15))


class RungPruner(BasePruner):
    """Ends a trial when too many of the known ones were better at the same epoch.

    Known trials that ended before that epoch were worse: they count as such, so that the rule does not get stricter and
    stricter as only good trials are left to compare with, which the median of complete trials does. The shares follow
    how much a rank says of the final one: little early on (successive halving, Jamieson & Talwalkar, AISTATS 2016, has
    rungs for the same reason).

    Args:
        epochs: of a trial that runs to its end.
        rungs: shares of the epochs, and of the known trials that may be better there.
    """

    def __init__(self, epochs: int, rungs: Sequence[tuple[float, float]] = RUNGS) -> None:
        self._epochs, self._rungs = epochs, rungs

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial, whose last reported value is its best so far, is to end."""
        epoch = max(trial.intermediate_values)
        places, shares = zip(*self._rungs, strict=True)
        if epoch < max(1, round(places[0] * self._epochs)):
            return False
        known = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        if len(known) < LEAST_KNOWN:
            return False
        sign = -1.0 if study.direction == StudyDirection.MAXIMIZE else 1.0
        mine = sign * trial.intermediate_values[epoch]
        theirs = (other.intermediate_values.get(epoch) for other in known)
        better = sum(value is not None and sign * value < mine for value in theirs)
        share = float(np.interp(epoch / self._epochs, places, shares))
        # a whisker less, as rounding must not decide
        return better >= share * (len(known) + 1) - 1e-9
