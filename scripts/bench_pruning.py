"""Which pruner saves most and loses least? Run: python scripts/bench_pruning.py record FOLDER, then … replay FOLDER

`record` trains 42 configurations of the default space, the references and 40 random ones, on six data sets (the
simulated market and real ones from ../shared/data) with early stopping but no pruner, and keeps their fold curves in a
store of its own, outside git. It takes 40 minutes on two cores, and goes on where it was interrupted.

`replay` shows each pruner the recorded trials in ten random orders, under the default lag, and prints
- the share of fold-epochs that it saves of those that early stopping alone needs,
- the regret: by how many per cent the best random trial left is worse than the best of all (median and mean); the
  references, which are never ended, are left out,
- the same where the search ends once it has trained half of the fold-epochs that early stopping alone needs for all
  trials: what the saved epochs are good for,
- false prunes: the share of the eventual best tenth (4 of 40) that it ends, with a 95 % interval over data sets and
  orders by bootstrap of whole data sets,
- bias: rank correlation of being pruned with each regulariser's strength, at equal final rank.
The last line is no pruner: a threshold an epoch, chosen in hindsight so that none of the best tenth is lost, is the
most that a rule on the current value could save without false prunes.
"""

import sys
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna import create_study
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
)
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from optuna.trial import Trial as OptunaTrial
from recorded import Recorded, order_of, read, record
from scipy.stats import rankdata

from tuner.search.pruner import RUNGS, rungs
from tuner.spec.sections import LEAST_KNOWN, Spec
from tuner.storage.distributions import optuna_space, without_constants

ORDERS = 10
REGULARISERS = ("dropout", "input_dropout", "recurrent_dropout", "weight_decay", "l1", "jitter")


class RungPruner(BasePruner):
    """The default pruner, or one of other rungs, as Optuna would ask it."""

    def __init__(self, epochs: int, shape: Sequence[tuple[float, float]] = RUNGS) -> None:
        self._epochs, self._shape = epochs, shape

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        known = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        epoch, sign = max(trial.intermediate_values), 1 if study.direction == StudyDirection.MINIMIZE else -1
        if epoch < max(1, round(self._shape[0][0] * self._epochs)) or len(known) < LEAST_KNOWN:
            return False
        costs = [[sign * one.intermediate_values.get(e, np.nan) for e in range(1, self._epochs + 1)] for one in known]
        return bool(sign * trial.intermediate_values[epoch] > rungs(np.array(costs), self._shape)[epoch - 1])


def candidates(spec: Spec) -> dict[str, BasePruner]:
    """What is compared, for a study of so many epochs."""
    epochs = spec.train.epochs
    early, late = max(1, round(0.1 * epochs)), max(1, round(0.2 * epochs))
    return {
        "none": NopPruner(),
        "median, from 20 % of the epochs": MedianPruner(5, late),
        "median, from 10 %": MedianPruner(5, early),
        "best 40 %, from 10 %": PercentilePruner(40.0, 5, early),
        "best 25 %, from 10 %": PercentilePruner(25.0, 5, early),
        "successive halving, factor 2": SuccessiveHalvingPruner(min_resource=early, reduction_factor=2),
        "successive halving, factor 4": SuccessiveHalvingPruner(min_resource=early, reduction_factor=4),
        "hyperband, factor 3": HyperbandPruner(min_resource=early, max_resource=epochs),
        "rungs, the default": RungPruner(epochs),
        **{
            f"rungs, shares times {factor:g}": RungPruner(epochs, [(place, factor * share) for place, share in RUNGS])
            for factor in (1.5, 2, 3)
        },
    }


def replay(recorded: Recorded, order: Sequence[int], pruner: BasePruner) -> dict[int, int]:
    """The epoch after which each trial is ended, or its last one, by trial; pruned ones negative."""
    spec = recorded.spec
    domains = optuna_space(spec.space)
    ended: dict[int, int] = {}
    frozen: list[FrozenTrial] = []
    for position, index in enumerate(order):
        study = create_study(
            study_name=spec.study.name, direction="maximize" if spec.metric.maximise else "minimize", pruner=pruner
        )
        study.add_trials(frozen[: max(0, position - spec.search.lag + 1)])
        params = without_constants(spec.space, recorded.trials[index].params)
        study.add_trial(create_trial(state=TrialState.RUNNING, params=params, distributions=domains))
        trial = OptunaTrial(study, study.get_trials(deepcopy=False)[-1]._trial_id)
        curve, cut = recorded.curves[index], 0
        for epoch, value in enumerate(curve, 1):
            trial.report(value, epoch)
            if index >= 2 and trial.should_prune():
                cut = epoch
                break
        ended[index] = -cut if cut else len(curve)
        shown = list(curve[:cut]) if cut else [*curve, *[curve[-1]] * (spec.train.epochs - len(curve))]
        frozen.append(
            create_trial(
                state=TrialState.PRUNED if cut else TrialState.COMPLETE,
                value=shown[-1],
                params=params,
                distributions=domains,
                intermediate_values=dict(enumerate(shown, 1)),
                system_attrs=study.get_trials(deepcopy=False)[-1].system_attrs,
            )
        )
    return ended


