"""Small studies, outcomes and facts for the tests of the search, without data or training."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from tuner.evaluation.baselines import Baseline
from tuner.results.findings import Findings, FoldInfo, StudyInfo
from tuner.results.selection import Trial, summarise
from tuner.spec.file import read_spec_dict
from tuner.spec.metric import METRICS
from tuner.spec.sections import Spec
from tuner.spec.space import Value, defaults
from tuner.training.outcome import FoldCurve, Outcome

SMALL: dict[str, Any] = {
    "study": {"name": "small", "trials": 12},
    "data": {"path": "/nowhere/data.csv"},
    "task": {"window": 6},
    "cv": {"folds": 2},
    "train": {"max_epochs": 6, "patience": 3, "precision": "fp32"},
    "search": {"lag": 2},
    "space": {"hidden_size": 4, "num_layers": 1, "batch_size": 128},
}

FACTS = StudyInfo(
    digest="d" * 64,
    features=("x",),
    targets=("x",),
    rows=400,
    series=1,
    windows=394,
    holdout=74,
    folds=(FoldInfo(150, 50, 0, 0), FoldInfo(150, 100, 0, 0)),
    baseline=Baseline("persistence", 0.5),
)


def make_spec(**sections: Mapping[str, Any]) -> Spec:
    """A small study with these keys changed."""
    return read_spec_dict({**SMALL, **{name: {**SMALL[name], **keys} for name, keys in sections.items()}})


def make_outcome(
    curve: Sequence[float],
    state: Literal["complete", "pruned", "failed"] = "complete",
    *,
    spread: float = 0.25,
    maximise: bool = False,
    reason: str = "",
) -> Outcome:
    """An outcome of two folds, whose metric lies `spread` below and above the curve, and the training loss 1 below."""
    folds = tuple(
        FoldCurve(
            train_loss=tuple(value - 1.0 for value in curve),
            valid_loss=tuple(curve),
            metric=tuple(value + offset for value in curve),
        )
        for offset in (-spread, spread)
    )
    metric = METRICS["f1" if maximise else "loss"]
    costs = [metric.cost(values) for values in zip(*(fold.metric for fold in folds), strict=True)]
    return Outcome(
        state=state,
        reason=reason or ("" if state == "complete" else f"{state} by hand"),
        curve=tuple(curve),
        folds=folds,
        best_epoch=int(np.argmin(costs)) + 1 if costs else 0,
        steps=10.0,
        fold_epochs=2 * len(curve),
        weights=84,
        zeros=0.25,
        weight_norm=2.0,
        seconds=1.5,
    )


def make_trial(
    spec: Spec,
    number: int,
    curve: Sequence[float],
    state: Literal["complete", "pruned", "failed"] = "complete",
    params: Mapping[str, Value] | None = None,
) -> Trial:
    """A finished trial, by default of the default configuration."""
    outcome = make_outcome(curve, state, maximise=spec.metric.maximise)
    return Trial(number, params or defaults(spec.space), outcome)


def make_findings(*outcomes: Outcome, spec: Spec | None = None) -> Findings:
    """A study with these outcomes, of configurations that differ in what changes nothing here."""
    spec = spec or make_spec()
    usual = defaults(spec.space)
    trials = tuple(Trial(at, {**usual, "time_shift": at}, outcome) for at, outcome in enumerate(outcomes))
    return Findings(spec, FACTS, trials, summarise(spec, FACTS.test_to_train, trials))
