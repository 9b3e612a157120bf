"""What a command shows in the end, on a recorded terminal, and the same for programs."""

import io
import json
import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from tests.report.test_tables import EMPTY, RUNNING, WHEN
from tests.search.making import FACTS, make_findings, make_outcome, make_spec
from tuner.evaluation.holdout import Holdout, Score
from tuner.report.holdout_tables import detection_table, holdout_table
from tuner.report.tables import Table, configuration_table, scores_table
from tuner.results.optimism import find_optimism
from tuner.results.regularisation_path import Path, Point, make_path
from tuner.results.selection import summarise
from tuner.results.verdict import conclude
from tuner.search.replay import Replay
from tuner.spec.sections import Spec
from tuner.spec.space import Value, defaults
from tuner.terminal.printing import (
    path_event,
    point_dict,
    print_path,
    print_replay,
    print_result,
    print_statuses,
    print_table,
    result_event,
)
from tuner.training.outcome import Outcome

WIDTHS = pytest.mark.parametrize("width", [70, 120])
MIXED = make_findings(
    make_outcome([4.0, 3.0]),
    make_outcome([5.0], "pruned"),
    make_outcome([2.0, 1.0, 1.5], spread=0.5),
    make_outcome([], "failed"),
)
NOTHING = make_findings(make_outcome([5.0], "pruned"))
GOOD, OTHER, DIVERGED = (
    make_outcome([2.0, 1.0]),
    make_outcome([2.0, 1.5]),
    Outcome("failed", "diverged: fold 2: [red]bad[/red]"),
)

BEST = Score("shipped", 1, 0.4, 0.05, (0.3, 0.5), 0.0, (0.0, 0.0), 0.4, 0.625, 0.75, 0.5, 0.6, 2)
LONG = replace(BEST, name="logistic regression", trial=None, value=10.5, difference_interval=(-0.5, 11.5))
HOLDOUT = Holdout("loss", (BEST, LONG), 3, 200, 1074, 20, 33, 4, 0.5, looks=2)
HELD = replace(make_findings(make_outcome([2.0]), make_outcome([0.375])), holdout=HOLDOUT)


def printed(show: Callable[[Console], None], width: int = 120) -> str:
    console = Console(record=True, file=io.StringIO(), width=width, highlight=False)
    show(console)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    return text


def words(text: str) -> str:
    """The text without its line breaks and columns."""
    return " ".join(text.split())


# --- tables


def test_a_table_has_its_title_its_rows_and_its_notes() -> None:
    table = Table("[b]T[/b]", ("name", "a long heading", ""), (("[red]", "1", "x"), ("b", "22", "")), ("A [note].",))
    assert [line.rstrip() for line in printed(lambda console: print_table(console, table)).splitlines()] == [
        "[b]T[/b]",
        "        a long",
        "name   heading",
        "[red]        1  x",
        "b           22",
        "A [note].",
    ]


def test_figures_are_not_broken_on_a_narrow_terminal() -> None:
    wide = make_spec(study={"metric": "average_precision"})
    findings = make_findings(make_outcome([0.5], maximise=True), make_outcome([0.25], maximise=True), spec=wide)
    for table in (
        scores_table(findings),
        configuration_table(findings),
        holdout_table(HOLDOUT),
        detection_table(HOLDOUT),
    ):
        text = printed(lambda console, table=table: print_table(console, table), 70)  # type: ignore[misc]
        for row in table.rows:
            assert all(cell in text for cell in row if "," not in cell), row


# --- a study


@WIDTHS
def test_people_are_told_the_configuration_how_good_it_is_and_what_it_took(width) -> None:
    said = words(printed(lambda console: print_result(console, MIXED), width))
    for part in (
        "small: best configuration, trial 2",
        "weight_decay 0.01 0.01 0.001 to 10, log",
        "best 2 1.0000",
        "persistence 0.5000",
        "Trials: 2 complete, 1 pruned, 1 failed.",
    ):
        assert part in said


