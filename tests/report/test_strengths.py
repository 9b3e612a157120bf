"""Each parameter against the score: its panels by hand."""

import pytest

from tests.report.making import searched, trace
from tests.search.making import make_findings, make_outcome, make_spec
from tuner.report.strengths import StrengthInfo, strength_figure, strength_infos
from tuner.results.findings import Findings


def panel(findings: Findings, name: str) -> StrengthInfo:
    (found,) = [info for info in strength_infos(findings) if info.name == name]
    return found


def test_there_is_a_panel_for_what_was_searched_and_for_what_penalties_did() -> None:
    names = [info.name for info in strength_infos(searched(20))]
    assert names == [
        *("dropout", "input_dropout", "recurrent_dropout", "weight_decay", "shrinkage", "l1", "zeros"),
        *("hidden_size", "num_layers", "normalization", "learning_rate", "jitter"),
    ]


def test_a_point_is_a_trial_with_a_value_and_says_what_took_effect() -> None:
    findings = searched(20)
    info = panel(findings, "weight_decay")
    assert [point.number for point in info.points] == [n for n in range(20) if n != 7], "trial 7 failed"
    point, trial = info.points[3], findings.trials[3]
    total = float(trial.params["weight_decay"]) * float(trial.params["learning_rate"]) * trial.outcome.steps
    assert (point.x, point.value) == (trial.params["weight_decay"], trial.outcome.value)
    assert point.note == f"total shrinkage {total:.3g}"
    shown = panel(findings, "shrinkage").points[3]
    assert shown.x == pytest.approx(total)
    assert panel(findings, "zeros").points[3].x == trial.outcome.zeros


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("dropout", "linear"),
        ("weight_decay", "log"),
        ("shrinkage", "log"),
        ("zeros", "linear"),
        ("num_layers", "choices"),
    ],
)
def test_an_axis_is_as_the_space_is(name, scale) -> None:
    info = panel(searched(20), name)
    assert info.scale == scale
    assert (strength_figure(info).layout.xaxis.type == "log") == (scale == "log")


def test_choices_lie_side_by_side_each_point_near_its_own() -> None:
    info = panel(searched(40), "normalization")
    assert info.choices == ("none", "layer")
    figure = strength_figure(info)
    assert list(figure.layout.xaxis.ticktext) == ["none", "layer"]
    complete = trace(figure, "complete")
    words = [text.rpartition(" ")[2] for text in complete.text]
    assert [info.choices[round(x)] for x in complete.x] == words
    assert len(set(complete.x)) == len(words), "none hides another"


def test_pruned_ones_the_best_and_the_default_are_marked() -> None:
    findings = searched(40)
    assert findings.summary.best is not None
    figure = strength_figure(panel(findings, "dropout"))
    states = [trial.outcome.state for trial in findings.trials]
    assert len(trace(figure, "pruned").x) == states.count("pruned") > 0
    assert len(trace(figure, "complete").x) == states.count("complete")
    assert list(trace(figure, "best").y) == [findings.summary.best.value]
    assert list(trace(figure, "default").x) == [0.2]


def test_hover_says_trial_value_and_parameter() -> None:
    (point,) = strength_figure(panel(make_findings(make_outcome([0.5])), "weight_decay")).data[0].text
    assert point == "trial 0: 0.5000<br>weight_decay 0.01<br>total shrinkage 0.0002"


def test_decay_that_is_nothing_has_no_logarithm() -> None:
    spec = make_spec(space={"weight_decay": {"choices": [0.0, 0.1]}})
    assert panel(make_findings(make_outcome([0.5]), spec=spec), "shrinkage").scale == "linear"


def test_without_a_value_there_is_nothing_to_draw() -> None:
    assert strength_infos(make_findings(make_outcome([], "failed"))) == []


def test_a_panel_of_many_trials_is_few_traces() -> None:
    assert len(strength_figure(panel(searched(300), "dropout")).data) == 4
