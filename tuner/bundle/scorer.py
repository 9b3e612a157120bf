"""Scores new rows with a bundle, a chunk of rows at a time: what it needs does not grow with the data."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch

from tuner.bundle.archive import Bundle
from tuner.data.series import Bools, Floats, Ints
from tuner.evaluation.detection import scaled_errors
from tuner.loading.chunks import Chunk, read_chunks
from tuner.loading.resampling import resample_chunks
from tuner.model.building import predict
from tuner.reading.opening import open_file, open_frame
from tuner.training.learner import EVALUATION_BATCH

# Rows read at a time. Batches begin anew with each chunk, so the same rows give the same bits wherever they come from.
CHUNK = 16 * EVALUATION_BATCH


@dataclass(frozen=True)
class Scored:
    """Scores of rows in the order of their times; NaN where a row cannot be scored.

    Attributes:
        text: the time as the data say it, an Arrow array of text, (rows,).
        row: the number of each in the data, from 0, (rows,).
        score: (rows,) higher where more anomalous.
        flag: (rows,) 1 from the threshold on, else 0; NaN throughout without a threshold.
        forecast: (rows, targets) what was forecast of each row; (rows, 0) for `classify`.
    """

    text: Any
    row: Ints
    score: Floats
    flag: Floats
    forecast: Floats


class Scorer:
    """Scores rows by the networks of a bundle, the mean of which counts."""

    def __init__(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        self.manifest = manifest
        self._networks = bundle.networks
        self._window = manifest.task.window
        # rows from the first one that a window sees to the one it answers
        self._reach = manifest.task.window - 1 + manifest.task.ahead

    def score(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame's rows scored, with its index: `score`, `flag` (0 or 1) and, of a forecast, `forecast`.

        Where the study put rows together, so are these, by time and without the index.

        Columns are matched by name, others left out of account; the time may be the index. With several targets there
        is a column `forecast_NAME` for each. Missing is what cannot be scored: the first rows, and those after a gap or
        a missing value, as far as a window reaches; all of `flag` if the bundle has no threshold.

        Raises:
            UserError: a column is missing, holds text among numbers, or the times do not increase.
        """
        file, names = open_frame(frame), self.manifest.columns.time
        scored = list(in_file_order(self.chunks(read_chunks(file, self.manifest.wanted, CHUNK))))
        parts = [self.columns(part) for part in scored]
        found = {name: np.concatenate([[], *(part[name] for part in parts)]) for name in self.names}
        if self.manifest.columns.every is not None:
            text = [cell for part in scored for cell in part.text.to_pylist()]
            return pd.DataFrame({"time": text, **found}).astype({"flag": "Int8"})
        time = np.arange(len(frame)) if not names else next(file.batches(names))[names[0]].to_pandas().array
        return pd.DataFrame({"time": time, **found}, index=frame.index).astype({"flag": "Int8"})

    def score_file(self, path: Path) -> Iterator[Scored]:
        """The rows of a CSV or Parquet file scored, in parts.

        Raises:
            UserError: as `score`, or the file cannot be read.
        """
        file = open_file(path, self.manifest.reading)
        return in_file_order(self.chunks(read_chunks(file, self.manifest.wanted, CHUNK)))

    @property
    def names(self) -> list[str]:
        """The columns of the result after the time."""
        targets = self.manifest.columns.targets
        return ["score", "flag", *(["forecast"] if len(targets) == 1 else [f"forecast_{name}" for name in targets])]

    def columns(self, scored: Scored) -> dict[str, Floats]:
        """The result by the `names` of its columns."""
        return dict(zip(self.names, [scored.score, scored.flag, *scored.forecast.T], strict=True))

    def chunks(self, chunks: Iterable[Chunk]) -> Iterator[Scored]:
        """Scores consecutive chunks of one series of rows."""
        held, every = None, self.manifest.columns.every
        for chunk in chunks if every is None else resample_chunks(chunks, every):
            joined = chunk if held is None else _joined(held, chunk)
            yield self._scored(joined, len(chunk.time))
            held = _last(joined, self._reach)

    def _scored(self, rows: Chunk, new: int) -> Scored:
        """The last `new` of the rows; those before are there for windows to begin in."""
        manifest, first = self.manifest, self._complete(rows)
        outputs = self._forward(manifest.features.inputs(rows.features), first)
        raw = np.full(len(rows.time), np.nan)
        forecast = np.full((len(rows.time), len(manifest.columns.targets)), np.nan)
        answered = first + self._reach
        if manifest.targets is None or manifest.residual is None:
            raw[answered] = outputs[:, 0]
        else:
            values = outputs * manifest.targets.deviation + manifest.targets.mean
            if manifest.task.difference:
                values += rows.targets[first + self._window - 1]
            forecast[answered] = values
            raw[answered] = scaled_errors(values - rows.targets[answered], np.array(manifest.residual))
        score = manifest.rarity.apply(raw)
        flag = np.full(len(score), np.nan)
        if manifest.threshold is not None:
            flag = np.where(np.isnan(score), np.nan, score >= manifest.threshold)
        old = len(score) - new
        return Scored(rows.text, rows.row[old:], score[old:], flag[old:], forecast[old:])

    def _complete(self, rows: Chunk) -> Ints:
        """The first row of each window that lacks no value and is cut by no gap up to the row it answers."""
        first = np.arange(max(0, len(rows.time) - self._reach))
        steps = np.diff(rows.time).astype(np.float64)
        columns = self.manifest.columns
        gaps = np.concatenate([[False], steps > columns.max_gap * columns.step])
        holes = np.asarray(np.isnan(rows.features).any(axis=1))
        whole = _count(gaps, first + 1, first + self._reach + 1) == 0
        complete: Ints = first[whole & (_count(holes, first, first + self._window) == 0)]
        return complete

    @torch.inference_mode()
    def _forward(self, rows: "np.ndarray[Any, np.dtype[np.float32]]", first: Ints) -> Floats:
        """The mean of the networks' outputs for the windows that begin in these rows, (windows, outputs)."""
        values, begins = torch.from_numpy(rows), torch.from_numpy(first)
        offsets = torch.arange(self._window)[:, None]
        outputs = [np.empty((0, self.manifest.outputs))]
        for part in torch.split(begins, EVALUATION_BATCH):
            x = values.index_select(0, (part + offsets).reshape(-1)).view(self._window, len(part), values.shape[1])
            total = torch.stack([predict(network, x) for network in self._networks]).mean(dim=0)
            outputs.append(total.numpy().astype(np.float64))
        return np.concatenate(outputs)


