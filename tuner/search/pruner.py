"""Ends poor trials early: a pruner of Optuna's kind, asked on a replica that holds what the trial may know."""

from collections.abc import Callable, Sequence

import numpy as np
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.trial import TrialState, create_trial

from tuner.search.rungs import RungPruner
from tuner.search.view import KnownTrial, StudyView, best_so_far
from tuner.spec.sections import LEAST_COMPLETE, Spec

# Share of the trials to be pruned that go on as audits.
AUDITS = 0.1
# Of the median rule: the share of the epochs before which no trial is judged.
WARM_UP = 0.1


def _make_pruner(spec: Spec) -> BasePruner:
    epochs = spec.train.max_epochs
    match spec.search.pruner:
        case "rungs":
            return RungPruner(epochs)
        case "median":
            return MedianPruner(n_startup_trials=LEAST_COMPLETE, n_warmup_steps=max(1, round(WARM_UP * epochs)))
        case "none":
            return NopPruner()


class PruningCallback:
    """The `Callback` of one trial: asks the pruner, which sees the finished trials in a replica; passes progress on.

    A few trials that the pruner would end go on as audits, so that a study knows what its pruner throws away.

    Args:
        replica: of the study; grows.
        number: of the trial; the unregularised and the default trial (0 and 1) are references, and never pruned.
        finished: the trials that it may know.
        progress: is called with (epoch, fold, curve) after each fold.
        may_prune: false lets the trial run to its end.
    """

    def __init__(
        self,
        replica: StudyView,
        number: int,
        finished: Sequence[KnownTrial],
        progress: Callable[[int, int, Sequence[float]], None] | None = None,
        *,
        may_prune: bool = True,
    ) -> None:
        self._pruner = _make_pruner(replica.spec)
        self._study = replica.show(finished, ())
        # not part of the replica: what this trial shows must not reach others before it is their turn to know it
        self._trial = create_trial(state=TrialState.RUNNING)
        self._trial.number = number
        self._may_prune = may_prune and number >= 2
        self._is_audit = is_audit(replica.spec.study.seed, number)
        self._audited = 0
        self._maximise = replica.spec.maximise
        self._progress = progress
        self._curve: Sequence[float] = ()

    def fold_trained(self, epoch: int, fold: int) -> None:
        if self._progress is not None:
            self._progress(epoch, fold, self._curve)

    def should_prune(self, epoch: int, curve: Sequence[float]) -> bool:
        self._curve = tuple(curve)
        self._trial.intermediate_values[epoch] = best_so_far(curve, maximise=self._maximise)[-1]
        if not self._may_prune or self._audited or not self._pruner.prune(self._study, self._trial):
            return False
        if self._is_audit:
            self._audited = epoch
        return not self._is_audit

    @property
    def audited(self) -> int:
        """The epoch after which the trial would have been ended, had it not gone on as an audit; else 0."""
        return self._audited


def is_audit(seed: int, number: int) -> bool:
    """Whether a trial goes on when the pruner would end it: decided by the study's seed and its number alone."""
    # a third word: the stream is not the one that the sampler draws from
    return bool(np.random.default_rng((seed, number, 1)).random() < AUDITS)
