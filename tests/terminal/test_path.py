"""A path as a table for people, as objects for programs, and while it grows, on a recorded terminal."""

import io
import json
import math

import pytest
from rich.console import Console

from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.results.findings import Findings
from tuner.results.regularisation_path import Path, Point, make_path
from tuner.search.events import PointTrained, StageBegan
from tuner.spec.sections import Spec
from tuner.spec.space import Value, defaults
from tuner.terminal.path import JsonPoints, PointBar, PointLines, path_event, print_path
from tuner.training.outcome import Outcome

GOOD, OTHER = make_outcome([2.0, 1.0]), make_outcome([2.0, 1.5])
DIVERGED = Outcome.failed("diverged: fold 2: [red]bad[/red]")
FOUND = make_findings(make_outcome([1.0]))


def make(name: str, points: dict[Value, Outcome], own: Value, spec: Spec | None = None) -> Path:
    spec = spec or make_spec()
    params = defaults(spec.space) | {name: own}
    return make_path(
        spec, FACTS.test_to_train, name, params, [Point(value, outcome) for value, outcome in points.items()]
    )


DECAY = make("weight_decay", {0.01: GOOD, 0.123456789: OTHER, 10.0: DIVERGED}, 0.123456789)


def terminal(width: int = 70, **options: bool) -> Console:
    return Console(record=True, file=io.StringIO(), width=width, highlight=False, **options)  # type: ignore[arg-type]


def printed(path: Path, found: Findings = FOUND) -> list[str]:
    console = terminal()
    print_path(console, found, path)
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_the_table_says_of_every_point_what_was_measured() -> None:
    lines = printed(DECAY)
    # learning rate 0.002 * decay * 10 steps
    assert ["0.01", "1.0000", "±", "0.3536", "0.0000", "2", "0.0002", "best", "1se"] in [line.split() for line in lines]
    assert ["0.1235", "1.5000", "±", "0.3536", "0.5000", "2", "0.00247", "study"] in [line.split() for line in lines]
    assert ["10", "failed"] in [line.split() for line in lines]
    assert "missing: weight_decay 10: failed: diverged: fold 2: [red]bad[/red]" in lines
    assert any(line.startswith("best: 0.01; 1se: 0.01") for line in lines)


@pytest.mark.parametrize("metric", ["loss", "average_precision", "f1"])
@pytest.mark.parametrize("name", ["weight_decay", "recurrent_dropout", "l1", "hidden_size", "learning_rate"])
def test_it_fits_70_columns_whatever_varies(metric, name) -> None:
    spec = make_spec(study={"metric": metric})
    values = (1000, 4096) if name == "hidden_size" else (0.0001234567, 0.0009876543)
    path = make(name, dict.fromkeys(values, GOOD), values[0], spec)
    lines = printed(path, make_findings(make_outcome([1.0], maximise=metric != "loss"), spec=spec))
    assert max(map(len, lines)) <= 70
    assert sum("±" in line and "1.0000 ± 0.3536" in line for line in lines) == len(values), "no row is broken"


def test_words_and_fixed_parameters_are_shown_too() -> None:
    lines = printed(make("normalization", {"layer": GOOD, "none": OTHER}, "none"))
    assert [line.split()[0] for line in lines if "±" in line and "SE" not in line] == ["none", "layer"]
    assert "note: the study fixes normalization; the path has its usual range" in lines


def test_the_last_line_for_programs_holds_the_choice() -> None:
    event = path_event(FOUND, "weight_decay", DECAY, 1.23456)
    assert json.loads(json.dumps(event, allow_nan=False)) == event
    assert {key: event[key] for key in ("event", "study", "parameter", "failed", "seconds")} == {
        "event": "path",
        "study": "small",
        "parameter": "weight_decay",
        "failed": 1,
        "seconds": 1.235,
    }
    assert event["values"] == [0.01, 0.123456789, 10.0]
    assert event["best"]["value"] == event["one_se"]["value"] == 0.01
    assert (event["best"]["mean"], event["best"]["train_loss"], event["best"]["epoch"]) == (1.0, 0.0, 2)
    assert event["best"]["se"] == pytest.approx(math.sqrt(0.125))
    assert (event["best"]["effect"], event["best"]["amount"]) == ("weight norm", 2.0)
    assert event["se"] == 0.0, "both points differ alike in both folds"


def test_a_path_without_a_complete_point_has_no_choice() -> None:
    for path in (None, make("weight_decay", {0.1: DIVERGED}, 0.1)):
        event = path_event(FOUND, "weight_decay", path, 0.0)
        assert (event["best"], event["one_se"], event["se"]) == (None, None, None)
        json.dumps(event, allow_nan=False)


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
