"""What became of scored rows in all, and how they are unlike those of training."""

import numpy as np
import pandas as pd

from tuner.bundle.manifest import Manifest
from tuner.loading.chunks import Chunk


class RowCounts:
    """Counts rows as they are read and scored.

    Attributes:
        rows, scored, flagged: how many.
        outside: (features,) how many rows of each column lie beyond its range in training.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self.rows = self.scored = self.flagged = 0
        self.outside = np.zeros(len(manifest.columns.features), np.int64)

    def see(self, rows: Chunk) -> None:
        """Counts rows that are read."""
        columns = self._manifest.columns
        if columns.lowest:
            self.outside += ((rows.features < columns.lowest) | (rows.features > columns.highest)).sum(axis=0)

    def count(self, scored: pd.DataFrame) -> None:
        """Counts rows that are scored, by the columns `score` and `flag`."""
        self.rows += len(scored)
        self.scored += int(scored["score"].count())
        self.flagged += int((scored["flag"] == 1).sum())

    def __str__(self) -> str:
        return f"{self.scored:,} of {self.rows:,} rows scored, {self._flags()}"

    def _flags(self) -> str:
        """How many rows are flagged, beside how many would be if they were like those of cross-validation."""
        expected = self._manifest.flag_share
        if expected is None:
            why = "not clearly better than guessing" if "beats_guessing" in self._manifest.scores else "no labels"
            return f"none flagged ({why}, so no threshold)"
        share = self.flagged / self.scored if self.scored else 0.0
        return f"{self.flagged:,} flagged ({share:.2%}; {expected:.2%} in cross-validation)"

    @property
    def warnings(self) -> list[str]:
        """A sentence for each column that leaves its range in training, the one first that does so most often."""
        columns = self._manifest.columns
        return [
            f"`{columns.features[at]}` leaves its range in training, {columns.lowest[at]:.4g} to "
            f"{columns.highest[at]:.4g}, in {self.outside[at]:,} of {self.rows:,} rows: scores there are guesses."
            for at in np.argsort(-self.outside, kind="stable")
            if self.outside[at]
        ]