def in_file_order(parts: Iterable[Scored]) -> Iterator[Scored]:
    """The same scores in the order of the data's rows; a row that repeats another has none.

    Held back, and put in order at the end, from the first part on that is not the next one.
    """
    held, expected = list[Scored](), 0
    for part in parts:
        if held or not np.array_equal(part.row, np.arange(expected, expected + len(part.row))):
            held.append(part)
        else:
            yield part
            expected += len(part.row)
    if not held:
        return
    row = np.concatenate([part.row for part in held]) - expected
    place = np.full(row.max() + 1, -1)
    place[row] = np.arange(len(row))
    lost = place < 0
    text = pa.chunked_array([chunk for part in held for chunk in pa.chunked_array(part.text).chunks])
    arrays = [np.concatenate([getattr(part, name) for part in held])[place] for name in ("score", "flag", "forecast")]
    for values in arrays:
        values[lost] = np.nan
    yield Scored(text.take(pa.array(place, mask=lost)), np.arange(len(place)) + expected, *arrays)


def _count(rows: Bools, start: Ints, stop: Ints) -> Ints:
    """The number of true rows from start to stop - 1, (n,)."""
    total = np.concatenate([[0], np.cumsum(rows)])
    counts: Ints = total[stop] - total[start]
    return counts


def _joined(held: Chunk, chunk: Chunk) -> Chunk:
    names = ("row", "time", "features", "targets")
    parts = (np.concatenate([getattr(held, name), getattr(chunk, name)]) for name in names)
    return Chunk(chunk.text, *parts)


def _last(rows: Chunk, count: int) -> Chunk:
    start = max(0, len(rows.time) - count)
    return Chunk(None, rows.row[start:], rows.time[start:], rows.features[start:], rows.targets[start:])
