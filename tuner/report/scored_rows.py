"""New rows scored by a bundle, on one page: what was flagged, and where the rows are unlike those of training."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tuner.bundle.counts import RowCounts
from tuner.bundle.manifest import Manifest
from tuner.loading.chunks import Chunk
from tuner.report.detection_figures import describe_rows, rows_figure
from tuner.report.page import Plot, render
from tuner.report.tables import Table
from tuner.results.findings import ScoredRows

# Columns that can be looked at, and rows that are listed.
MOST_COLUMNS, MOST_ROWS = 8, 10
READING = (
    "All networks of the bundle score each row by the rows before it. A score of 1 is what one in ten rows reached in "
    "cross-validation, 2 one in a hundred, 3 one in a thousand."
)


def score_page(
    name: str, manifest: Manifest, read: Sequence[Chunk], scored: Sequence[pd.DataFrame], counts: RowCounts
) -> str:
    """The page of the scores of a file.

    Args:
        name: of the file.
        manifest: of the bundle that scored it.
        read: its rows in the order of time.
        scored: their scores by the number of the row.
        counts: of all rows.
    """
    rows = _rows(manifest, read, pd.concat(scored))
    figure = rows_figure(rows, manifest.threshold)
    reading = READING if manifest.threshold is None else f"{READING} Rows from the threshold on are flagged."
    plots = [Plot("rows", "The data and their scores", reading, (figure,), describe_rows(rows, manifest.threshold))]
    study = manifest.study["name"]
    return render("scores.html", plots, name=name, study=study, counts=counts, highest=_highest(rows))


def _rows(manifest: Manifest, read: Sequence[Chunk], scored: pd.DataFrame) -> ScoredRows:
    targets = manifest.columns.targets
    names = (targets or manifest.columns.features)[:MOST_COLUMNS]
    values = np.concatenate([(part.targets if targets else part.features)[:, : len(names)] for part in read])
    time, row = (np.concatenate([getattr(part, each) for part in read]) for each in ("time", "row"))
    found = scored.loc[row]
    forecast = np.full_like(values, np.nan)
    if targets:
        forecast = found.filter(regex="^forecast").to_numpy(np.float64)[:, : len(names)]
    return ScoredRows(time, np.zeros(len(time), np.int64), names, values, forecast, None, found["score"].to_numpy())


def _highest(rows: ScoredRows) -> Table:
    order = [int(row) for row in np.argsort(-rows.scores, kind="stable")[:MOST_ROWS] if not np.isnan(rows.scores[row])]
    time = pd.Series(rows.time).astype(str)  # dates without the digits that all lack
    cells = [(time[row], f"{rows.scores[row]:.2f}", f"{rows.values[row, 0]:.4g}") for row in order]
    return Table("Highest scores", ("time", "score", rows.names[0]), tuple(cells))
