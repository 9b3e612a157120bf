"""Scores new rows with a bundle, a chunk of rows at a time, or new samples; of rows memory does not grow with them."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.special import softmax

from tuner.bundle.archive import Bundle
from tuner.bundle.counts import RowCounts
from tuner.bundle.manifest import Manifest, SampleManifest
from tuner.data.sequences import read_sequences
from tuner.data.series import Bools, Floats, Ints
from tuner.evaluation.detection import scaled_errors
from tuner.loading.chunks import Chunk, read_chunks
from tuner.loading.resampling import resample_chunks
from tuner.loading.sample_file import read_arrays, sequences_of
from tuner.model.building import predict
from tuner.reading.opening import DataFile, open_file, open_frame
from tuner.training.learner import EVALUATION_BATCH
from tuner.training.scaling import answer

# Rows read at a time. Batches begin anew with each chunk, so the same rows give the same bits wherever they come from.
CHUNK = 16 * EVALUATION_BATCH

Watch = Callable[[Chunk], object]


class Scorer:
    """Scores rows by the networks of a bundle, the mean of which counts."""

    def __init__(self, bundle: Bundle[Manifest]) -> None:
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
        nothing = pd.DataFrame(columns=self.names, dtype=np.float64)
        scored = pd.concat([*self._read(file)] or [nothing]).astype({"flag": "Int8"})
        if self.manifest.columns.every is not None:
            return scored
        time = np.arange(len(frame)) if not names else next(file.batches(names))[names[0]].to_pandas().array
        return scored.set_axis(frame.index).assign(time=time)

    def score_file(self, path: Path, watch: Watch | None = None) -> Iterator[pd.DataFrame]:
        """The rows of a CSV or Parquet file scored, in parts, the time as the file says it; `watch` sees each as read.

        Raises:
            UserError: as `score`, or the file cannot be read.
        """
        return self._read(open_file(path, self.manifest.reading), watch)

    def counts(self) -> RowCounts:
        """What counts the rows that it reads and scores."""
        return RowCounts(self.manifest)

    @property
    def names(self) -> list[str]:
        """The columns of the result."""
        targets = self.manifest.columns.targets
        forecasts = ["forecast"] if len(targets) == 1 else [f"forecast_{name}" for name in targets]
        return ["time", "score", "flag", *forecasts]

    def _read(self, file: DataFile, watch: Watch | None = None) -> Iterator[pd.DataFrame]:
        return in_file_order(self.chunks(read_chunks(file, self.manifest.wanted, CHUNK), watch))

    def chunks(self, chunks: Iterable[Chunk], watch: Watch | None = None) -> Iterator[pd.DataFrame]:
        """Scores consecutive chunks of one series of rows; the index numbers them as the data do, from 0 on."""
        held, every = None, self.manifest.columns.every
        for chunk in chunks if every is None else resample_chunks(chunks, every):
            if watch is not None:
                watch(chunk)
            joined = chunk.after(held)
            yield self._scored(joined, len(chunk.time))
            held = joined.cut(max(0, len(joined.time) - self._reach))

    def _scored(self, rows: Chunk, new: int) -> pd.DataFrame:
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
        columns = [rows.text.to_pandas().to_numpy(), *(part[old:] for part in (score, flag, *forecast.T))]
        return pd.DataFrame(dict(zip(self.names, columns, strict=True)), index=rows.row[old:])

    def _complete(self, rows: Chunk) -> Ints:
        """The first row of each window that lacks no value and is cut by no gap up to the row it answers."""
        first = np.arange(max(0, len(rows.time) - self._reach))
        steps = np.diff(rows.time).astype(np.float64)
        columns = self.manifest.columns
        gaps = np.concatenate([[False], steps > columns.max_gap * columns.step])
        holes = np.asarray(np.isnan(rows.features).any(axis=1))
        whole = _count(gaps, first + 1, first + self._reach + 1) == 0
        return np.asarray(first[whole & (_count(holes, first, first + self._window) == 0)])

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


class SampleScorer:
    """Answers new samples by the networks of a bundle, the mean of which counts."""

    def __init__(self, bundle: Bundle[SampleManifest]) -> None:
        self.manifest = bundle.manifest
        self._networks = bundle.networks

    def predict(self, x: Any) -> npt.NDArray[np.float32]:  # noqa: ANN401 (whatever `tuner.tune` takes)
        """The networks' mean outputs for raw sequences as `tuner.tune` takes them, (n, outputs).

        They are values in the units of `y`, or logits of the `classes` of the manifest.

        Raises:
            UserError: these are no sequences, or none that the networks can answer.
        """
        return answer(self._networks, read_sequences(x), len(self.manifest.features.mean))

    def score(self, x: Any) -> pd.DataFrame:  # noqa: ANN401 (whatever `tuner.tune` takes)
        """The same in columns: `sample`, from 0 on, then `y` (or `y0`, `y1`, …); of classes the likeliest, as text, and
        the probability of each, `probability_NAME`.

        Raises:
            UserError: as `predict`.
        """
        outputs = self.predict(x).astype(np.float64)
        columns = [np.arange(len(outputs)), *outputs.T]
        if classes := self.manifest.classes:
            columns[1:] = [np.array(classes)[outputs.argmax(axis=1)], *softmax(outputs, axis=1).T]
        return pd.DataFrame(dict(zip(self.names, columns, strict=True)))

    def score_file(self, path: Path) -> Iterator[pd.DataFrame]:
        """The samples of an `.npz` file scored, all at once.

        Raises:
            UserError: as `predict`, or the file cannot be read.
        """
        yield self.score(sequences_of(read_arrays(path), path))

    @property
    def names(self) -> list[str]:
        """The columns of the result."""
        if classes := self.manifest.classes:
            return ["sample", "class", *(f"probability_{name}" for name in classes)]
        return ["sample", *(["y"] if self.manifest.outputs == 1 else [f"y{at}" for at in range(self.manifest.outputs)])]


def in_file_order(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The same scores in the order of the data's rows; a row that repeats another has none.

    Held back, and put in order at the end, from the first part on that is not the next one.
    """
    held, expected = list[pd.DataFrame](), 0
    for part in parts:
        if held or not np.array_equal(part.index, np.arange(expected, expected + len(part))):
            held.append(part)
        else:
            yield part
            expected += len(part)
    if held:
        together = pd.concat(held)
        yield together.reindex(np.arange(expected, together.index.max() + 1))


def _count(rows: Bools, start: Ints, stop: Ints) -> Ints:
    """The number of true rows from start to stop - 1, (n,)."""
    total = np.concatenate([[0], np.cumsum(rows)])
    return np.asarray(total[stop] - total[start])
