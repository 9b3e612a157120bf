"""What a run says while it goes on, on a recorded terminal."""

import io
import json
import time
from typing import Any

import pytest
from rich.console import Console

from tests.search.making import make_outcome, make_spec
from tuner.search.events import Progressed
from tuner.spec.space import defaults
from tuner.terminal.progress import JsonLines, LiveDisplay, PlainLines, Silent, Tally, describe, duration
from tuner.training.outcome import Outcome

SPEC = make_spec()
RISING = make_spec(study={"metric": "f1"})
PARAMS = defaults(SPEC.space)
COMPLETE = make_outcome([3.0, 1.0, 2.0])
PRUNED = make_outcome([3.0, 2.5], "pruned")
FAILED = Outcome.failed("Traceback\nValueError: no")

WIDTHS = pytest.mark.parametrize("width", [60, 120])


def recorder(width: int, *, terminal: bool = False) -> Console:
    return Console(record=True, file=io.StringIO(), width=width, force_terminal=terminal, highlight=False)


# --- words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.2, "1 s"),
        (59, "59 s"),
        (59.5, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3600, "1 h 0 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_a_duration_is_said_as_a_person_says_it(seconds, words) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (COMPLETE, "trial 7 complete, epoch 3: 1.0000 at epoch 2"),
        (PRUNED, "trial 7 pruned at epoch 2: 2.5000 at epoch 2"),
        (FAILED, "trial 7 failed: ValueError: no"),
        (make_outcome([3.0], "failed", reason="diverged: fold 1"), "trial 7 failed: diverged: fold 1"),
    ],
)
def test_a_told_trial_is_described_in_a_few_words(outcome, words) -> None:
    assert describe(7, outcome) == words


# --- counting


def test_states_are_counted_and_the_best_complete_trial_is_the_incumbent() -> None:
    tally = Tally(SPEC)
    for number, outcome in enumerate([make_outcome([0.1], "pruned"), COMPLETE, FAILED, make_outcome([1.5]), COMPLETE]):
        tally.add(number, outcome)
    assert (tally.done, tally.pruned, tally.failed) == (5, 1, 1)
    assert tally.incumbent == (1, 1.0), "the first of equals"


def test_where_more_is_better_the_incumbent_is_the_greatest() -> None:
    tally = Tally(RISING)
    for number, value in enumerate((0.2, 0.7, 0.5)):
        tally.add(number, make_outcome([value], maximise=True))
    assert tally.incumbent == (1, 0.7)


def test_the_time_to_go_is_told_by_the_pace_of_this_run_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    tally = Tally(SPEC)  # 12 trials
    tally.resume({0: COMPLETE, 1: COMPLETE, 2: COMPLETE, 3: COMPLETE})
    assert tally.eta() == "?"
    now = 110.0
    tally.add(4, COMPLETE)
    tally.add(5, COMPLETE)
    assert tally.eta() == "30 s", "5 s a trial, 6 left"


# --- the four ways


def test_nothing_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    silent = Silent()
    silent.resumed({})
    silent.began(0, PARAMS)
    silent.progressed(Progressed(0, 1, 1, None))
    silent.told(0, PARAMS, COMPLETE)
    silent.ticked()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("outcome", "state", "value", "epoch"),
    [
        (COMPLETE, "COMPLETE", 1.0, 2),
        (PRUNED, "PRUNED", 2.5, 2),
        (FAILED, "FAIL", None, None),
        (make_outcome([3.0, 4.0], "failed"), "FAIL", None, 1),
    ],
)
def test_json_is_one_object_a_told_trial(capsys, outcome, state, value, epoch) -> None:
    lines = JsonLines()
    lines.resumed({0: COMPLETE})
    lines.began(1, PARAMS)
    lines.told(1, PARAMS, outcome)
    lines.ticked()
    (line,) = capsys.readouterr().out.splitlines()
    event: dict[str, Any] = json.loads(line)
    assert 0 <= event.pop("seconds") < 5
    assert event == {
        "event": "trial",
        "trial": 1,
        "state": state,
        "value": value,
        "epoch": epoch,
        "params": PARAMS,
        "fold_epochs": outcome.fold_epochs,
    }