@WIDTHS
def test_people_are_told_of_the_holdout_and_what_it_means(width) -> None:
    said = words(printed(lambda console: print_result(console, HELD), width))
    assert "Held-out data: loss, lower is better" in said
    assert "1,074 windows in 20 blocks" in said
    assert "logistic regression 10.5000 0.3000 to 0.5000 -0.5000 to +11.5000" in said
    assert "detection of 33 anomalous rows in 4 events" in said
    assert said.startswith(" ".join(conclude(HELD))), "the verdict comes first"
    plain = replace(HELD, holdout=replace(HOLDOUT, anomalous=0, events=0))
    assert "detection" not in printed(lambda console: print_result(console, plain), width)


def test_with_nothing_complete_that_is_all_that_is_said() -> None:
    assert words(printed(lambda console: print_result(console, NOTHING))) == " ".join(conclude(NOTHING))


def test_what_the_best_trial_warns_of_is_said_last() -> None:
    late = make_findings(make_outcome([6.0, 5.0, 4.0, 3.0, 2.0, 1.0]))
    warning = "warning: The best trial still improved at its last epoch"
    assert warning in printed(lambda console: print_result(console, late)).splitlines()[-1]
    assert warning not in printed(lambda console: print_result(console, MIXED))


def test_what_may_make_the_result_worthless_is_said_right_after_the_verdict() -> None:
    leaking = replace(HELD, facts=replace(HELD.facts, warnings=("`x` alone tells the label.",)))
    text = words(printed(lambda console: print_result(console, leaking)))
    assert text.removeprefix(" ".join(conclude(leaking))).startswith(" warning: `x` alone tells the label. small: best")
    assert result_event(leaking, 0.0, interrupted=False)["warnings"] == ["`x` alone tells the label."]


def test_programs_are_told_the_same() -> None:
    event = result_event(MIXED, 12.34567, interrupted=False)
    # log ratios to the best 1.70 and 0.77: variance 0.43, times 1/2 + 1/2; in units of a loss of 1
    chosen = {
        "trial": 2,
        "value": 1.0,
        "repeat_mean": None,
        "se": pytest.approx(math.log(2.75 / 0.5 / 3.25 * 1.5) / math.sqrt(2)),
        "params": MIXED.trials[2].params,
        "epoch": 2,
    }
    assert json.loads(json.dumps(event, allow_nan=False)) == event
    assert event == {
        "event": "result",
        "study": "small",
        "trials": 4,
        "complete": 2,
        "pruned": 1,
        "failed": 1,
        "best": chosen,
        "one_se": chosen,
        "holdout": {},
        "optimism": None,
        "looks": 0,
        "verdict": list(conclude(MIXED)),
        "interrupted": False,
        "warnings": [],
        "seconds": 12.346,
        "fold_epochs": 12,
    }


def test_programs_are_told_of_the_holdout_by_model() -> None:
    event = result_event(HELD, 1.0, interrupted=False)
    json.dumps(event, allow_nan=False)
    assert list(event["holdout"]) == ["shipped", "logistic regression"]
    best = event["holdout"]["shipped"]
    keys = "metric trial value se interval difference difference_interval loss average_precision precision recall f1"
    assert list(best) == [*keys.split(), "caught", "events", "base_rate"]
    assert (best["metric"], best["value"], best["interval"], best["events"]) == ("loss", 0.4, (0.3, 0.5), 4)
    optimism = find_optimism(HELD)
    assert optimism is not None and event["optimism"] == optimism.value
    assert (event["looks"], event["verdict"]) == (2, list(conclude(HELD)))


def test_what_is_not_known_is_null() -> None:
    assert result_event(NOTHING, 0.0, interrupted=False)["best"] is None
    outcome = make_outcome([1.0])
    folds = (replace(outcome.folds[0], metric=(math.nan,)), outcome.folds[1])
    event = result_event(make_findings(replace(outcome, folds=folds)), 1.0, interrupted=False)
    assert event["best"]["se"] is None


