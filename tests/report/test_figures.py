"""The figures of all trials: what each shows of a study by hand, and that they are drawn of few trials and of many."""

import math
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from tests.report.making import MIXED, RISING, axis_range, many, repeated, searched, trace
from tests.search.making import make_findings, make_outcome
from tuner.report.figures import MOST_SPREAD, effects_figure, history_figure, spread_figure, strength_figures
from tuner.report.frame import trial_frame
from tuner.results.findings import Findings
from tuner.search.effects import Effect, Gain
from tuner.spec.metric import METRICS


def history(findings: Findings) -> go.Figure:
    return history_figure(findings, trial_frame(findings))


def spread(findings: Findings) -> go.Figure:
    return spread_figure(findings, trial_frame(findings))


def panels(findings: Findings) -> dict[str, go.Figure]:
    return strength_figures(findings, trial_frame(findings))


# --- history


def test_the_history_has_each_value_under_its_state_and_the_best_so_far() -> None:
    figure = history(MIXED)
    complete, pruned, best = (trace(figure, name) for name in ("complete", "pruned", "best so far"))
    assert (list(complete.x), list(complete.y)) == ([1, 4, 5], [2.0, 1.0, 2.5])
    assert (list(pruned.x), list(pruned.y)) == ([0, 3], [9.0, 1.5])
    assert (list(best.x), list(best.y)) == ([1, 2, 3, 4, 5], [2.0, 2.0, 2.0, 1.0, 1.0])


def test_the_history_shows_what_was_trained_again_and_the_mean_that_was_chosen() -> None:
    figure = history(repeated())
    again, chosen = trace(figure, "the best, trained again"), trace(figure, "chosen: trial 1")
    assert (list(again.x), list(again.y)) == ([0, 1], [4.0, 1.7])
    assert list(chosen.y) == [pytest.approx(1.6)]


@pytest.mark.parametrize(("value", "drawn"), [(2.0, True), (50.0, False)])
def test_a_baseline_far_from_all_trials_does_not_squash_the_scale(value, drawn) -> None:
    baseline = replace(MIXED.facts.baseline, value=value)
    figure = history(replace(MIXED, facts=replace(MIXED.facts, baseline=baseline)))
    assert (len(figure.layout.shapes) == 1) == drawn
    assert axis_range(figure)[1] < 50


@pytest.mark.parametrize("spec", [None, RISING])
@pytest.mark.parametrize("count", [1, 2, 500])
def test_it_is_drawn_of_few_trials_and_of_many(count, spec) -> None:
    figure = history(many(count, spec))
    assert len(trace(figure, "complete").x) + len(trace(figure, "pruned").x) == count
    assert len(figure.data) < 10, "a page with a trace a trial is slow"
    low, high = axis_range(figure)
    assert low < high


def test_the_axis_of_few_trials_has_no_halves() -> None:
    assert [history(searched(count)).layout.xaxis.dtick for count in (5, 20)] == [1, None]


# --- spread


def test_a_fold_is_one_line_over_the_complete_trials_best_mean_first() -> None:
    figure = spread(MIXED)
    folds, means = trace(figure, "one fold"), trace(figure, "mean of all")
    labels = ["4", "1 (default)", "5"]
    assert list(folds.x) == [*labels, None] * 2
    assert list(folds.y) == [0.75, 1.75, 2.25, None, 1.25, 2.25, 2.75, None]
    assert list(folds.customdata) == [1, 1, 1, 1, 2, 2, 2, 2]
    assert (list(means.x), list(means.y)) == (labels, [1.0, 2.0, 2.5])
    assert list(means.marker.symbol) == ["star", "line-ew-open", "line-ew-open"]


def test_of_many_trials_the_best_are_drawn_in_few_traces() -> None:
    means = trace(spread(make_findings(*(make_outcome([float(value)]) for value in range(12, 0, -1)))), "mean of all")
    assert (len(means.x), means.x[0], means.y[-1]) == (MOST_SPREAD, "11", 10.0)
    assert len(spread(searched(60)).data) == 3


def test_the_mean_of_what_was_trained_again_counts_and_each_run_is_shown() -> None:
    figure = spread(repeated())
    means, again = trace(figure, "mean of all"), trace(figure, "mean when trained again")
    labels = ["1 (default)", "0 (unregularised)", "2"]
    assert list(means.x) == labels
    assert list(means.y) == pytest.approx([1.6, 2.5, 9.0])
    assert (list(again.x), list(again.y)) == (labels[:2], [1.7, 4.0])


