"""What a study shows in optuna-dashboard: whole figures and a note, kept up to date, and nothing of a person's lost."""

import json
from collections.abc import Mapping
from threading import Event
from typing import Any

import optuna
import optuna_dashboard
import plotly.graph_objects as go
import pytest
from optuna_dashboard._custom_plot_data import get_plotly_graph_objects
from sqlalchemy import event

from tests.search.making import FACTS, make_spec
from tests.search.storing import COMPLETE, tell
from tuner.report.live_pages import LivePage, refresh, show


def figure(points: int) -> go.Figure:
    return go.Figure(go.Scatter(y=list(range(points))))


def attributes(url: str, name: str = "small") -> Mapping[str, Any]:
    study = optuna.load_study(study_name=name, storage=url)
    return study._storage.get_study_system_attrs(study._study_id)


def loaded(url: str) -> optuna.Study:
    return optuna.load_study(study_name="small", storage=url)


def shown(url: str) -> dict[str, int]:
    """The figures that the dashboard finds, by their number of points."""
    figures = get_plotly_graph_objects(dict(attributes(url)))
    return {name: len(json.loads(text)["data"][0]["y"]) for name, text in figures.items()}


def test_figures_note_and_metric_are_where_optuna_and_its_dashboard_look(store, url, study) -> None:
    show(store, "small", LivePage("F1", {"one": figure(3), "two": figure(5)}, "# Verdict"))
    assert shown(url) == {"one": 3, "two": 5}
    assert optuna_dashboard.get_note(loaded(url)) == "# Verdict"
    assert loaded(url).metric_names == ["F1"]


def test_a_shorter_figure_and_note_leave_no_rest_of_the_longer(store, url, study) -> None:
    show(store, "small", LivePage("loss", {"one": figure(5000)}, "long " * 2000))
    assert len(attributes(url)) > 10
    show(store, "small", LivePage("loss", {"one": figure(2)}, "short"))
    assert shown(url) == {"one": 2}
    assert optuna_dashboard.get_note(loaded(url)) == "short"


def test_a_figure_is_replaced_in_one_commit(store, url, study) -> None:
    show(store, "small", LivePage("loss", {"one": figure(5000)}, "first"))
    seen: list[str] = []
    event.listen(store.engine, "after_cursor_execute", lambda *said: seen.append(str(said[2]).split()[0]))
    event.listen(store.engine, "commit", lambda _: seen.append("COMMIT"))
    show(store, "small", LivePage("loss", {"one": figure(4000)}, "second"))
    assert [word for word in seen if word != "SELECT"][-3:] == ["DELETE", "INSERT", "COMMIT"]
    assert (seen.count("DELETE"), seen.count("INSERT")) == (1, 1)
    assert shown(url) == {"one": 4000}


def test_a_note_that_a_person_wrote_or_changed_stays(store, url, study) -> None:
    show(store, "small", LivePage("loss", {}, "ours"))
    optuna_dashboard.save_note(loaded(url), "ours, and mine")
    show(store, "small", LivePage("loss", {"one": figure(2)}, "ours, newer"))
    assert optuna_dashboard.get_note(loaded(url)) == "ours, and mine"
    assert shown(url) == {"one": 2}
    optuna_dashboard.save_note(loaded(url), "")
    show(store, "small", LivePage("loss", {}, "ours, newest"))
    assert optuna_dashboard.get_note(loaded(url)) == "ours, newest"


def test_who_edits_the_note_meanwhile_is_told_by_its_version(store, url, study) -> None:
    for version in (1, 2, 3):
        show(store, "small", LivePage("loss", {}, f"version {version}"))
        assert attributes(url)["dashboard:note_ver"] == version


def test_only_studies_with_news_are_drawn_the_latest_first(store, url) -> None:
    for name in ("a", "b"):
        tell(store.begin(make_spec(study={"name": name}), FACTS), COMPLETE)
    drawn: list[str] = []

    def draw(findings) -> LivePage:
        drawn.append(findings.spec.study.name)
        return LivePage("loss", {}, f"{findings.summary.trials} trials")

    seen: dict[str, Any] = {}
    refresh(store, draw, seen, Event())
    assert drawn == ["b", "a"]
    refresh(store, draw, seen, Event())
    assert drawn == ["b", "a"]
    store.open("a").begin_run(make_spec(study={"name": "a"}), {})
    refresh(store, draw, seen, Event())
    assert drawn == ["b", "a", "a"]


def test_a_study_that_is_gone_is_none_to_show(store, study) -> None:
    store.delete("small")
    with pytest.raises(KeyError):
        show(store, "small", LivePage("loss", {}, "x"))
