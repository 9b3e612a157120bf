"""Studies without data or training for the figures, and what a figure shows."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.evaluation.baselines import Baseline
from tuner.evaluation.holdout import Holdout, Score
from tuner.results.findings import Findings, FoldInfo
from tuner.results.selection import Trial, finalists, summarise
from tuner.spec.file import read_spec_dict
from tuner.spec.metric import METRICS
from tuner.spec.space import Choices, Domain, Range, Value, defaults
from tuner.training.outcome import FoldCurve, Outcome

# What a page has when all its figures are drawn. (Playwright's wait_for_function would evaluate a string, which the
# pages forbid.)
DRAWN = "html[data-drawn=all]"
RISING = make_spec(study={"metric": "f1"})
MIXED = make_findings(
    make_outcome([9.0], "pruned"),
    make_outcome([3.0, 2.0]),
    make_outcome([8.0, 7.0], "failed"),
    make_outcome([1.5], "pruned"),
    make_outcome([4.0, 1.0, 5.0]),
    make_outcome([2.5]),
)


def many(count: int, spec=None) -> Findings:
    """A study of so many trials, every third one pruned."""
    rng = np.random.default_rng(0)
    outcomes = [
        make_outcome(
            sorted(rng.uniform(0, 1, size=3 if number % 3 == 1 else 6)),
            "pruned" if number % 3 == 1 else "complete",
            maximise=spec is not None,
        )
        for number in range(count)
    ]
    return make_findings(*outcomes, spec=spec)


def repeated() -> Findings:
    """Three trials, the first of which was lucky: it came out worst of the two that were trained again."""
    spec = make_spec(search={"finalists": 2, "repeats": 1})
    lucky, steady, poor = make_findings(make_outcome([1.0]), make_outcome([1.5]), make_outcome([9.0]), spec=spec).trials
    trials = (replace(lucky, repeats=(make_outcome([4.0]),)), replace(steady, repeats=(make_outcome([1.7]),)), poor)
    return Findings(spec, FACTS, trials, summarise(spec, FACTS.test_to_train, trials))


def trace(figure: go.Figure, name: str) -> go.Scatter:
    (found,) = [trace for trace in figure.data if trace.name and trace.name.startswith(name)]
    return found


def axis_range(figure: go.Figure) -> tuple[float, float]:
    low, high = figure.layout.yaxis.range
    return low, high


def score(name: str, trial: int, value: float, apart: float, f1: float | None = None) -> Score:
    """A model on a holdout; the rates and intervals are by hand."""
    return Score(
        name=name,
        trial=trial,
        value=value,
        se=0.03,
        interval=(value - 0.06, value + 0.05),
        difference=apart,
        difference_interval=(apart - 0.1, apart + 0.1),
        loss=None,
        average_precision=None,
        precision=None if f1 is None else 0.7,
        recall=None if f1 is None else 0.5,
        f1=f1,
        caught=None,
    )


HOLDOUT = Holdout(
    metric="f1",
    scores=(score("shipped", 12, 0.61, 0.0, 0.58), score("best", 12, 0.61, 0.0, 0.58), score("default", 1, 0.41, -0.2)),
    members=3,
    trained=900,
    windows=200,
    blocks=25,
    anomalous=40,
    events=5,
    baseline=0.35,
    looks=2,
)


# --- a search that looks like one


def searched(count: int, metric: str = "loss", *, name: str = "pretended", seed: int = 0) -> Findings:
    """A study of five folds that looks like a real one: penalties of some use, pruned trials, one failure, repeats."""
    rng = np.random.default_rng(seed)
    spec = read_spec_dict(
        {
            "study": {"name": name, "metric": metric, "seed": seed, "trials": count},
            "data": {"path": "/data/pump.csv", "label": "anomaly"},
            "task": {"kind": "classify"},
            "train": {"max_epochs": 30, "patience": 6},
            "space": {"normalization": {"choices": ["none", "layer"]}},
        }
    )
    folds = (FoldInfo(800, 200, 40, 5),) * 5
    facts = replace(
        FACTS, folds=folds, rows=1000, baseline=Baseline("base rate", 0.35 if spec.metric.maximise else 0.95)
    )
    trials = []
    for number in range(count):
        params = {key: _drawn(domain, rng) for key, domain in spec.space.items()}
        if number < 2:
            params = {**defaults(spec.space), "weight_decay": 1e-3 if number == 0 else 1e-2}
        state: Literal["complete", "pruned", "failed"] = "pruned" if number > 5 and rng.random() < 0.4 else "complete"
        if number == 7:
            state = "failed"
        trials.append(Trial(number, params, _pretended(params, state, rng, maximise=spec.metric.maximise)))
    last = {trial.number for trial in finalists(spec, facts.test_to_train, trials)}
    again = [
        replace(
            trial,
            repeats=tuple(_pretended(trial.params, "complete", rng, maximise=spec.metric.maximise) for _ in range(2)),
        )
        if trial.number in last
        else trial
        for trial in trials
    ]
    return Findings(spec, facts, tuple(again), summarise(spec, facts.test_to_train, again))


def _drawn(domain: Domain, rng: np.random.Generator) -> Value:
    match domain:
        case Range():
            whole = isinstance(domain.low, int)
            low, high = domain.low, domain.high + (1 if whole else 0)
            value = math.exp(rng.uniform(math.log(low), math.log(high))) if domain.log else rng.uniform(low, high)
            return min(int(value), domain.high) if whole else value
        case Choices():
            return domain.choices[int(rng.integers(len(domain.choices)))]
        case _:
            return domain.value


def _pretended(
    params: Mapping[str, Value],
    state: Literal["complete", "pruned", "failed"],
    rng: np.random.Generator,
    *,
    maximise: bool,
) -> Outcome:
    """Loss by epoch of a network that memorises the more, the less it is regularised."""
    strength = math.log10(float(params["weight_decay"])) + 4 * float(params["dropout"])
    epochs = np.arange(1, int(rng.integers(3, 9)) if state == "pruned" else int(rng.integers(14, 31)))
    off = 0.05 * (strength - 0.3) ** 2 + 0.02 * rng.normal()
    train = 0.35 + off / 3 + 0.6 * np.exp(-epochs / (4 + 2 * abs(strength)))
    valid = train + 0.08 + off + 0.006 * epochs / (1 + max(strength, -0.9))
    folds = []
    for fold in range(5):
        loss = valid + 0.04 * (fold - 2) + 0.012 * rng.normal(size=len(epochs))
        folds.append(FoldCurve(tuple(train), tuple(loss), tuple(np.clip(1.3 - loss, 0, 1) if maximise else loss)))
    curve = tuple(np.mean([fold.metric for fold in folds], axis=0))
    metric = METRICS["f1" if maximise else "loss"]
    at = 1 + int(np.argmin([metric.cost(values) for values in zip(*(fold.metric for fold in folds), strict=True)]))
    return Outcome(
        state=state,
        reason="" if state == "complete" else f"{state}: <b>by hand</b>",
        curve=curve,
        folds=tuple(folds),
        best_epoch=at,
        steps=40.0 * at,
        fold_epochs=5 * len(epochs),
        weights=int(params["hidden_size"]) ** 2 * 8,
        zeros=min(0.99, 3e3 * float(params["l1"]) ** 1.2),
        weight_norm=3.0,
        seconds=20.0,
    )
