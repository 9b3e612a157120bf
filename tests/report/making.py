"""Studies without data or training for the figures, and what a figure shows."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from tests.making import make_holdout, make_score
from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.evaluation.baselines import Baseline
from tuner.evaluation.holdout import Score
from tuner.results.findings import Findings, FoldInfo
from tuner.results.selection import Trial, finalists, summarise
from tuner.search.sampler import choose
from tuner.spec.file import read_spec_dict
from tuner.spec.metric import Metric
from tuner.spec.space import Value
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
    ends = [("pruned", 3) if number % 3 == 1 else ("complete", 6) for number in range(count)]
    curves = [(sorted(rng.uniform(size=epochs)), state) for state, epochs in ends]
    return make_findings(*(make_outcome(*curve, maximise=spec is not None) for curve in curves), spec=spec)  # type: ignore[arg-type]


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
    rates = {} if f1 is None else {"precision": 0.7, "recall": 0.5, "f1": f1}
    ends = {"interval": (value - 0.06, value + 0.05), "difference_interval": (apart - 0.1, apart + 0.1)}
    return make_score(name, trial, value, se=0.03, difference=apart, **ends, **rates)


HOLDOUT = make_holdout(
    *(score("shipped", 12, 0.61, 0.0, 0.58), score("best", 12, 0.61, 0.0, 0.58), score("default", 1, 0.41, -0.2)),
    metric="f1",
    windows=200,
    blocks=25,
    anomalous=40,
    events=5,
    baseline=0.35,
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
            "search": {"sampler": "random"},
            "space": {"normalization": {"choices": ["none", "layer"]}},
        }
    )
    baseline = Baseline("base rate", 0.35 if spec.metric.maximise else 0.95)
    facts = replace(FACTS, folds=(FoldInfo(800, 200, 40, 5),) * 5, rows=1000, baseline=baseline)
    trials = []
    for number in range(count):
        params = choose(spec, number, [], [])
        state = "failed" if number == 7 else "pruned" if number > 5 and rng.random() < 0.4 else "complete"
        trials.append(Trial(number, params, _pretended(spec.metric, params, state, rng)))
    for trial in finalists(spec, facts.test_to_train, trials):
        runs = tuple(_pretended(spec.metric, trial.params, "complete", rng) for _ in range(2))
        trials[trial.number] = replace(trial, repeats=runs)
    return Findings(spec, facts, tuple(trials), summarise(spec, facts.test_to_train, trials))


def _pretended(metric: Metric, params: Mapping[str, Value], state: str, rng: np.random.Generator) -> Outcome:
    """Loss by epoch of a network that memorises the more, the less it is regularised."""
    strength = math.log10(float(params["weight_decay"])) + 4 * float(params["dropout"])
    epochs = np.arange(1, int(rng.integers(3, 9)) if state == "pruned" else int(rng.integers(14, 31)))
    off = 0.05 * (strength - 0.3) ** 2 + 0.02 * rng.normal()
    train = 0.35 + off / 3 + 0.6 * np.exp(-epochs / (4 + 2 * abs(strength)))
    valid = train + 0.08 + off + 0.006 * epochs / (1 + max(strength, -0.9))
    folds = []
    for fold in range(5):
        loss = valid + 0.04 * (fold - 2) + 0.012 * rng.normal(size=len(epochs))
        values = np.clip(1.3 - loss, 0, 1) if metric.maximise else loss
        folds.append(FoldCurve(tuple(train), tuple(loss), tuple(values)))
    curve = np.mean([fold.metric for fold in folds], axis=0)
    usual = make_outcome(curve.tolist(), state, reason=f"{state}: <b>by hand</b>")  # type: ignore[arg-type]
    return replace(
        usual,
        folds=tuple(folds),
        best_epoch=1 + int(np.argmin(metric.costs([fold.metric for fold in folds]).mean(axis=0))),
        fold_epochs=5 * len(epochs),
        weights=int(params["hidden_size"]) ** 2 * 8,
        zeros=min(0.99, 3e3 * float(params["l1"]) ** 1.2),
    )
