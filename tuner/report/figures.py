"""The figures of a study, each as a page of its own."""

from pathlib import Path

from plotly.offline import get_plotlyjs

from tuner.files import write_whole
from tuner.report.curves import curves_figure, curves_info
from tuner.report.history import history_figure, history_info
from tuner.search.study import Findings


def write_figures(findings: Findings, folder: Path) -> list[Path]:
    """Writes the figures as pages into `folder`, with plotly.js beside them so that they open without a network."""
    figures = {
        "history.html": history_figure(history_info(findings)),
        "curves.html": curves_figure(curves_info(findings)),
    }
    write_whole(folder / "plotly.min.js", get_plotlyjs())
    for name, figure in figures.items():
        write_whole(folder / name, figure.to_html(include_plotlyjs="directory"))
    return [folder / name for name in figures]
