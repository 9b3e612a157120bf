"""`run` as a real process on a small file: what it prints, what it leaves, and how it ends."""

import base64
import html
import json
import re
import shlex
import signal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from tests.processes import Done, forked, run, start, wait_until
from tests.studies import SEARCH_ALONE, SMALL, dump, write_small
from tuner.spec.space import PARAMETERS
from tuner.storage.store import Store
from tuner.training.outcome import Outcome

SMALL_RUN = ("--study", "small.toml", "--workers", 2)
TRIALS = 24

TRIAL_KEYS = ["event", "trial", "state", "value", "epoch", "params", "fold_epochs", "seconds"]
RESULT_KEYS = [
    "event",
    "study",
    "trials",
    "complete",
    "pruned",
    "failed",
    "best",
    "one_se",
    "holdout",
    "optimism",
    "looks",
    "verdict",
    "interrupted",
    "warnings",
    "seconds",
    "fold_epochs",
]
BEST_KEYS = ["trial", "value", "repeat_mean", "se", "params", "epoch"]


def trials_of(folder: Path, name: str = "small") -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{folder}/studies/studies.db").trials


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")} - {"stdout", "stderr"}


# --- JSON


def test_a_run_ends_with_0_and_says_nothing_else(fresh_run) -> None:
    assert fresh_run.done.status == 0
    assert fresh_run.done.err == ""


def test_each_trial_is_a_line_in_the_order_of_numbers(fresh_run) -> None:
    *trials, _ = fresh_run.done.events
    assert [trial["trial"] for trial in trials] == list(range(TRIALS))
    assert all(list(trial) == TRIAL_KEYS and trial["event"] == "trial" for trial in trials)
    assert {trial["state"] for trial in trials} <= {"COMPLETE", "PRUNED", "FAIL"}
    assert all(list(trial["params"]) == list(PARAMETERS) for trial in trials), "constants too"
    seconds = [trial["seconds"] for trial in trials]
    assert seconds == sorted(seconds)


def repeats_of(folder: Path) -> dict[tuple[int, int], Outcome]:
    """The repeats in the store, by trial and repeat."""
    with Store(f"sqlite:///{folder}/studies/studies.db", create=False) as store:
        return store.open("small").repeats()


def test_the_lines_say_what_the_store_holds(fresh_run) -> None:
    folder, done = fresh_run.folder, fresh_run.done
    *trials, _ = done.events
    for line, trial in zip(trials, trials_of(folder), strict=True):
        assert (line["state"], line["value"]) == (trial.state.name, trial.value)
        assert trial.params.items() <= line["params"].items()
        assert line["fold_epochs"] == 2 * len(trial.intermediate_values)
        assert trial.intermediate_values[line["epoch"]] == line["value"]


def test_the_result_comes_last_with_every_key(fresh_run) -> None:
    *trials, result = fresh_run.done.events
    assert list(result) == RESULT_KEYS
    assert (result["event"], result["study"], result["trials"]) == ("result", "small", TRIALS)
    states = [trial["state"] for trial in trials]
    assert [result[key] for key in ("complete", "pruned", "failed")] == [
        states.count(state) for state in ("COMPLETE", "PRUNED", "FAIL")
    ]
    repeats = repeats_of(fresh_run.folder).values()
    again = {number for number, _ in repeats_of(fresh_run.folder)}
    assert again >= {0, 1, result["best"]["trial"], result["one_se"]["trial"]}, "what is compared is trained again"
    assert len(again) <= 5 and len(repeats) == 2 * len(again), "two finalists, two references and a 1se, twice"
    epochs = [*(trial["fold_epochs"] for trial in trials), *(outcome.fold_epochs for outcome in repeats)]
    assert result["fold_epochs"] == sum(epochs)
    holdout = result["holdout"]
    assert set(holdout) - {"1se"} == {"shipped", "best", "default", "unregularised", "seasonal naive"}
    assert all(model["metric"] == "loss" and model["interval"][0] < model["value"] for model in holdout.values())
    assert holdout["best"]["trial"] == result["best"]["trial"]
    assert result["looks"] == len({model["trial"] for name, model in holdout.items() if name in ("best", "1se")})
    assert len(result["verdict"]) == 3
    assert result["seconds"] > trials[-1]["seconds"]


