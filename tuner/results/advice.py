"""Warnings of settings that have no effect, or an unknown one: each says what to change."""

import math
from collections.abc import Mapping

from tuner.errors import listed
from tuner.results.findings import StudyInfo
from tuner.results.regularisation_path import Path
from tuner.results.selection import Selection, all_runs, shrinkage
from tuner.spec.sections import LEAST_COMPLETE, LEAST_KNOWN, Spec
from tuner.spec.space import PARAMETERS, Constant, Range, Value, count_configurations, ends

# Decay of less than this share of a weight is not to be seen in any score.
LEAST_SHRINKAGE = 1e-3
# A rule of thumb for random and model-based search alike: below, most parameters are hardly varied.
TRIALS_PER_PARAMETER = 5
LEAST_ANOMALOUS = 30
# This close to an end of its range, as a share of the range, a value is at the edge.
EDGE = 0.02


def advise_before(spec: Spec, facts: StudyInfo) -> list[str]:
    """Warnings that need no trial, those of the data first."""
    said = list(facts.warnings)
    searched = [name for name, domain in spec.space.items() if not isinstance(domain, Constant)]
    trials, epochs, patience = spec.study.trials, spec.train.epochs, spec.train.epochs_waited
    if trials < TRIALS_PER_PARAMETER * len(searched):
        said.append(
            f"{trials} trials are few for {len(searched)} searched parameters: "
            f"raise `trials` to {TRIALS_PER_PARAMETER * len(searched)}, or fix some parameters in [space]."
        )
    if (count := count_configurations(spec.space)) is not None and searched and count < trials:
        said.append(
            f"The search space has only {count} configurations: the other {trials - count} of the {trials} trials will "
            "repeat some of them."
        )
    needed = {"rungs": LEAST_KNOWN, "median": LEAST_COMPLETE, "none": 0}[spec.search.pruner]
    if needed and trials < needed + spec.search.lag:
        said.append(f"Pruning will hardly help: it starts after {needed} finished trials, and this study has {trials}.")
    if patience >= epochs:
        said.append(f"Early stopping cannot act: make `patience` ({patience}) smaller than `max_epochs` ({epochs}).")
    if len(facts.features) == 1 and max(map(float, ends(spec.space["input_dropout"]))) > 0:
        said.append(
            "`input_dropout` erases the whole input where there is a single feature: set it to 0; `jitter` is milder."
        )
    said += [
        f"{listed(fold.still)} hardly moves in the training rows of fold {number}, so that this fold says little about "
        "any configuration: use fewer `folds`, or another `[cv] scheme`."
        for number, fold in enumerate(facts.folds, 1)
        if fold.still
    ]
    anomalous = sum(fold.anomalous for fold in facts.folds)
    # a forecast without anomalous rows is not judged by any
    if anomalous < LEAST_ANOMALOUS and (anomalous or (spec.task.kind == "classify" and not spec.on_samples)):
        use = "learn from and to judge by" if spec.task.kind == "classify" else "judge by"
        said.append(f"{anomalous} anomalous rows are few to {use}: expect wide intervals.")
    return said


def advise_after(spec: Spec, best: Selection) -> list[str]:
    """Warnings that the best trial gives rise to."""
    said = []
    params, outcome = best.trial.params, best.trial.outcome
    total = shrinkage(params, outcome)
    if 0 < total < LEAST_SHRINKAGE:
        said.append(f"`weight_decay` does nothing in the best trial: it shrinks weights by {100 * total:.1g} % in all.")
    found, wanted = outcome.detection, spec.study.min_precision
    if wanted is not None and found is not None and found.reached < wanted:
        said.append(f"No threshold reaches `min_precision` {wanted:g}: the best trial reaches {found.reached:.2f}.")
    if all(spec.train.epochs <= run.best_epoch == len(run.curve) for run in all_runs(best.trial)):
        said.append(f"The best trial still improved at its last epoch: raise `max_epochs` above {len(outcome.curve)}.")
    for name, domain in spec.space.items():
        if isinstance(domain, Range) and (end := _edge(domain, name, params)):
            said.append(f"`{name}` is best at the {end} end of its range: widen the range.")
    return said


def advise_on_path(path: Path) -> list[str]:
    """Warnings that a path gives rise to."""
    name, complete = path.parameter, path.complete
    if path.best is None or len(complete) < 2:
        return []
    # all points share their random streams: what does nothing changes no digit
    if len({point.outcome.curve for point in complete}) == 1:
        return [f"`{name}` does nothing here: all {len(complete)} points are the same."]
    most = max(path.shrinkage(point) for point in complete)
    if name == "weight_decay" and most < LEAST_SHRINKAGE:
        return [f"`weight_decay` does nothing on this path: it shrinks weights by at most {100 * most:.1g} % in all."]
    parameter, value = PARAMETERS[name], path.best.value
    if isinstance(value, str):
        return []
    high = path.best == path.points[-1] and value < parameter.most
    low = path.best == path.points[0] and not parameter.regularises and value > parameter.least
    end = "upper" if high else "lower" if low else ""
    return [f"`{name}` is best at the {end} end of its path: widen its range."] if end else []


def _edge(domain: Range, name: str, params: Mapping[str, Value]) -> str:
    """The end of its range that a value lies at; not the lower one of a regulariser (less is as good as none)."""
    parameter = PARAMETERS[name]
    scale = math.log if domain.log else float
    low, high, value = (scale(float(number)) for number in (domain.low, domain.high, params[name]))
    place = (value - low) / (high - low)
    if place >= 1 - EDGE and float(domain.high) < parameter.most:
        return "upper"
    if place <= EDGE and not parameter.regularises and float(domain.low) > parameter.least:
        return "lower"
    return ""
