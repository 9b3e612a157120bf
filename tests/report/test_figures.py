"""The figures as pages."""

from pathlib import Path

from tests.report.making import many
from tuner.report.figures import write_figures


def test_pages_are_written_with_what_they_need_beside_them(tmp_path: Path) -> None:
    written = write_figures(many(3), tmp_path / "deep")
    assert [path.name for path in written] == ["history.html", "curves.html"]
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"history.html", "curves.html", "plotly.min.js"}
    assert all('src="plotly.min.js"' in path.read_text() for path in written)