def test_the_best_of_the_result_is_the_one_of_least_cost_over_its_runs(fresh_run) -> None:
    *trials, result = fresh_run.done.events
    with Store(f"sqlite:///{fresh_run.folder}/studies/studies.db", create=False) as store:
        study = store.open("small")
        outcomes, metric, repeats = study.outcomes(), study.spec.metric, study.repeats()
    runs = {number: [outcomes[number], repeats[number, 1], repeats[number, 2]] for number, _ in repeats}
    best = min(runs, key=lambda number: sum(outcome.cost(metric) for outcome in runs[number]))
    mean = sum(outcome.value or 0.0 for outcome in runs[best]) / 3
    for key in ("best", "one_se"):
        assert list(result[key]) == BEST_KEYS
        told = trials[result[key]["trial"]]
        assert {name: result[key][name] for name in ("value", "params", "epoch")} == {
            name: told[name] for name in ("value", "params", "epoch")
        }
    assert result["best"]["trial"] == best
    assert result["best"]["repeat_mean"] == pytest.approx(mean)
    assert result["best"]["se"] > 0
    most = sum(outcome.cost(metric) for outcome in runs[result["one_se"]["trial"]]) / 3
    least = sum(outcome.cost(metric) for outcome in runs[best]) / 3
    assert most <= least + result["best"]["se"] / mean, "the error told is that of the cost, in units of the loss"


# --- what it leaves


def test_a_run_leaves_its_store_and_report_and_nothing_else(fresh_run) -> None:
    assert fresh_run.left - {"stdout", "stderr"} == {
        "data.csv",
        "small.toml",
        "studies",
        "studies/studies.db",
        "studies/studies.db.small.lock",
        "studies/small",
        "studies/small/report.html",
        "studies/small/study.toml",
    }


def figure(folder: Path, key: str) -> list[dict[str, Any]]:
    """The traces of a figure of the report."""
    text = (folder / "studies/small/report.html").read_text()
    script = re.search(rf'<section id="{key}">.*?<script type="application/json">', text, re.DOTALL)
    assert script
    traces: list[dict[str, Any]] = json.JSONDecoder().raw_decode(text, script.end())[0]["data"]
    return traces


def plain(values: Any) -> list[float]:
    """The numbers of an axis, which plotly may write as the bytes of an array."""
    if isinstance(values, dict):
        values = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return list(values)


def test_the_history_shows_every_trial_with_its_value_and_the_choice(fresh_run) -> None:
    folder, done = fresh_run.folder, fresh_run.done
    *trials, result = done.events
    points = {
        trace["name"].split()[0].rstrip(":,"): set(zip(plain(trace["x"]), plain(trace["y"]), strict=True))
        for trace in figure(folder, "history")
        if trace["mode"] == "markers"
    }
    assert points["complete"] | points.get("pruned", set()) == {(trial["trial"], trial["value"]) for trial in trials}
    assert points["chosen"] == {(result["best"]["trial"], result["best"]["repeat_mean"])}
    assert len(points["the"]) == len(repeats_of(fresh_run.folder))
    assert {trial for trial, _ in points["the"]} <= {trial["trial"] for trial in trials}


def test_the_curves_show_every_trial(fresh_run) -> None:
    folder, done = fresh_run.folder, fresh_run.done
    traces = figure(folder, "curves")
    many = [trace for trace in traces if trace.get("name", "").startswith(("complete", "pruned"))]
    best = done.events[-1]["best"]["trial"]
    curves = [list(trial.intermediate_values.values()) for trial in trials_of(folder) if trial.number != best]
    drawn = [part for trace in many for part in split(trace["y"])]
    assert sorted(drawn) == sorted(curves)
    assert any(f"best, trial {best}" in trace.get("name", "") for trace in traces)


def split(values: list[float | None]) -> list[list[float]]:
    """The stretches between nulls."""
    parts: list[list[float]] = [[]]
    for value in values:
        parts[-1].append(value) if value is not None else parts.append([])
    return [part for part in parts if part]


def test_the_report_names_the_choice_and_the_versions_and_refers_to_nothing_outside(fresh_run) -> None:
    text = (fresh_run.folder / "studies/small/report.html").read_text()
    best = fresh_run.done.events[-1]["best"]
    assert f"best configuration, trial {best['trial']}" in text
    assert f"torch {version('torch')}" in text
    assert not re.search(
        r"<(script|link|img)[^>]+(src|href)=", re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    )


# --- for people