def test_a_fold_without_a_value_is_left_out() -> None:
    outcome = make_outcome([0.5], maximise=True)
    folds = (replace(outcome.folds[0], metric=(math.nan,)), outcome.folds[1])
    figure = spread(make_findings(replace(outcome, folds=folds), spec=RISING))
    assert list(trace(figure, "mean of all").y) == [0.75]
    assert list(trace(figure, "one fold").y) == [None, None, 0.75, None]


# --- each parameter against the score


def test_there_is_a_panel_for_what_was_searched() -> None:
    assert list(panels(searched(20))) == [
        *("dropout", "input_dropout", "recurrent_dropout", "weight_decay", "l1"),
        *("hidden_size", "num_layers", "normalization", "learning_rate", "jitter"),
    ]


def test_a_point_is_a_trial_with_a_value() -> None:
    findings = searched(20)
    for name in ("weight_decay", "dropout"):
        drawn = trace(panels(findings)[name], "complete")
        frame = trial_frame(findings).query("state == 'complete'")
        assert (list(drawn.x), list(drawn.y)) == (frame[name].tolist(), frame.value.tolist())
        assert 7 not in frame.index, "it failed"


def test_hover_says_the_trial_the_value_and_its_effective_strength() -> None:
    shown = panels(make_findings(make_outcome([0.5])))
    assert shown["weight_decay"].data[0].text[0] == (
        "trial 0: 0.5000<br>weight_decay 0.01<br>total shrinkage 2.2e-05, 25.0% exact zeros"
    )


def test_an_axis_is_as_the_space_is() -> None:
    shown = panels(searched(20))
    log = {name for name in shown if shown[name].layout.xaxis.type == "log"}
    assert log == {"weight_decay", "l1", "hidden_size", "learning_rate"}
    assert list(shown["num_layers"].layout.xaxis.ticktext) == ["1", "2"]


def test_choices_lie_side_by_side_each_point_near_its_own() -> None:
    figure = panels(searched(40))["normalization"]
    ticks = list(figure.layout.xaxis.ticktext)
    assert ticks == ["none", "layer"]
    complete = trace(figure, "complete")
    words = [text.split("<br>")[1].rpartition(" ")[2] for text in complete.text]
    assert [ticks[round(x)] for x in complete.x] == words
    assert len(set(complete.x)) == len(words), "none hides another"


def test_pruned_ones_the_best_and_the_default_are_marked() -> None:
    findings = searched(40)
    figure = panels(findings)["dropout"]
    states = [trial.outcome.state for trial in findings.trials]
    assert len(trace(figure, "pruned").x) == states.count("pruned") > 0
    assert len(trace(figure, "complete").x) == states.count("complete")
    assert list(trace(figure, "best").y) == [findings.chosen("best").value]
    assert list(trace(figure, "default").x) == [0.2]


def test_without_a_value_there_is_nothing_to_draw() -> None:
    assert panels(make_findings(make_outcome([], "failed"))) == {}


def test_a_panel_of_many_trials_is_few_traces() -> None:
    assert len(panels(searched(300))["dropout"].data) == 4


# --- what matters


def test_gains_stand_in_rows_with_their_intervals_the_largest_at_the_top() -> None:
    effects = (
        Effect("dropout", 0.0, Gain(0.25, 0.2, (0.1, 0.25)), Gain(0.6, -0.1, (-0.3, 0.05)), is_clear=True),
        Effect("l1", 1e-6, Gain(1e-6, 0.0, (0.0, 0.0)), Gain(1e-2, -0.01, (-0.1, 0.1)), is_clear=False),
    )
    figure = effects_figure(METRICS["loss"], effects)
    best = trace(figure, "best value")
    assert list(best.x) == [0.2, 0.0]
    assert list(best.error_x.array) == pytest.approx([0.05, 0.0])
    assert list(best.error_x.arrayminus) == pytest.approx([0.1, 0.0])
    assert list(trace(figure, "highest value searched").x) == [-0.1, -0.01]
    assert figure.layout.yaxis.ticktext == (
        "<b>dropout</b><br>best near 0.25",
        "<b>l1</b><br>no clear effect",
    )
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
