"""The report on the holdout: tables that fit a narrow terminal, and the same for programs."""

import io
import json
from dataclasses import replace

from rich.console import Console

from tests.search.making import make_findings, make_outcome
from tuner.evaluation.holdout import Holdout, Score
from tuner.results.findings import Findings
from tuner.results.verdict import find_optimism, verdict
from tuner.terminal.holdout import holdout_dict, print_holdout

BEST = Score("best", 1, 0.4, 0.05, (0.3, 0.5), 0.0, (0.0, 0.0), 0.4, 0.625, 0.75, 0.5, 0.6, 2.0)
LEAST = Score("least", 0, 10.5678, 0.05, (9.0, 12.0), 10.1678, (8.5, 11.5), 10.5678, 0.25, None, None, None, None)
DEFAULT = replace(BEST, name="default")
REGRESSION = Score(
    "logistic regression", None, 0.5, 0.05, (0.4, 0.6), 0.1, (-0.05, 0.25), 0.5, 0.7, 0.5, 1.0, 2 / 3, 3.0
)
PCA = Score("PCA", None, None, None, None, None, None, None, 0.5, 0.5, 0.5, 0.5, 7 / 3)
HOLDOUT = Holdout("loss", (BEST, LEAST, DEFAULT, REGRESSION, PCA), 3, 200, 1074, 20, 33, 4, 0.5, looks=2)


def found(holdout: Holdout | None) -> Findings:
    return replace(make_findings(make_outcome([2.0]), make_outcome([0.375])), holdout=holdout)


def printed(holdout: Holdout | None, width: int = 70) -> str:
    console = Console(record=True, file=io.StringIO(), width=width, highlight=False)
    print_holdout(console, found(holdout))
    return console.export_text()


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if "│" in line]


def test_people_are_told_each_model_with_its_interval_and_difference() -> None:
    text = printed(HOLDOUT)
    assert max(map(len, text.splitlines())) <= 70
    assert "holdout: 1074 windows in 20 blocks; mean of 3 refits a network" in text
    cells = rows(printed(HOLDOUT, 80))
    assert cells[0] == ["best", "0.4000", "0.3000 to 0.5000", ""]
    assert cells[1] == ["least", "10.5678", "9.0000 to 12.0000", "+8.5000 to +11.5000"]
    assert cells[3] == ["logistic regression", "0.5000", "0.4000 to 0.6000", "-0.0500 to +0.2500"]
    names = [model.name for model in HOLDOUT.scores]
    assert [row[0] for row in cells] == [*names[:4], *names]


def test_detection_is_told_where_the_holdout_has_anomalous_rows() -> None:
    text = printed(HOLDOUT)
    assert "detection on the holdout; anomalous rows: 33, events: 4" in text
    assert ["best", "0.625", "0.750", "0.500", "0.600", "2"] in rows(text)
    assert ["least", "0.250", "", "", "", ""] in rows(text)
    assert ["PCA", "0.500", "0.500", "0.500", "0.500", "2.33"] in rows(text)
    assert "detection" not in printed(replace(HOLDOUT, anomalous=0, events=0))


def test_what_it_means_is_said_below() -> None:
    assert " ".join(verdict(found(HOLDOUT))) in " ".join(printed(HOLDOUT, 300).split())


def test_programs_are_told_the_same_by_model() -> None:
    told = holdout_dict(found(HOLDOUT))
    assert json.loads(json.dumps(told, allow_nan=False)).keys() == told.keys()
    assert list(told["holdout"]) == ["best", "least", "default", "logistic regression", "PCA"]
    best = told["holdout"]["best"]
    assert (best["metric"], best["value"], best["interval"], best["events"]) == ("loss", 0.4, (0.3, 0.5), 4)
    optimism = find_optimism(found(HOLDOUT))
    assert optimism is not None and told["optimism"] == optimism.value
    assert (told["looks"], told["verdict"]) == (2, list(verdict(found(HOLDOUT))))


def test_without_a_holdout_nothing_is_told() -> None:
    assert printed(None) == ""
    assert holdout_dict(found(None)) == {"holdout": {}, "optimism": None, "looks": 0, "verdict": []}
