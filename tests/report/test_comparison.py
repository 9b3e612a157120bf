"""Study against study: the race, the pairs and the parameters by hand, and the page that they make."""

from dataclasses import replace

import pytest

from tests.browsing import visit
from tests.report.making import DRAWN, MIXED, RISING, searched, trace
from tests.search.making import make_findings, make_outcome, make_spec
from tuner.report.comparison import (
    comparison_page,
    comparison_plots,
    pairs_figure,
    race_figure,
)
from tuner.results.findings import Findings
from tuner.results.fold_pairs import compare_folds
from tuner.spec.metric import METRICS


def study(name: str = "small", value: float = 1.0, **space) -> Findings:
    return make_findings(make_outcome([value], spread=0.0), spec=make_spec(study={"name": name}, space=space))


def test_the_race_counts_every_trial_s_epochs_and_shows_complete_values() -> None:
    (line,) = race_figure([MIXED]).data
    assert line.name == "small"
    # fold-epochs: pruned 2; complete 4; failed 4; pruned 2; complete 6; complete 2
    assert list(line.x) == [6, 10, 12, 18, 20]
    assert list(line.y) == [2.0, 2.0, 2.0, 1.0, 1.0]


def test_where_more_is_better_it_rises() -> None:
    outcomes = [make_outcome([value], maximise=True) for value in (0.3, 0.1, 0.6)]
    assert list(race_figure([make_findings(*outcomes, spec=RISING)]).data[0].y) == [0.3, 0.3, 0.6]


def test_each_study_is_a_line_of_its_own_colour_and_dash() -> None:
    figure = race_figure([searched(20, name="one"), searched(12, name="other")])
    one, other = trace(figure, "one"), trace(figure, "other")
    assert (one.line.color, one.line.dash) != (other.line.color, other.line.dash)
    assert figure.layout.yaxis.title.text.startswith("best so far: validation loss")


def test_a_short_search_is_seen_beside_a_long_one() -> None:
    long, short = (
        make_findings(*(make_outcome([value], maximise=True) for value in values), spec=RISING)
        for values in ([0.6 + 0.0001 * at for at in range(1000)], [0.5, 0.51, 0.52])
    )
    low, high = race_figure([long, short]).layout.yaxis.range
    assert low < 0.5
    assert high > 0.6999


def test_a_pair_is_a_row_with_its_folds_and_mean() -> None:
    pairs = [compare_folds(study("one"), study(name, 1.5)) for name in ("b", "c")]
    folds, means = pairs_figure(METRICS["loss"], pairs).data
    assert list(folds.y) == ["one<br>minus b"] * 2 + ["one<br>minus c"] * 2
    assert list(folds.text) == ["fold 1", "fold 2"] * 2
    assert list(means.x) == pytest.approx([-1 / 3, -1 / 3])
    assert list(means.error_x.array) == pytest.approx([0.0, 0.0])


@pytest.mark.parametrize(("metric", "side"), [("loss", "left"), ("f1", "right")])
def test_pairs_say_on_which_side_the_first_is_better(metric, side) -> None:
    figure = pairs_figure(METRICS[metric], [compare_folds(study("one"), study("other"))])
    assert f"({side} of 0, the first is better)" in figure.layout.xaxis.title.text


def test_equal_folds_are_compared_fold_by_fold() -> None:
    studies = [searched(20, name="one"), searched(20, name="two", seed=1), searched(20, name="three", seed=2)]
    assert [plot.key for plot in comparison_plots(studies)] == ["race-loss", "pairs"]


def test_metrics_that_differ_have_axes_of_their_own() -> None:
    studies = [searched(20, name="one"), searched(20, "f1", name="two")]
    assert [plot.key for plot in comparison_plots(studies)] == ["race-loss", "race-f1"]


def test_studies_in_which_nothing_completed_are_a_table() -> None:
    empty = make_findings(make_outcome([1.0], "pruned"))
    assert comparison_plots([empty, empty]) == []
    assert "not compared fold by fold: no trial of small has completed." in comparison_page([empty, empty])


def test_folds_that_cannot_be_compared_are_no_pairs() -> None:
    one, two = searched(20, name="one"), searched(20, name="two")
    other = replace(two, facts=replace(two.facts, digest="e" * 64))
    assert "pairs" not in [plot.key for plot in comparison_plots([one, other])]
    assert "two and one are not compared fold by fold: their data differ." in comparison_page([one, other])


def test_it_is_drawn_in_a_browser_wide_and_narrow(browser, tmp_path) -> None:
    page = tmp_path / "page.html"
    studies = [searched(30, name="a-study-with-a-long-name"), searched(30, name="two", seed=1)]
    page.write_text(comparison_page(studies))
    for width in (1280, 360):
        with visit(browser, page.as_uri(), width=width) as seen:
            seen.page.wait_for_selector(DRAWN)
            assert seen.page.locator(".js-plotly-plot svg.main-svg").count() >= 3
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
            assert (seen.errors, seen.requests) == ([], [seen.page.url])