@WIDTHS
def test_plain_lines_are_one_line_a_told_trial_however_narrow_the_terminal(width) -> None:
    console = recorder(width)
    plain = PlainLines(SPEC, console)
    plain.resumed({0: PRUNED})
    plain.began(1, PARAMS)
    plain.progressed(Progressed(1, 1, 1, None))
    plain.told(1, PARAMS, PRUNED)
    plain.ticked()
    plain.told(2, PARAMS, COMPLETE)
    first, second = console.export_text().splitlines()
    assert first.startswith("2/12 trial 1 pruned at epoch 2: 2.5000 at epoch 2; no best yet; ")
    assert second.startswith("3/12 trial 2 complete, epoch 3: 1.0000 at epoch 2; best 1.0000 (trial 2); ")
    assert second.endswith(" to go")


@WIDTHS
def test_the_live_display_shows_the_bar_the_counts_and_what_is_under_way(width) -> None:
    console = recorder(width, terminal=True)
    with LiveDisplay(SPEC, console) as display:
        display.resumed({0: COMPLETE, 1: PRUNED, 2: FAILED})
        display.began(3, PARAMS)
        display.began(4, PARAMS)
        display.progressed(Progressed(3, 5, 2, 0.75))
        display.progressed(Progressed(4, 1, 1, None))
        display.progressed(Progressed(9, 1, 1, None))
        display.ticked()
    text = console.export_text()
    assert "small" in text
    assert "3/12" in text
    assert "1 pruned, 1 failed; best so far 1.0000, trial 0" in text
    assert "trial 3  epoch 5/6  fold 2/2  0.7500" in text
    assert "trial 4  epoch 1/6  fold 1/2" in text
    assert "trial 9" not in text, "not begun, or already told"


@WIDTHS
def test_the_live_display_leaves_a_line_a_told_trial_and_forgets_that_it_was_under_way(width) -> None:
    console = recorder(width, terminal=True)
    with LiveDisplay(SPEC, console) as display:
        display.began(0, PARAMS)
        display.progressed(Progressed(0, 1, 1, 4.0))
        display.told(0, PARAMS, FAILED)
        display.progressed(Progressed(0, 6, 2, 3.0))
        display.ticked()
    text = console.export_text()
    assert "trial 0 failed: ValueError: no" in text
    assert "epoch 6/6" not in text
    assert "best so far" not in text


def test_repeats_are_announced_and_told_one_by_one() -> None:
    console = recorder(60)
    plain = PlainLines(SPEC, console)
    plain.repeating(2)
    plain.repeated(7, 1, COMPLETE)
    plain.repeated(7, 2, FAILED)
    assert console.export_text().splitlines() == [
        "training the best trials again: 2 repeats to go",
        "repeat 1 of trial 7: 1.0000",
        "repeat 2 of trial 7: failed",
    ]
    plain.repeating(0)
    assert console.export_text() == "", "a study that has all of them"


@WIDTHS
def test_the_live_display_counts_the_repeats_to_go(width) -> None:
    console = recorder(width, terminal=True)
    with LiveDisplay(SPEC, console) as display:
        display.repeating(4)
        display.repeated(7, 1, COMPLETE)
        display.ticked()
    text = " ".join(console.export_text().split())
    assert "repeat 1 of trial 7: 1.0000" in text
    assert "training the best again, 3 repeats to go" in text


def test_refits_are_announced() -> None:
    console = recorder(80)
    plain = PlainLines(SPEC, console)
    plain.refitting(12)
    plain.refitted()
    plain.refitting(0)
    said = ["refitting those chosen, to be scored on the holdout: 12 refits to go"]
    assert console.export_text().splitlines() == said


@WIDTHS
def test_the_live_display_counts_the_refits_to_go(width) -> None:
    console = recorder(width, terminal=True)
    with LiveDisplay(SPEC, console) as display:
        display.refitting(12)
        display.refitted()
        display.ticked()
    assert "scoring those chosen on the holdout, 11 refits to go" in " ".join(console.export_text().split())


@pytest.mark.parametrize("display", [PlainLines, LiveDisplay])
@pytest.mark.parametrize("reason", ["ValueError: [/3] is no size", "KeyError: [red]"])
def test_brackets_in_a_reason_are_printed_as_they_are(display, reason) -> None:
    console = recorder(120)
    display(SPEC, console).told(0, PARAMS, Outcome.failed(reason))
    assert reason in console.export_text()
