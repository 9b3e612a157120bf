"""What is shown while work goes on, on a recorded terminal."""

import io
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console

from tests.search.making import FACTS, make_outcome, make_spec
from tuner.results.regularisation_path import Point
from tuner.search.events import (
    Event,
    PointTrained,
    Progressed,
    Repeated,
    Resumed,
    StageAdvanced,
    StageBegan,
    Started,
    Ticked,
    Told,
)
from tuner.spec.sections import Spec
from tuner.spec.space import defaults
from tuner.terminal.display import Tally, duration, show_events, stage_work
from tuner.training.outcome import Outcome

SPEC = make_spec()
PARAMS = defaults(SPEC.space)
COMPLETE = make_outcome([3.0, 1.0, 2.0])
PRUNED = make_outcome([3.0, 2.5], "pruned")
FAILED = Outcome("failed", "Traceback\nValueError: no")
GOOD = make_outcome([2.0, 1.0])

WIDTHS = pytest.mark.parametrize("width", [60, 120])


def shown(events: Sequence[Event], width: int = 120, *, live: bool = False, parameter: str = "") -> str:
    """What these events leave, and with `live` all that was drawn."""
    console = Console(record=True, file=io.StringIO(), width=width, force_terminal=live, highlight=False)
    with show_events(console, SPEC, FACTS, parameter) as notify:
        for event in events:
            notify(event)
    return console.export_text()


