"""The comparison's page."""

import re
from dataclasses import replace

from tests.browsing import visit
from tests.report.making import DRAWN, searched
from tests.search.making import make_findings, make_outcome
from tuner.report.comparison_page import comparison, comparison_plots, remarks


def test_equal_folds_are_compared_fold_by_fold() -> None:
    studies = [searched(20, name="one"), searched(20, name="two", seed=1), searched(20, name="three", seed=2)]
    assert [plot.key for plot in comparison_plots(studies)] == ["race-loss", "pairs", "parameters"]
    two, three = remarks(studies)
    assert re.match(r"two and one, fold by fold: .* \([+-]0\.\d{4} ± 0\.\d{4}\)\.", two)
    assert three.startswith("three and one")


def test_metrics_that_differ_have_axes_of_their_own_and_that_is_said() -> None:
    studies = [searched(20, name="one"), searched(20, "f1", name="two")]
    assert [plot.key for plot in comparison_plots(studies)] == ["race-loss", "race-f1", "parameters"]
    assert remarks(studies) == [
        "The metrics differ: values are not comparable, and each metric has figures of its own.",
        "two and one are not compared fold by fold: their metrics differ.",
    ]


def test_why_folds_cannot_be_compared_is_said() -> None:
    one, two = searched(20, name="one"), searched(20, name="two")
    (remark,) = remarks([one, replace(two, facts=replace(two.facts, digest="e" * 64))])
    assert remark == "two and one are not compared fold by fold: their data differ."


def test_studies_in_which_nothing_completed_are_a_table() -> None:
    empty = make_findings(make_outcome([1.0], "pruned"))
    assert comparison_plots([empty, empty]) == []
    assert "not compared fold by fold: no trial of small has completed." in comparison([empty, empty])


def test_it_is_drawn_in_a_browser_wide_and_narrow(browser, tmp_path) -> None:
    page = tmp_path / "page.html"
    page.write_text(comparison([searched(30, name="a-study-with-a-long-name"), searched(30, name="two", seed=1)]))
    for width in (1280, 360):
        with visit(browser, page.as_uri(), width=width) as seen:
            seen.page.wait_for_selector(DRAWN)
            assert seen.page.locator(".js-plotly-plot svg.main-svg").count() >= 3
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
            assert (seen.errors, seen.requests) == ([], [seen.page.url])