def test_people_get_a_line_a_trial_the_best_configuration_and_the_next_command(folder) -> None:
    done = run(folder, "run", *SMALL_RUN, "--trials", 3)
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("warning: 3 trials are few")
    announced = lines.index("report: studies/small/report.html, written every minute while the study runs")
    assert announced < min(number for number, line in enumerate(lines) if line.startswith("trial 0"))
    told = [line for line in lines if " of 3, best " in line]
    assert [line.split(":")[0] for line in told] == ["trial 0", "trial 1", "trial 2"]
    assert "small: best configuration, trial" in done.out
    assert all(name in done.out for name in PARAMETERS)
    assert "report: studies/small/report.html" in done.out
    assert sum(line.startswith("  python -m tuner.") for line in lines) == 1


def pasted(folder: Path, command: str) -> Done:
    """What a command that was printed does in a shell in the same folder."""
    python, option, module, *arguments = shlex.split(command)
    assert (python, option) == ("python", "-m")
    return run(folder, module.removeprefix("tuner."), *arguments)


def test_printed_commands_reproduce_the_study_with_what_it_was_asked_for(tmp_path) -> None:
    asked = ("--trials", 8, "--set", "train.max_epochs=4", "--set", "study.seed=3", "--storage", "sqlite:///a b.db")
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    for folder in (stopped, whole):
        folder.mkdir()
        write_small(folder)
    assert run(whole, "run", *SMALL_RUN, *asked).status == 0
    wanted = dump(whole, storage=f"sqlite:///{whole}/a b.db")
    said = run(stopped, "run", *SMALL_RUN, *asked, "--timeout", "0", "--json").events[-1]["verdict"]
    (stopped / "small.toml").unlink()
    # on with it, then anew
    assert pasted(stopped, said[2].partition(": ")[2]).status == 0
    data = [line.replace(str(stopped), str(whole)) for line in dump(stopped, storage=f"sqlite:///{stopped}/a b.db")]
    assert data == wanted
    report = html.unescape((stopped / "studies/small/report.html").read_text())
    (again,) = [line for line in report.splitlines() if line.endswith("again.db")]
    assert pasted(stopped, again).status == 0
    assert dump(stopped, storage=f"sqlite:///{stopped}/studies/small/again.db") == dump(
        stopped, storage=f"sqlite:///{stopped}/a b.db"
    )


def test_quiet_says_nothing(folder) -> None:
    done = run(folder, "run", *SMALL_RUN, *SEARCH_ALONE, "--trials", 2, "--quiet")
    assert (done.status, done.out, done.err) == (0, "", "")
    assert len(trials_of(folder)) == 2


def test_more_workers_than_the_lag_are_remarked_on(folder) -> None:
    done = run(folder, "run", *SMALL_RUN[:-1], 3, *SEARCH_ALONE, "--trials", 1, "--set", "search.lag=2")
    assert "only 2 of 3 workers can be busy" in done.out


# --- --check


def test_check_says_what_would_be_done_and_writes_nothing(folder) -> None:
    before = files(folder)
    done = run(folder, "run", *SMALL_RUN, "--check")
    assert (done.status, done.err) == (0, "")
    assert "400 rows in 1 series, 394 windows of 6 rows" in done.out
    assert "24 trials of at most 6 epochs (patience 3), repeats and final test take about" in done.out
    assert "warning" not in done.out
    assert files(folder) == before
    assert (
        "warning: Early stopping cannot act"
        in run(folder, "run", *SMALL_RUN, "--check", "--set", "train.patience=6").out
    )


def test_check_as_json_is_one_object(folder) -> None:
    before = files(folder)
    (event,) = run(folder, "run", *SMALL_RUN, "--check", "--json").events
    assert (event["event"], event["study"], event["rows"], event["windows"]) == ("check", "small", 400, 394)
    assert [fold["events"] for fold in event["folds"]] == [0, 0]
    assert event["seconds"] > 0
    assert files(folder) == before


# --- going on


def test_more_trials_go_on_where_the_study_stood(folder) -> None:
    study = (*SMALL_RUN, *SEARCH_ALONE, "--json", "--trials")
    first = run(folder, "run", *study, 3).events
    more = run(folder, "run", *study, 5).events
    assert [event.get("trial") for event in more] == [3, 4, None]
    assert (first[-1]["trials"], more[-1]["trials"]) == (3, 5)
    assert more[-1]["fold_epochs"] == first[-1]["fold_epochs"] + sum(event["fold_epochs"] for event in more[:-1])


def test_a_finished_study_is_reported_again_without_training(folder) -> None:
    study = (*SMALL_RUN, "--json", "--trials")
    first = run(folder, "run", *study, 3).events
    (result,) = run(folder, "run", *study, 3).events
    assert result["best"] == first[-1]["best"]
    (result,) = run(folder, "run", *study, 2).events
    assert result["trials"] == 3, "the total that the study shall have: none is taken back"