def test_the_mean_of_all_runs_is_told_beside_the_first_one() -> None:
    spec = make_spec(search={"finalists": 1, "repeats": 2})
    findings = make_findings(make_outcome([1.0]), make_outcome([2.0]), spec=spec)
    again = (make_outcome([2.0]), make_outcome([3.0])), (make_outcome([4.0]), make_outcome([4.0]))
    trials = tuple(replace(trial, repeats=runs) for trial, runs in zip(findings.trials, again, strict=True))
    findings = replace(findings, trials=trials, summary=summarise(spec, FACTS.test_to_train, trials))
    best = result_event(findings, 1.0, interrupted=False)["best"]
    assert (best["value"], best["repeat_mean"]) == (1.0, 2.0)


# --- a path


def make(name: str, points: dict[Value, Outcome], own: Value, spec: Spec | None = None) -> Path:
    spec = spec or make_spec()
    params = defaults(spec.space) | {name: own}
    return make_path(
        spec, FACTS.test_to_train, name, params, [Point(value, outcome) for value, outcome in points.items()]
    )


DECAY = make("weight_decay", {0.01: GOOD, 0.123456789: OTHER, 10.0: DIVERGED}, 0.123456789)


def test_a_failed_point_of_a_path_is_a_warning() -> None:
    lines = printed(lambda console: print_path(console, MIXED, DECAY)).splitlines()
    assert "warning: weight_decay 10 failed: diverged: fold 2: [red]bad[/red]" in lines


@pytest.mark.parametrize("metric", ["loss", "average_precision", "f1"])
@pytest.mark.parametrize("name", ["weight_decay", "recurrent_dropout", "l1", "hidden_size", "learning_rate"])
def test_a_path_fits_70_columns_whatever_varies(metric, name) -> None:
    spec = make_spec(study={"metric": metric})
    values: tuple[Value, ...] = (1000, 4096) if name == "hidden_size" else (0.0001234567, 0.0009876543)
    path = make(name, dict.fromkeys(values, GOOD), values[0], spec)
    found = make_findings(make_outcome([1.0], maximise=metric != "loss"), spec=spec)
    text = printed(lambda console: print_path(console, found, path), 70)
    assert text.count("1.0000 ± 0.3536") == len(values), "no row is broken"


def test_the_last_line_for_programs_holds_the_choice() -> None:
    event = path_event(MIXED, DECAY, 1.23456)
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
    assert event["se"] == pytest.approx(0.1233, abs=1e-4), "of log ratios, in units of the best's loss"


def test_a_path_without_a_complete_point_has_no_choice() -> None:
    nothing, failed_alone = dict[Value, Outcome](), dict[Value, Outcome]({0.1: DIVERGED})
    for path in (make("weight_decay", points, 0.1) for points in (nothing, failed_alone)):
        event = path_event(MIXED, path, 0.0)
        assert (event["best"], event["one_se"], event["se"]) == (None, None, None)
        json.dumps(event, allow_nan=False)
    failed = point_dict("weight_decay", FACTS, Point(0.1, DIVERGED))
    assert (failed["mean"], failed["epoch"], failed["amount"]) == (None, None, None)
    assert failed["reason"].startswith("diverged")


# --- what else there is


def test_the_studies_of_a_store_fit_seventy_columns() -> None:
    long = replace(EMPTY, study=64 * "x")
    text = printed(lambda console: print_statuses(console, [RUNNING, long]), 70)
    assert text.splitlines()[-1] == "pump is being run by process 12 on here since 2026-11-22 13:59:01"
    for part in (
        "13 of 50",
        "10 complete",
        "0.4123, trial 3",
        "running",
        "0 of 9",
        f"{WHEN.astimezone():%Y-%m-%d %H:%M}",
    ):
        assert part in text
    assert printed(lambda console: print_statuses(console, [])).startswith("No studies yet. Start with: ")


def test_a_replay_says_how_far_off_it_is_and_what_may_be_why() -> None:
    same = Replay(3, identical=True, distance=0.0, epochs=(6, 6), changed=())
    assert printed(lambda console: print_replay(console, same)) == "trial 3: bit-identical over 6 epochs\n"
    other = Replay(3, identical=False, distance=0.0123, epochs=(6, 5), changed=("torch 2 then, 3 now",))
    assert printed(lambda console: print_replay(console, other)).splitlines() == [
        "trial 3 differs: its validation curve by at most 0.012, and it ran 5 epochs instead of 6",
        "changed since: torch 2 then, 3 now",
    ]
