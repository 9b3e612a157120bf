"""The report of a running study: there after the reference trials, anew with news, and never in the way of the run."""

from pathlib import Path

from tests.processes import wait_until
from tests.search.storing import COMPLETE, tell
from tuner.report.live_report import keep_report
from tuner.search.events import Event, StageAdvanced, Told


def told(number: int) -> Told:
    return Told(number, {}, COMPLETE)


def test_it_is_written_after_the_references_and_again_with_news(store, study, tmp_path: Path) -> None:
    tell(study, COMPLETE, COMPLETE)
    page, passed = tmp_path / "report.html", list[Event]()
    with keep_report(store, "small", tmp_path, passed.append, every=0.01) as notify:
        notify(told(0))
        assert not page.exists()
        notify(told(1))
        wait_until(page.exists)
        assert "Running: 2 of" in page.read_text()
        assert '<meta http-equiv="refresh"' in page.read_text()
        page.unlink()
        notify(StageAdvanced("holdout"))
        wait_until(page.exists)
    assert passed == [told(0), told(1), StageAdvanced("holdout")]


def test_between_two_reports_lies_some_time(store, study, tmp_path: Path) -> None:
    tell(study, COMPLETE, COMPLETE)
    page = tmp_path / "report.html"
    with keep_report(store, "small", tmp_path, lambda _: None) as notify:
        notify(told(1))
        wait_until(page.exists)
        page.unlink()
        notify(told(1))
    assert not page.exists()


def test_what_cannot_be_written_stops_nothing(store, study, tmp_path: Path) -> None:
    tell(study, COMPLETE)
    (tmp_path / "file").touch()
    with keep_report(store, "small", tmp_path / "file", lambda _: None, every=0.01) as notify:
        notify(told(1))
        notify(told(2))
    assert (tmp_path / "file").read_bytes() == b""
