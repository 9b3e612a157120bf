"""The note: what it says, and that no name can be more than text in it."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.report.dashboard_page import escaped, note
from tuner.results.captions import explain_trust
from tuner.results.verdict import judge

MARK = r"[!-/:-@\[-`{-~]"
THREE = make_findings(make_outcome([3.0]), make_outcome([2.0], spread=1.0), make_outcome([1.0]))


def plain(text: str) -> str:
    """What Markdown shows of escaped text."""
    return re.sub(rf"\\({MARK})", r"\1", text)


def test_it_says_the_verdict_and_what_to_do_next() -> None:
    text = plain(note(THREE))
    for part in (
        "# small\n\nInconclusive. ",
        *(one.said for one in judge(THREE)),
        *explain_trust(THREE),
        "Next, train the other 9 trials: `python -m tuner.run --study studies/small/study.toml`",
        "3 of 12 trials (3 complete, 0 pruned, 0 failed) on 400 rows of /nowhere/data.csv.",
        "The network sees x; it forecasts x.",
    ):
        assert part in text


def test_a_study_with_nothing_complete_says_so() -> None:
    text = plain(note(make_findings(make_outcome([1.0], "pruned"))))
    assert "Inconclusive. No trial has completed yet." in text
    assert "1 of 12 trials (0 complete, 1 pruned, 0 failed)" in text
    assert "export" not in text


def test_warnings_are_in_it() -> None:
    spec = make_spec(train={"max_epochs": 1, "patience": 1})
    text = note(make_findings(make_outcome([1.0]), make_outcome([2.0]), spec=spec))
    assert "warning: The best trial still improved at its last epoch: raise `max_epochs` above 1" in plain(text)


def test_names_of_columns_are_text_and_nothing_else() -> None:
    odd = replace(FACTS, features=("<script>alert(1)</script>", "a|b\n# c", "[x](javascript:alert(2))"))
    (line,) = [line for line in note(replace(THREE, facts=odd)).splitlines() if "script" in line]
    assert plain(line) == (
        "The network sees <script>alert(1)</script>, a|b # c, [x](javascript:alert(2)); it forecasts x."
    )


@given(st.text())
def test_what_is_escaped_is_one_line_without_a_bare_mark(text) -> None:
    shown = escaped(text)
    assert len(shown.splitlines()) <= 1
    assert plain(shown) == " ".join(text.split())
    assert not re.search(MARK, re.sub(rf"\\{MARK}", "", shown))
