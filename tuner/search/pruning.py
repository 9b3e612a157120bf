"""Ends poor trials early: Optuna's own pruner, asked on a replica that holds what the trial may know."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.trial import Trial, TrialState, create_trial

from tuner.search.replica import Finished, best_so_far, build_replica
from tuner.search.space import distributions, searched
from tuner.spec.sections import Spec
from tuner.spec.space import Value

# Share of the epochs before which no trial is judged: regularised networks start slowly.
WARM_UP = 0.2
# Complete trials before the median means anything.
LEAST_COMPLETE = 5


def _make_pruner(spec: Spec) -> BasePruner:
    """The median rule by default: half of the trials go on, so that slow starters are not all thrown away."""
    match spec.search.pruner:
        case "median":
            warm_up = max(1, round(WARM_UP * spec.train.max_epochs))
            return MedianPruner(n_startup_trials=LEAST_COMPLETE, n_warmup_steps=warm_up)
        case "none":
            return NopPruner()


class PruningWatch:
    """The `Watch` of one trial: reports its curve to a replica and asks the pruner; passes progress on.

    Args:
        spec: pruner and space.
        number: of the trial; the unregularised and the default trial (0 and 1) are references, and never pruned.
        params: its parameters.
        finished: the trials that it may know.
        progress: is called with (epoch, fold, curve) after each fold.
    """

    def __init__(
        self,
        spec: Spec,
        number: int,
        params: Mapping[str, Value],
        finished: Sequence[Finished],
        progress: Callable[[int, int, Sequence[float]], None] | None = None,
    ) -> None:
        self._replica = build_replica(spec, finished, (), pruner=_make_pruner(spec))
        running = create_trial(
            state=TrialState.RUNNING,
            params=searched(spec.space, params),
            distributions=distributions(spec.space),
        )
        self._replica.add_trial(running)
        self._trial = Trial(self._replica, self._replica.trials[-1]._trial_id)
        self._may_prune = number >= 2
        self._maximise = spec.maximise
        self._progress = progress
        self._curve: Sequence[float] = ()

    def fold_trained(self, epoch: int, fold: int) -> None:
        if self._progress is not None:
            self._progress(epoch, fold, self._curve)

    def should_prune(self, epoch: int, curve: Sequence[float]) -> bool:
        self._curve = tuple(curve)
        self._trial.report(best_so_far(curve, maximise=self._maximise)[-1], epoch)
        return self._may_prune and self._trial.should_prune()

    @property
    def system(self) -> dict[str, Any]:
        """What the pruner noted on the trial, for the replicas of later trials."""
        return dict(self._replica.trials[-1].system_attrs)
