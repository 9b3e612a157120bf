"""A path while it grows, on a recorded terminal."""

import io
import json

from rich.console import Console

from tests.search.making import FACTS, make_outcome
from tuner.results.regularisation_path import Point
from tuner.search.events import PointTrained, StageBegan
from tuner.terminal.path import JsonPoints, PointBar, PointLines
from tuner.training.outcome import Outcome

GOOD, OTHER = make_outcome([2.0, 1.0]), make_outcome([2.0, 1.5])
DIVERGED = Outcome.failed("diverged: fold 2: [red]bad[/red]")


def terminal(width: int = 70, **options: bool) -> Console:
    return Console(record=True, file=io.StringIO(), width=width, highlight=False, **options)  # type: ignore[arg-type]


def test_points_are_objects_those_of_earlier_calls_first(capsys) -> None:
    lines = JsonPoints("weight_decay", FACTS)
    lines(PointTrained(Point(0.01, GOOD), stored=True))
    lines(PointTrained(Point(10.0, DIVERGED), stored=False))
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["event"], first["value"], first["stored"], first["mean"]) == ("point", 0.01, True, 1.0)
    assert (second["value"], second["stored"], second["mean"], second["epoch"]) == (10.0, False, None, None)
    assert second["reason"].startswith("diverged")


def test_plain_lines_count_those_that_are_there() -> None:
    console = terminal()
    lines = PointLines("weight_decay", FACTS, console)
    lines(StageBegan("path", 2, done=1))
    lines(PointTrained(Point(0.1, OTHER), stored=False))
    lines(PointTrained(Point(10.0, DIVERGED), stored=False))
    assert console.export_text().splitlines() == [
        "1 of 3 points are there already",
        "2/3 weight_decay 0.1: 1.5000 ± 0.3536",
        "3/3 weight_decay 10: failed: diverged: fold 2: [red]bad[/red]",
    ]


def test_the_bar_shows_how_many_are_done() -> None:
    console = terminal(width=100, force_terminal=True)
    with PointBar("weight_decay", FACTS, console) as bar:
        bar(StageBegan("path", 2, done=1))
        bar(PointTrained(Point(0.1, OTHER), stored=False))
        bar.ticked()
    text = console.export_text()
    assert "weight_decay 0.1: 1.5000 ± 0.3536" in text
    assert "2/3" in text
