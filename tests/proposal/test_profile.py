"""The look at a data set finds what was put into it, and each proposal follows from a finding."""

import tomllib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.making import ROWS, noise, walk, wave
from tuner.data.series import Floats
from tuner.errors import UserError
from tuner.loading.dataset import make_dataset
from tuner.proposal.profile import HOLDOUT, Profile, make_profile
from tuner.proposal.propose import WINDOWS, Proposal, proposals, render_study_file
from tuner.reading.table import Column, DataTable
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import DataSection

TOLD = DataSection(path="x.csv")


def labels(*events: tuple[int, int], rows: int = ROWS) -> Column:
    marks = np.zeros(rows, dtype=np.int64)
    for first, past in events:
        marks[first:past] = 1
    return marks


def seen(*files: dict[str, Column]) -> Profile:
    """The findings of files with these columns."""
    tables = [DataTable(f"f{number}", f"f{number}.csv", columns) for number, columns in enumerate(files)]
    spec = read_spec_dict({"study": {"name": "x"}, "data": {"path": "x"}})
    return make_profile(make_dataset(tables, spec))


def best(found: Profile) -> Proposal:
    return next(proposals(found))


def test_events_files_and_targets_are_counted() -> None:
    switch = (np.arange(ROWS) > 600).astype(np.int64)
    one = {"a": noise(), "on": switch, "b": noise(seed=1), "label": labels((700, 720), (900, 901))}
    two = {**one, "label": labels()}
    found = seen(one, two)
    assert (found.files, found.series, found.rows) == (2, 2, 2 * ROWS)
    assert (found.events, found.seen, found.share, found.labelled_files) == (2, 2, 21 / (2 * ROWS), 1)
    assert found.targets == ("a", "b")
    assert found.lead == pytest.approx(700 / ROWS)


def test_without_labels_the_first_column_is_forecast() -> None:
    found = seen({"a": noise(), "b": noise(seed=1)})
    assert found.targets == ("a",)
    assert (best(found).kind, best(found).metric) == ("forecast", "loss")


@pytest.mark.parametrize(("marks", "targets"), [({}, ("a",)), ({"label": labels((50, 60))}, ("a", "b"))])
def test_what_goes_round_or_on_and_off_is_not_forecast(marks: dict[str, Column], targets: tuple[str, ...]) -> None:
    clocks = {"hour": np.arange(ROWS) % 24, "weekend": np.arange(ROWS) // 24 % 7 // 5}
    found = seen({**clocks, "a": noise(), "b": noise(seed=1), **marks})
    assert (found.features, found.targets) == (("hour", "weekend", "a", "b"), targets)


def test_pieces_of_a_file_cut_at_gaps_are_one_file() -> None:
    time = np.arange(ROWS) + np.where(np.arange(ROWS) >= 500, 1000, 0)
    found = seen({"time": time, "a": noise()})
    assert (found.files, found.series, found.typical) == (1, 2, 700)


def test_enough_events_are_learnt_and_few_are_not() -> None:
    spread = [(first, first + 5) for first in range(50, ROWS, 100)]
    assert best(seen({"a": noise(), "label": labels(*spread)})).kind == "classify"
    assert best(seen({"a": noise(), "label": labels(*spread)})).metric == "average_precision"
    few = seen({"a": noise(), "label": labels(*spread[:3])})
    assert {(choice.kind, choice.metric) for choice in proposals(few)} == {("forecast", "loss")}


def test_one_event_in_each_of_five_files_is_enough() -> None:
    files = [{"a": noise(seed=number), "label": labels((600, 700))} for number in range(5)]
    assert (best(seen(*files)).kind, best(seen(*files)).scheme) == ("classify", "series")
    assert best(seen(*files[:4])).kind == "forecast"
    assert best(seen(*files[:4])).scheme == "blocked"


def test_a_drifting_level_is_walked_forward() -> None:
    assert best(seen({"a": noise() + np.linspace(0, 6, ROWS)})).scheme == "walk_forward"
    assert best(seen({"a": noise()})).scheme == "blocked"


def test_a_long_event_may_be_left_to_the_holdout() -> None:
    found = seen({"a": noise(), "label": labels((600, 1000))})
    assert best(found).holdout == HOLDOUT
    assert 0.5 in {choice.holdout for choice in proposals(found)}


@pytest.mark.parametrize(
    ("signal", "window"),
    [(wave(24) + 0.3 * noise(), 24), (wave(7) + 0.3 * noise(), 21), (noise(), WINDOWS[0]), (walk(), WINDOWS[0])],
)
def test_window(signal: Floats, window: int) -> None:
    assert best(seen({"a": signal})).window == window


@settings(max_examples=50)
@given(rows=st.integers(16, 400), period=st.integers(4, 60))
def test_windows_leave_room_in_short_series(rows: int, period: int) -> None:
    found = seen({"a": wave(period, rows) + 0.1 * noise(rows)})
    for choice in proposals(found):
        assert 8 <= choice.window <= 128
        assert choice.window == 8 or choice.window <= rows * (1 - choice.holdout) / choice.folds / 2


def test_series_too_short_to_look_at() -> None:
    with pytest.raises(UserError, match="too short"):
        seen({"a": noise(15)})


ONE_EVENT = seen({"a": noise(), "label": labels((600, 700))})


@settings(max_examples=50)
@given(
    features=st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])), min_size=1, unique=True),
    events=st.integers(0, 12),
    share=st.floats(0, 2),
    number=st.integers(0, 3),
    missing=st.sampled_from(["", "x.csv:3 a: 2 of 9 values are missing"]),
)
def test_every_study_file_reads_back_as_proposed(
    features: list[str], events: int, share: float, number: int, missing: str
) -> None:
    found = replace(ONE_EVENT, features=tuple(features), targets=tuple(features), seen=events, no_change=share)
    chosen = list(proposals(found))[number]
    text = render_study_file("x", DataSection(path="a/b.csv"), found, chosen, missing, "too few rows")
    spec = read_spec_dict(tomllib.loads(text))
    assert spec.data.features == tuple(features)
    assert spec.data.missing == ("interpolate" if missing else "refuse")
    assert (spec.study.metric, spec.task.kind, spec.task.window) == (chosen.metric, chosen.kind, chosen.window)
    assert (spec.cv.scheme, spec.cv.folds, spec.cv.holdout) == (chosen.scheme, chosen.folds, chosen.holdout)
    assert spec.task.difference == (chosen.kind == "forecast" and found.persistent)
    assert all(len(line) < 120 for line in text.splitlines() if line.startswith("#"))


def test_a_long_list_of_names_with_spaces_is_wrapped_between_them() -> None:
    names = tuple(f"flow rate of pump, number {number}" for number in range(20))
    text = render_study_file("x", TOLD, replace(ONE_EVENT, features=names), best(ONE_EVENT))
    assert tuple(tomllib.loads(text)["data"]["features"]) == names
    assert max(map(len, text.splitlines())) <= 100


def test_a_tiny_data_set_gets_a_smaller_network() -> None:
    small, usual = (seen({"a": noise(rows)}) for rows in (300, 3000))
    text = render_study_file("x", TOLD, small, best(small))
    values: dict[str, Any] = tomllib.loads(text)
    assert values["space"]["hidden_size"]["high"] < 64
    assert "hidden_size" not in render_study_file("x", TOLD, usual, best(usual))