@pytest.mark.parametrize("seconds", ["0", "1.5"])
def test_a_timeout_is_a_success_with_the_result_last_and_the_study_goes_on(folder, seconds) -> None:
    endless = ("--set", "train.max_epochs=3000", "--set", "train.patience=3000")
    done = run(folder, "run", *SMALL_RUN, *endless, "--timeout", seconds, "--json")
    assert (done.status, done.err) == (0, "")
    result = done.events[-1]
    assert (list(result), result["trials"], result["best"]) == (RESULT_KEYS, 0, None)
    assert [trial.state.name for trial in trials_of(folder)] == ["RUNNING"] * 2
    assert forked() == set()


def test_with_nothing_complete_people_are_told_so(folder) -> None:
    done = run(folder, "run", *SMALL_RUN, "--timeout", "0")
    assert (done.status, done.err) == (0, "")
    assert "Inconclusive. No trial has completed yet." in done.out


# --- interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_soon_with_130_and_the_result(folder, number) -> None:
    command = start(folder, "run", *SMALL_RUN, "--json", "--trials", 1000)
    command.until_told(2)
    command.signal(number)
    done = command.wait(5)
    assert (done.status, done.err) == (130, "")
    *trials, result = done.events
    assert list(result) == RESULT_KEYS
    assert result["trials"] == len(trials) >= 2
    states = [trial.state.name for trial in trials_of(folder)]
    assert states[: len(trials)] == [trial["state"] for trial in trials]
    assert set(states[len(trials) :]) <= {"RUNNING"}
    assert 1 <= states.count("RUNNING") <= 4, "at most the lag"
    assert forked() == set()


def test_people_are_told_that_an_interrupted_run_goes_on_and_it_does(folder) -> None:
    study = (*SMALL_RUN, *SEARCH_ALONE, "--trials", 6)
    command = start(folder, "run", *study)
    wait_until(lambda: "1 of 6, " in command.out)
    command.signal(signal.SIGINT)
    done = command.wait(5)
    assert done.status == 130
    last = done.out.splitlines()[-1]
    assert re.fullmatch(r"Stopped after \d of 6 trials; they are saved. Run the same command to continue.", last)
    assert run(folder, "run", *study).status == 0
    assert {trial.state.name for trial in trials_of(folder)} <= {"COMPLETE", "PRUNED"}


# --- what the user can mend


def test_while_a_study_runs_a_second_run_is_refused_and_the_first_named(folder) -> None:
    command = start(folder, "run", *SMALL_RUN, "--json", "--trials", 1000)
    command.until_told(1)
    second = folder / "second"
    second.mkdir()
    store = f"sqlite:///{folder}/studies/studies.db"
    message = run(second, "run", "--study", "../small.toml", "--storage", store).refusal
    assert f"the study small is being run by process {command.pid} on" in message
    command.kill()


def test_two_studies_run_at_once_in_one_store(folder) -> None:
    other = folder / "other"
    other.mkdir()
    write_small(other, "other")
    store, search = f"sqlite:///{folder}/studies/studies.db", (*SEARCH_ALONE, "--trials", 6)
    run(folder, "run", *SMALL_RUN, *search, "--timeout", 0)  # makes the store
    one = start(folder, "run", *SMALL_RUN, *search)
    two = start(other, "run", "--study", "other.toml", "--storage", store, *search)
    assert (one.wait().status, two.wait().status) == (0, 0)
    assert [len(trials_of(folder, name)) for name in ("small", "other")] == [6, 6]


# --- names and places


def test_a_name_means_a_study_file_in_the_studies_folder(tmp_path) -> None:
    (tmp_path / "studies").mkdir()
    write_small(tmp_path / "studies", "named")
    assert run(tmp_path, "run", "--study", "named", *SEARCH_ALONE, "--trials", 1, "--workers", 1).status == 0
    assert len(trials_of(tmp_path, "named")) == 1


def test_a_study_goes_by_its_name_not_by_its_file_s(folder) -> None:
    (folder / "small.toml").write_text(SMALL.replace("[study]", '[study]\nname = "called"'))
    assert run(folder, "run", *SMALL_RUN, *SEARCH_ALONE, "--trials", 1).status == 0
    assert len(trials_of(folder, "called")) == 1
    assert (folder / "studies/called/report.html").exists()
