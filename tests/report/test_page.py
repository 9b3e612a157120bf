"""The report: what it says, that nothing in it acts, and how it is in a real browser."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.browsing import visit
from tests.making import make_detection
from tests.processes import wait_until
from tests.report.making import DRAWN, HOLDOUT, searched
from tests.search.making import FACTS, make_findings, make_outcome
from tuner.report.page import _answers, study_page, study_plots, write_report
from tuner.results.findings import Findings, ScoredRows
from tuner.search.effects import Effect, Gain, find_effects
from tuner.spec.space import Choices

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def without_scripts(page: str) -> str:
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


# --- what it says


@pytest.fixture(scope="module")
def text() -> str:
    return without_scripts(study_page(searched(40, "average_precision")))


def test_the_verdict_comes_first_then_tables_figures_and_commands(text) -> None:
    parts = [
        "<h2>Verdict",
        'class="chip',
        "<strong>Does it overfit?</strong> Without regularisation ",
        "<strong>How strong?</strong> dropout ",
        "<strong>What matters?</strong> ",
        "<summary>Details</summary>",
        "<h3>What matters",
        ">Configuration</h2>",
        "<h2>More figures",
        ">Trials</h2>",
        ">Reproduce</h2>",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_it_says_how_to_reproduce_it(text) -> None:
    for part in (
        "tuner.run --study studies/pretended/study.toml",
        "tuner.export --study pretended",
        "d" * 64,
        "/data/pump.csv",
    ):
        assert part in text
    assert "metric = &#34;average_precision&#34;" in text, "the study file"


def test_every_figure_says_how_to_read_it(text) -> None:
    sections = re.findall(r"<section id=\"(\w+)\">\s*<h3>[^<]+</h3>\s*<p>[^<]{60,}</p>", text)
    assert sections == ["overfitting", "effects", "history", "curves", "spread", "strengths", "parallel"]


def test_what_is_not_listed_is_counted(text) -> None:
    assert "The best 20 of 39 trials" in text, "one failed"
    assert "trial 7: failed: &lt;b&gt;by hand&lt;/b&gt;" in text


def test_the_holdout_has_its_place() -> None:
    page = without_scripts(study_page(replace(searched(20, "f1"), holdout=HOLDOUT)))
    assert "0.5500 to 0.6600" in page
    assert "200 windows in 25 blocks, seen by no fold" in page
    assert "Tuning helped: on held-out data" in page
    assert "holdout</th>" not in without_scripts(study_page(searched(20)))


def test_before_anything_completed_there_is_a_page_too() -> None:
    page = without_scripts(study_page(make_findings(make_outcome([1.0], "pruned"))))
    assert "No trial has completed yet" in page
    nothing = study_page(make_findings(make_outcome([], "failed", reason="no luck")))
    assert "trial 0: no luck" in nothing
    assert "Plotly" not in nothing, "no figure, no library"


def test_it_is_written_whole(tmp_path: Path) -> None:
    path = write_report(make_findings(make_outcome([1.0])), tmp_path / "deep")
    assert path == tmp_path / "deep/report.html"
    assert sorted(one.name for one in path.parent.iterdir()) == ["report.html", "study.toml"]
    assert path.read_text().endswith("</html>\n") or path.read_text().endswith("</html>")


# --- which figures it has


def keys(findings: Findings) -> list[str]:
    return [plot.key for plot in study_plots(findings, find_effects(findings.spec, findings.trials))]


def labelled() -> Findings:
    detection = make_detection(threshold=3.0)
    return make_findings(replace(make_outcome([2.0, 1.0]), detection=detection), make_outcome([1.5]))


def test_rows_are_drawn_and_judged_where_they_have_labels() -> None:
    values = np.zeros((6, 1))
    scores, labels = np.array([0.0, 1, 3, 4, 2, 1]), np.arange(6) // 2 == 1
    rows = ScoredRows(np.arange(6), np.arange(6) // 3, ("x",), values, values, labels, scores)
    assert keys(labelled())[:4] == ["overfitting", "history", "curves", "spread"]
    drawn = {*keys(replace(labelled(), scored=rows))} - {*keys(labelled())}
    assert drawn == {"precision-recall", "rows"}
    page, plain = study_page(replace(labelled(), scored=rows)), replace(rows, labels=None)
    assert "In cross-validation 1 of 1 event caught, 0 false alarms" in page
    assert "a run of other flagged rows is a false alarm" in page
    assert "flagged" not in study_page(replace(make_findings(make_outcome([1.0])), scored=plain))
    assert {*keys(replace(make_findings(make_outcome([1.0])), scored=plain))} >= {"rows"}, "a forecast without labels"


def test_what_matters_is_said_with_its_way_and_its_worth() -> None:
    def effect(name: str, best: float, gain: float, highest: float, *, is_clear: bool = True) -> Effect:
        return Effect(name, 0.0, Gain(best, gain, (gain, gain)), Gain(1.0, highest, (highest, highest)), is_clear)

    effects = [
        effect("dropout", 1.0, 0.5, 0.5),
        effect("weight_decay", 0.25, 0.1, -0.2),
        effect("jitter", 0.0, 0.0, -0.25),
        effect("l1", 1.0, 0.2, 0.2, is_clear=False),
    ]
    answers = _answers(searched(12), effects)
    assert answers["What matters?"] == (
        "On average over all configurations, in loss: dropout (more is better, worth 0.50); "
        "weight_decay (best near 0.25, worth 0.30); jitter (less is better, worth 0.25)."
    )
    assert _answers(searched(12), effects[3:])["What matters?"] == "Nothing that these trials could tell."
    assert _answers(make_findings(), effects) == {}


def test_a_study_without_trials_has_no_figures() -> None:
    assert keys(make_findings()) == []


# --- in a browser


def evil(findings: Findings) -> Findings:
    """The same study with a script wherever text may come from a file."""
    first, *others = findings.trials
    failed = replace(first, outcome=make_outcome([], "failed", reason=EVIL))
    params = {**others[0].params, "normalization": EVIL}
    space = {**findings.spec.space, "normalization": Choices(("none", "layer", EVIL), EVIL)}
    spec = findings.spec.model_copy(update={"space": space})
    return replace(
        findings,
        spec=spec.model_copy(update={"data": spec.data.model_copy(update={"path": EVIL, "label": EVIL})}),
        facts=replace(FACTS, features=(EVIL,), targets=(EVIL,), baseline=replace(FACTS.baseline, name=EVIL)),
        trials=(failed, replace(others[0], params=params), *others[1:]),
        environment={EVIL: EVIL},
    )


def drawn(browser, folder: Path, findings: Findings, width: int):
    return visit(browser, write_report(findings, folder).as_uri(), width=width)


@pytest.fixture(scope="module")
def wide(browser, tmp_path_factory):
    with drawn(browser, tmp_path_factory.mktemp("wide"), searched(500, "average_precision"), 1280) as seen:
        seen.page.wait_for_selector(DRAWN)
        yield seen


def test_every_figure_is_drawn_and_nothing_is_asked_of_the_network(wide) -> None:
    plots = wide.page.locator(".plot")
    assert plots.count() == 2 + 5 + 10
    empty = "nodes => nodes.filter(one => !one.querySelector('.scatterlayer path, .barlayer path')).length"
    assert plots.evaluate_all(empty) == 0
    assert wide.requests == [wide.page.url]
    assert wide.errors == []


def test_five_hundred_trials_make_no_large_page(wide) -> None:
    assert Path(wide.page.url.removeprefix("file://")).stat().st_size < 2_800_000
    traces = "nodes => nodes.reduce((sum, one) => sum + one.data.length, 0)"
    assert wide.page.locator(".plot").evaluate_all(traces) < 80


def test_hover_shows_a_trial(wide) -> None:
    point = wide.page.locator("#history .plot .scatterlayer .trace:nth-child(2) .points path").first
    point.hover(force=True)
    label = wide.page.locator("#history .hoverlayer .hovertext")
    label.first.wait_for()
    assert re.search(r"trial \d+: 0\.\d{4}|best up to trial", label.first.text_content())


def test_a_trial_under_the_pointer_stands_out_in_the_other_figures(wide) -> None:
    def chosen() -> list[str]:
        traces = "plot => plot.data.flatMap(one => (one.selectedpoints ?? []).map(at => one.ids[at]))"
        return list(wide.page.evaluate(f"[...document.querySelectorAll('#strengths .plot')].flatMap({traces})"))

    wide.page.locator("#history .plot .scatterlayer .trace:nth-child(2) .points path").nth(5).hover(force=True)
    wait_until(lambda: len(chosen()) >= 10)
    assert len(set(chosen())) == 1
    wide.page.locator("h1").hover()
    wait_until(lambda: chosen() == [])


def test_a_click_on_a_heading_sorts_the_trials_and_a_second_one_turns_them_round(wide) -> None:
    def column() -> list[float]:
        return [float(text) for text in wide.page.locator(".sortable tbody tr td:nth-child(5)").all_text_contents()]

    head = wide.page.locator(".sortable thead th:nth-child(5)")
    before = column()
    head.click()
    assert column() == sorted(before) != before
    head.press("Enter")
    assert column() == sorted(before, reverse=True)


def test_a_click_in_the_legend_hides_a_trace(wide) -> None:
    def hidden() -> bool:
        return bool(wide.page.evaluate("document.querySelector('#spread .plot').data[0].visible === 'legendonly'"))

    assert not hidden()
    wide.page.locator("#spread .legendtoggle").first.click()
    wait_until(hidden)


def test_no_text_of_a_file_acts(browser, tmp_path) -> None:
    with drawn(browser, tmp_path, evil(searched(20)), 1280) as seen:
        seen.page.wait_for_selector(DRAWN)
        assert (seen.errors, seen.requests) == ([], [seen.page.url])
        assert seen.page.locator("img[src=x]").count() == 0
        assert EVIL in seen.page.locator("main").inner_text()


@pytest.mark.parametrize("metric", ["loss", "f1"])
def test_a_narrow_screen_never_scrolls_sideways(browser, tmp_path, metric) -> None:
    with drawn(browser, tmp_path, searched(12, metric), 360) as seen:
        seen.page.wait_for_selector(DRAWN)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360
        wider = "nodes => nodes.filter(one => one.getBoundingClientRect().right > 360).length"
        assert seen.page.locator(".plot, .plot svg.main-svg").evaluate_all(wider) == 0
        assert seen.errors == []


def test_few_trials_are_a_page_too(browser, tmp_path) -> None:
    lone = make_findings(make_outcome([1.0]))
    with drawn(browser, tmp_path, lone, 1280) as seen:
        seen.page.wait_for_selector(DRAWN)
        assert seen.errors == []
