"""The history: its data by hand, and that it is drawn of few trials and of many."""

from dataclasses import replace

import pytest

from tests.report.making import MIXED, RISING, axis_range, many, searched, trace
from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.report.history import history_figure, history_info
from tuner.results.selection import summarise


def test_the_history_has_each_value_under_its_state() -> None:
    info = history_info(MIXED)
    assert info.complete == ((1, 2.0), (4, 1.0), (5, 2.5))
    assert info.pruned == ((0, 9.0), (3, 1.5))
    assert info.baseline == ("persistence", 0.5)


def test_the_incumbent_is_the_best_complete_value_so_far_up_to_the_last_trial() -> None:
    assert history_info(MIXED).incumbent == ((1, 2.0), (2, 2.0), (3, 2.0), (4, 1.0), (5, 1.0))


def test_where_more_is_better_the_incumbent_rises() -> None:
    outcomes = [make_outcome([value], maximise=True) for value in (0.3, 0.1, 0.6)]
    assert history_info(make_findings(*outcomes, spec=RISING)).incumbent == ((0, 0.3), (1, 0.3), (2, 0.6))


def test_the_history_draws_what_its_data_say() -> None:
    info = history_info(MIXED)
    figure = history_figure(info)
    assert list(zip(trace(figure, "complete").x, trace(figure, "complete").y, strict=True)) == list(info.complete)
    assert list(zip(trace(figure, "pruned").x, trace(figure, "pruned").y, strict=True)) == list(info.pruned)
    assert list(trace(figure, "best so far").y) == [value for _, value in info.incumbent]


def test_the_history_shows_what_was_trained_again_and_the_mean_that_was_chosen() -> None:
    spec = make_spec(search={"finalists": 2, "repeats": 1})
    findings = make_findings(make_outcome([1.0]), make_outcome([1.5]), make_outcome([9.0]), spec=spec)
    lucky, steady, poor = findings.trials
    trials = (
        replace(lucky, repeats=(make_outcome([4.0]),)),
        replace(steady, repeats=(make_outcome([1.7]),)),
        poor,
    )
    info = history_info(replace(findings, trials=trials, summary=summarise(spec, FACTS.test_to_train, trials)))
    assert info.repeats == ((0, 4.0), (1, 1.7))
    assert info.chosen is not None
    number, mean = info.chosen
    assert (number, round(mean, 9)) == (1, 1.6)
    figure = history_figure(info)
    assert list(trace(figure, "the best, trained again").y) == [4.0, 1.7]
    assert list(trace(figure, "chosen: trial 1").y) == [pytest.approx(1.6)]


@pytest.mark.parametrize(("value", "drawn"), [(2.0, True), (50.0, False)])
def test_a_baseline_far_from_all_trials_does_not_squash_the_scale(value, drawn) -> None:
    figure = history_figure(replace(history_info(MIXED), baseline=("persistence", value)))
    assert (len(figure.layout.shapes) == 1) == drawn
    assert axis_range(figure)[1] < 50


@pytest.mark.parametrize("spec", [None, RISING])
@pytest.mark.parametrize("count", [1, 2, 500])
def test_it_is_drawn_of_few_trials_and_of_many(count, spec) -> None:
    figure = history_figure(history_info(many(count, spec)))
    assert len(trace(figure, "complete").x) + len(trace(figure, "pruned").x) == count
    assert len(figure.data) < 10, "a page with a trace a trial is slow"
    low, high = axis_range(figure)
    assert low < high


def test_the_axis_of_few_trials_has_no_halves() -> None:
    assert [history_figure(history_info(searched(count))).layout.xaxis.dtick for count in (5, 20)] == [1, None]