@dataclass(frozen=True)
class Verdict:
    """What one replay amounts to; `half` is the regret with half of the fold-epochs, `bias` is by regulariser."""

    saved: float
    regret: float
    half: float
    false: float
    bias: Mapping[str, float]


def judge(recorded: Recorded, ended: Mapping[int, int]) -> Verdict:
    finals = recorded.finals
    full = sum(map(len, recorded.curves))
    left = [index for index, epoch in ended.items() if epoch > 0 and index >= 2]
    trained = dict(zip(ended, np.cumsum([abs(epoch) for epoch in ended.values()]), strict=True))
    pruned = np.array([ended[index] < 0 for index in range(len(finals))], float)
    ranks = rankdata(finals)
    bias = {}
    for name in REGULARISERS:
        strength = rankdata([float(trial.params[name]) for trial in recorded.trials])
        bias[name] = partial_correlation(pruned[2:], strength[2:], ranks[2:])
    return Verdict(
        saved=1 - sum(map(abs, ended.values())) / full,
        regret=regret(finals, left),
        half=regret(finals, [index for index in left if trained[index] <= full / 2]),
        false=float(pruned[recorded.top].mean()),
        bias=bias,
    )


def regret(finals: np.ndarray, left: Sequence[int]) -> float:
    """By which share the best of the trials left is worse than the best random one of all."""
    best = finals[2:].min()
    return float((finals[left].min() - best) / abs(best)) if left else 1.0


def partial_correlation(first: np.ndarray, second: np.ndarray, given: np.ndarray) -> float:
    """The correlation of two quantities after what `given` explains linearly of each; 0 if nothing is left."""
    design = np.column_stack([np.ones(len(given)), given])
    a, b = (side - design @ np.linalg.lstsq(design, side, rcond=None)[0] for side in (first, second))
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-9 else 0.0


def hindsight(recorded: Recorded) -> float:
    """The share of epochs saved by ending each trial at the first epoch where all of the best tenth are ahead of it."""
    sign = -1 if recorded.spec.metric.maximise else 1
    epochs = recorded.spec.train.epochs
    padded = sign * np.array([[*curve, *[curve[-1]] * (epochs - len(curve))] for curve in recorded.curves])
    behind = padded > padded[recorded.top].max(axis=0)
    used = [
        min(len(curve), int(np.argmax(row)) + 1) if row.any() and index >= 2 else len(curve)
        for index, (curve, row) in enumerate(zip(recorded.curves, behind, strict=True))
    ]
    return 1 - sum(used) / sum(map(len, recorded.curves))


def replays(recorded: Recorded) -> dict[str, list[Verdict]]:
    """All candidates on one data set."""
    verdicts: dict[str, list[Verdict]] = {}
    for name, pruner in candidates(recorded.spec).items():
        verdicts[name] = []
        for seed in range(ORDERS):
            verdicts[name].append(judge(recorded, replay(recorded, order_of(recorded, seed), pruner)))
    return verdicts


def compare(folder: Path) -> None:
    """Prints the table."""
    sets = read(folder)
    with ProcessPoolExecutor(2) as pool:
        verdicts = list(pool.map(replays, sets))
    print("data sets:", ", ".join(f"{one.spec.study.name} ({len(one.trials)})" for one in sets))
    describe(verdicts)
    print(f"{'in hindsight, no false prune':32} saved {np.mean([hindsight(one) for one in sets]):4.0%}")


def describe(verdicts: Sequence[Mapping[str, Sequence[Verdict]]]) -> None:
    """Prints two lines a rule, from its verdicts on each data set."""
    rng = np.random.default_rng(0)
    for name in verdicts[0]:
        each = [one[name] for one in verdicts]
        false = np.array([[verdict.false for verdict in one] for one in each])
        draws = [false[rng.integers(len(false), size=len(false))].mean() for _ in range(2000)]
        low, high = np.quantile(draws, [0.025, 0.975])
        flat = [verdict for one in each for verdict in one]
        whole = [100 * verdict.regret for verdict in flat]
        half = [100 * verdict.half for verdict in flat]
        print(
            f"{name:32} saved {np.mean([verdict.saved for verdict in flat]):4.0%}   "
            f"regret {np.median(whole):.2f} % (mean {np.mean(whole):.2f} %)   "
            f"with half of the epochs {np.median(half):.2f} % (mean {np.mean(half):.2f} %)   "
            f"false prunes {false.mean():4.0%} [{low:.0%}, {high:.0%}]"
        )
        bias = {one: np.mean([verdict.bias[one] for verdict in flat]) for one in REGULARISERS}
        print(f"{'':8}bias " + ", ".join(f"{one} {value:+.2f}" for one, value in bias.items()))


def main() -> None:
    match sys.argv[1:]:
        case ["record", folder]:
            record(Path(folder))
        case ["replay", folder]:
            optuna.logging.set_verbosity(optuna.logging.ERROR)
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            compare(Path(folder))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
