"""From a data set to its windows and their split, as a study file wants them."""

import numpy as np

from tuner.data.folds import Problem
from tuner.data.sample_splits import split_samples
from tuner.data.series import Dataset, Samples, join_labels, runs
from tuner.data.splits import make_split
from tuner.data.windows import Windows, make_windows
from tuner.errors import UserError
from tuner.spec.sections import Spec


def make_problem(spec: Spec, data: Dataset) -> Problem:
    """The windows of a data set and their split, as the study file wants them.

    Raises:
        UserError: no window fits, the rows do not suffice for the folds, or a detection metric lacks events.
    """
    if data.samples is not None:
        return _sample_problem(spec, data, data.samples)
    lengths = [len(series) for series in data.series]
    windows = make_windows(lengths, spec.task.window, spec.task.ahead, spec.task.stride)
    if len(windows) == 0:
        raise UserError(
            f"no series has the {spec.task.window + spec.task.ahead} rows that a window needs; "
            f"the longest has {max(lengths)}",
            where="[task] window",
            hint="make `window` shorter, or raise `[data] max_gap` if series were cut at gaps",
        )
    labels = join_labels(data.series)
    files = [series.file or series.name for series in data.series]
    split = make_split(lengths, windows, labels, spec.cv, data.interpolated, data.lookback, files)
    classify = spec.task.kind == "classify"
    persistence = None
    if classify:
        assert labels is not None  # noqa: S101 (else the data set was refused)
        answers = labels[windows.target].astype(np.float64)[:, None]
    else:
        targets = np.concatenate([series.targets for series in data.series])
        now, then = targets[windows.last], targets[windows.target]
        answers = then - now if spec.task.difference else then
        persistence = np.zeros_like(now) if spec.task.difference else now
    parts = [series.features for series in data.series]
    features = parts[0] if len(parts) == 1 else np.concatenate(parts)  # large data are not copied
    problem = Problem(features, answers, persistence, labels, windows, split, classify)
    _check_events(spec, problem)
    return problem


def _sample_problem(spec: Spec, data: Dataset, samples: Samples) -> Problem:
    """Samples are windows of unequal lengths, whose answers are given."""
    windows = Windows(
        first=samples.first,
        series=np.searchsorted(np.cumsum([*map(len, data.series)]), samples.first, side="right"),
        length=int(samples.lengths.max()),
        horizon=0,
        rows=data.rows,
        lengths=samples.lengths if np.ptp(samples.lengths) else None,
    )
    split = split_samples(samples, windows, spec.cv, spec.study.seed)
    features = np.concatenate([series.features for series in data.series])
    classify = bool(samples.classes)
    return Problem(features, samples.answers, None, None, windows, split, classify, samples.group, spec.task.scale)


def warn_of_held_events(problem: Problem) -> tuple[str, ...]:
    """A sentence where labelled data have fewer than two events in the holdout: detection is then not judged by it."""
    held, labels = problem.split.holdout, problem.labels
    if labels is None or not labels.any() or len(held) == 0:
        return ()
    answered = np.zeros(len(labels), dtype=bool)
    answered[problem.windows.target[held]] = True
    found = len(runs(labels & answered))
    if found > 1:
        return ()
    said = "no labelled event, so held-out data say nothing about detection"
    if found:
        said = "only one labelled event, so held-out data say little about detection"
    return (f"The holdout has {said}: choose `[cv] holdout` so that it has several.",)


def _check_events(spec: Spec, problem: Problem) -> None:
    if spec.study.min_precision is not None and problem.labels is None:
        raise UserError(
            "a precision needs a label column",
            where="[study] min_precision",
            hint="name it as `[data] label`, or remove `min_precision`",
        )
    if spec.study.metric == "loss":
        return
    assert problem.labels is not None  # noqa: S101 (else the data set was refused)
    target = problem.windows.target
    counts = [int(problem.labels[target[fold.valid]].sum()) for fold in problem.split.folds]
    if 0 in counts or any(count == len(fold.valid) for count, fold in zip(counts, problem.split.folds, strict=True)):
        raise UserError(
            f"{spec.study.metric} needs anomalous and normal rows in every fold; "
            f"anomalous ones by fold: {', '.join(map(str, counts))}",
            where="[study] metric",
            hint='use metric = "loss", or fewer folds',
        )
