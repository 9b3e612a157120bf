"""Parallel coordinates: each trial's line by hand, and where there is nothing to draw."""

from dataclasses import replace

import numpy as np
import pytest

from tests.making import known
from tests.report.making import many, searched, trace
from tests.search.making import make_findings, make_outcome, make_spec
from tuner.report.coordinates import parallel_figure
from tuner.report.frame import trial_frame
from tuner.results.findings import Findings
from tuner.spec.space import Value

SPEC = make_spec(
    space={
        "dropout": {"low": 0.0, "high": 0.5},
        "weight_decay": {"low": 1e-4, "high": 1e-2, "log": True},
        "normalization": {"choices": ["none", "batch", "layer"]},
        "input_dropout": 0.0,
        "recurrent_dropout": 0.0,
        "l1": 0.0,
        "hidden_size": 4,
        "num_layers": 1,
        "learning_rate": 0.01,
        "jitter": 0.0,
    }
)


def study() -> Findings:
    found = make_findings(make_outcome([3.0]), make_outcome([1.0]), make_outcome([2.0], "pruned"), spec=SPEC)
    drawn: list[dict[str, Value]] = [
        {"dropout": 0.25, "weight_decay": 1e-3, "normalization": "layer"},
        {"dropout": 0.5, "weight_decay": 1e-4, "normalization": "none"},
        {},
    ]
    trials = [
        replace(trial, params={**trial.params, **params}) for trial, params in zip(found.trials, drawn, strict=True)
    ]
    return replace(found, trials=tuple(trials))


def test_heights_are_shares_of_each_axis_and_the_best_score_is_at_the_top() -> None:
    figure = known(parallel_figure(study(), trial_frame(study())))
    assert list(trace(figure, "other").y)[:4] == pytest.approx([0.5, 0.5, 1.0, 0.0])
    best = trace(figure, "the best 1")
    assert list(best.y)[:4] == pytest.approx([1.0, 0.0, 0.0, 1.0])
    assert np.isnan(best.y[4]), "the line ends"
    assert best.text[:2] == ("trial 1: dropout 0.5", "trial 1: weight_decay 0.0001")
    assert set(best.ids) == {"trial 1"}
    assert figure.layout.xaxis.ticktext[-1] == "<b>validation loss</b>"


def test_hundreds_of_trials_are_two_traces() -> None:
    found = searched(300)
    figure = known(parallel_figure(found, trial_frame(found)))
    assert len(figure.data) == 2


@pytest.mark.parametrize("found", [many(1), make_findings(), make_findings(*[make_outcome([1.0])] * 3)])
def test_without_two_trials_that_differ_there_is_none(found) -> None:
    assert parallel_figure(found, trial_frame(found)) is None