def told(*outcomes: Outcome, first: int = 0) -> list[Event]:
    return [Told(number, PARAMS, outcome) for number, outcome in enumerate(outcomes, first)]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.2, "1 s"), (59, "59 s"), (59.5, "1 min"), (200, "4 min"), (3600, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_a_duration_is_said_as_a_person_says_it(seconds, words) -> None:
    assert duration(seconds) == words


# --- counting


def tally(spec: Spec, *events: Event) -> Tally:
    counted = Tally(spec, FACTS, "", "search", done=0, count=12, before=0.0, began=100.0)
    for event in events:
        counted = counted.after(event, 110.0)
    return counted


def test_states_are_counted_and_the_best_complete_trial_is_the_incumbent() -> None:
    outcomes = make_outcome([0.1], "pruned"), COMPLETE, FAILED, make_outcome([1.5]), COMPLETE
    counted = tally(SPEC, *told(*outcomes))
    assert (counted.done, counted.pruned, counted.failed) == (5, 1, 1)
    assert counted.incumbent == (1, COMPLETE), "the first on ties"
    rising = [make_outcome([value], maximise=True) for value in (0.2, 0.7, 0.5)]
    assert tally(make_spec(study={"metric": "f1"}), *told(*rising)).incumbent == (1, rising[1])


def test_the_time_left_is_told_by_the_pace_of_this_run_alone_from_the_first_epoch_on() -> None:
    work = sum(stage_work(SPEC).values())
    resumed = Resumed(dict.fromkeys(range(4), COMPLETE))
    assert tally(SPEC, resumed).left(110.0) == "estimating time"
    # two trials in ten seconds: all the rest takes five seconds a trial
    left = duration(5 * (work - 6))
    assert tally(SPEC, resumed, *told(COMPLETE, COMPLETE, first=4)).left(110.0) == f"about {left} left"
    # half of a fold of two, of six epochs, of which three are usual
    begun = tally(SPEC, resumed, Started(4, PARAMS), Progressed(4, 1, 1, None))
    assert begun.left(110.0) == f"about {duration(10 / (0.5 / 3) * (work - 4 - 0.5 / 3))} left"


@pytest.mark.parametrize("sections", [{}, {"search": {"repeats": 0}}, {"cv": {"holdout": 0.0}}])
def test_the_bar_grows_through_all_stages_and_is_never_full_while_work_goes_on(sections) -> None:
    spec = make_spec(**sections)
    events: list[Event] = [Resumed({})]
    for number in range(12):
        events += [Started(number, PARAMS), Progressed(number, 6, 2, None), *told(COMPLETE, first=number)]
    if "repeats" in stage_work(spec):
        events += [StageBegan("repeats", 4), Progressed(7, 6, 1, None), *(Repeated(7, n, COMPLETE) for n in range(4))]
    if "holdout" in stage_work(spec):
        events += [StageBegan("holdout", 8), *[StageAdvanced("holdout")] * 8]
    shares = [tally(spec, *events[: count + 1]).share() for count in range(len(events))]
    assert shares == sorted(shares)
    assert shares[0] == 0 and shares[-1] < 1
    assert shares[-2] < shares[-1] or shares[-2] == shares[-1] == 0.99
    assert tally(spec, *events).left(110.0) == "finishing", "never 0 s"


def test_stages_that_an_earlier_run_finished_took_no_time_of_this_one() -> None:
    resumed = Resumed(dict.fromkeys(range(12), COMPLETE))
    there: list[Event] = [resumed, StageBegan("repeats", 0), StageBegan("holdout", 8)]
    assert tally(SPEC, *there).left(110.0) == "estimating time"
    half = tally(SPEC, *there, *[StageAdvanced("holdout")] * 4)
    assert half.left(110.0) == "about 10 s left", "as long as the first four took"


def test_each_stage_has_its_step_and_count() -> None:
    counted = tally(SPEC, *told(*[COMPLETE] * 12)).after(StageBegan("repeats", 4), 110.0)
    counted = counted.after(Repeated(7, 1, COMPLETE), 120.0)
    assert counted.heading() == "step 2 of 3: retraining the best with new seeds"
    assert (counted.done, counted.count) == (1, 4)
    assert counted.after(StageBegan("holdout", 12), 130.0).heading() == "step 3 of 3: final test on held-out data"
    assert tally(make_spec(search={"repeats": 0})).heading() == "step 1 of 2: searching"
    bundle = counted.after(StageBegan("bundle", 3), 130.0)
    assert (bundle.heading(), bundle.share()) == ("training on all rows", 0)
    assert bundle.after(StageAdvanced("bundle"), 140.0).left(140.0) == "about 20 s left"


# --- lines


@WIDTHS
def test_each_finished_trial_is_one_line_however_narrow_the_terminal(width) -> None:
    events: list[Event] = [Resumed({0: PRUNED}), Started(1, PARAMS), Progressed(1, 1, 1, None), Ticked()]
    report, first, second, third = shown([*events, *told(PRUNED, COMPLETE, FAILED, first=1)], width).splitlines()
    assert report == "report: studies/small/report.html, written every minute while the study runs"
    assert first.startswith("trial 1: pruned after epoch 2, loss 2.5 (epoch 2 of 6); 2 of 12, no best yet, about ")
    assert second.startswith("trial 2: loss 1 (epoch 2 of 6); 3 of 12, best 1 (trial 2), about ")
    assert third.startswith("trial 3 failed: ValueError: no; 4 of 12, ")


def test_stages_are_announced_and_told_step_by_step() -> None:
    events: list[Event] = [
        StageBegan("repeats", 2),
        Repeated(7, 1, COMPLETE),
        Repeated(7, 2, FAILED),
        StageBegan("holdout", 2),
    ]
    assert shown([*events, StageAdvanced("holdout")]).splitlines() == [
        "step 2 of 3: retraining the best with new seeds, 2 to go",
        "trial 7 with new seed 1: loss 1 (epoch 2 of 6)",
        "trial 7 with new seed 2 failed: ValueError: no",
        "step 3 of 3: final test on held-out data, 2 to go",
        "1 of 2 networks trained",
    ]
    assert shown([StageBegan("repeats", 0)]) == "", "a study that has all of them"


def test_points_of_a_path_are_lines_and_those_of_earlier_calls_are_counted() -> None:
    failed = Point(10.0, Outcome("failed", "diverged: fold 2: [red]bad[/red]"))
    events: list[Event] = [
        StageBegan("path", 2, done=1),
        PointTrained(Point(0.01, GOOD), stored=True),
        PointTrained(Point(0.1, GOOD), stored=False),
        PointTrained(failed, stored=False),
    ]
    assert shown(events, parameter="weight_decay").splitlines() == [
        "training along the path, 2 to go (1 of 3 are there already)",
        "weight_decay 0.1: 1.0000 ± 0.3536",
        "weight_decay 10: failed: diverged: fold 2: [red]bad[/red]",
    ]


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("reason", ["ValueError: [/3] is no size", "KeyError: [red]"])
def test_brackets_in_a_reason_are_printed_as_they_are(live, reason) -> None:
    assert reason in shown(told(Outcome("failed", reason)), live=live)


# --- live


@WIDTHS
def test_the_live_display_shows_the_stage_the_counts_and_what_is_under_way(width) -> None:
    events: list[Event] = [
        Resumed({0: COMPLETE, 1: PRUNED, 2: FAILED}),
        Started(3, PARAMS),
        Started(4, PARAMS),
        Progressed(3, 5, 2, 0.75),
        Progressed(4, 1, 1, None),
        Progressed(9, 1, 1, None),
        Ticked(),
    ]
    text = shown(events, width, live=True)
    for part in ("step 1 of 3: searching, 3 of 12", "small", " % ", "about "):
        assert part in text
    assert "1 pruned, 1 failed; best so far 1 (trial 0)" in text
    assert "trial 3  epoch 5/6  fold 2/2  0.75" in text
    assert "trial 4  epoch 1/6  fold 1/2" in text
    assert "trial 9" not in text, "not begun, or already told"


def test_a_repeat_under_way_is_shown_and_a_long_name_fits(monkeypatch) -> None:
    name = "x" * 64
    monkeypatch.setattr(sys.modules[__name__], "SPEC", make_spec(study={"name": name}))
    events: list[Event] = [StageBegan("repeats", 4), Progressed(7, 2, 1, 0.5), Ticked()]
    lines = [line.rstrip() for line in shown(events, 80, live=True).splitlines()]
    assert name in lines
    assert "  trial 7  epoch 2/6  fold 1/2  0.5" in lines


def test_a_told_trial_leaves_a_line_and_is_no_longer_under_way() -> None:
    events: list[Event] = [
        Started(0, PARAMS),
        Progressed(0, 1, 1, 4.0),
        *told(FAILED),
        Progressed(0, 6, 2, 3.0),
        Ticked(),
    ]
    text = shown(events, live=True)
    assert "trial 0 failed: ValueError: no" in text
    assert "epoch 6/6" not in text
    assert "best so far" not in text


@WIDTHS
def test_the_live_display_counts_the_steps_of_a_stage(width) -> None:
    text = shown([StageBegan("repeats", 4), Repeated(7, 1, COMPLETE), Ticked()], width, live=True)
    assert "trial 7 with new seed 1: loss 1" in text
    assert "new seeds, 1 of 4" in text
    path = shown([StageBegan("path", 2, done=1), PointTrained(Point(0.1, GOOD), stored=False), Ticked()], live=True)
    assert "training along the path, 2 of 3" in path


# --- nothing, and JSON


def test_nothing_is_shown_on_a_quiet_console(capsys) -> None:
    with show_events(Console(quiet=True, force_terminal=True), SPEC, FACTS) as notify:
        for event in [*told(COMPLETE), StageBegan("repeats", 1), Ticked()]:
            notify(event)
    assert capsys.readouterr() == ("", "")


def objects(capsys: pytest.CaptureFixture[str], *events: Event, parameter: str = "") -> list[dict[str, Any]]:
    with show_events(Console(quiet=True), SPEC, FACTS, parameter, as_json=True) as notify:
        for event in events:
            notify(event)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("outcome", "state", "value", "epoch"),
    [
        (COMPLETE, "COMPLETE", 1.0, 2),
        (PRUNED, "PRUNED", 2.5, 2),
        (FAILED, "FAIL", None, None),
        (make_outcome([3.0, 4.0], "failed"), "FAIL", None, 1),
    ],
)
def test_json_is_one_object_per_told_trial(capsys, outcome, state, value, epoch) -> None:
    started = time.monotonic()
    (event,) = objects(capsys, Resumed({0: COMPLETE}), Started(1, PARAMS), Told(1, PARAMS, outcome), Ticked())
    assert 0 <= event.pop("seconds") <= time.monotonic() - started
    assert list(event.items()) == [
        ("event", "trial"),
        ("trial", 1),
        ("state", state),
        ("value", value),
        ("epoch", epoch),
        ("params", PARAMS),
        ("fold_epochs", outcome.fold_epochs),
    ]


def test_points_are_objects_those_of_earlier_calls_too(capsys) -> None:
    events: list[Event] = [
        PointTrained(Point(0.01, GOOD), stored=True),
        PointTrained(Point(10.0, Outcome("failed", "diverged")), stored=False),
    ]
    first, second = objects(capsys, *events, parameter="weight_decay")
    assert (first["event"], first["value"], first["stored"], first["mean"]) == ("point", 0.01, True, 1.0)
    assert (second["value"], second["stored"], second["mean"], second["reason"]) == (10.0, False, None, "diverged")
