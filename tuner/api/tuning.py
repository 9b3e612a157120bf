"""`tuner.tune`: from arrays and a network in memory to a tuned, refitted network; `tuner` offers it."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import TensorDataset

from tuner.api.found import Found, refit_chosen
from tuner.api.studies import store_url
from tuner.data.sequences import Sequences, as_array, is_dataset, read_sequences
from tuner.data.series import HELD_OUT, TRAIN, VALID, Ints
from tuner.doctor.checkup import check
from tuner.errors import UserError
from tuner.files import write_whole
from tuner.loading.sample_file import pack_samples
from tuner.model.building import build_network, takes_lengths
from tuner.model.own import can_import, name_given, source_hash
from tuner.report.live_report import keep_report
from tuner.report.page import write_report
from tuner.search.study import Prepared, findings, prepare, run
from tuner.search.workers import LocalProcesses
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import Spec
from tuner.spec.space import defaults
from tuner.storage.store import Store
from tuner.terminal import cores
from tuner.terminal.display import show_events
from tuner.training.budget import quick_budget

# From so many samples on three folds are enough: their validation scores are precise, and time counts.
MANY = 1000
# Sequences that a network is checked on where it is told their lengths.
CHECKED = 64


def tune(
    x: Any,  # noqa: ANN401 (whatever the user has)
    y: Any = None,  # noqa: ANN401 (whatever the user has)
    *,
    model: Callable[..., nn.Module] | None = None,
    args: Mapping[str, Any] | None = None,
    loss: Callable[..., Any] | None = None,
    metric: str | Callable[..., Any] = "loss",
    greater_is_better: bool = True,
    groups: Any = None,  # noqa: ANN401 (whatever the user has)
    time: Any = None,  # noqa: ANN401 (whatever the user has)
    scale: bool = True,
    cv: Any = None,  # noqa: ANN401 (a number, or a splitter of scikit-learn's)
    holdout: float = 0.2,
    trials: int = 30,
    epochs: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    name: str | None = None,
    workers: int | None = None,
    storage: str | None = None,
    quiet: bool = False,
) -> Found:
    """Searches how strongly an LSTM, ours or one's own, should be regularised on these samples.

    >>> import numpy as np
    >>> import tuner
    >>> x = np.random.default_rng(0).normal(size=(200, 16, 3)).cumsum(axis=1)
    >>> found = tuner.tune(x, x[:, -1, 0] > x[:, 8, 0], trials=2)  # doctest: +SKIP
    >>> found.model(x[:5]).shape  # doctest: +SKIP
    (5, 2)

    The samples are written into `studies/NAME/sequences.npz`, and each trial into the store as it ends. Called again
    with the same data and settings, it goes on where it was, and more `trials` continue it. Ctrl-C ends it with what
    there is.

    Args:
        x: (n, time, columns) or (n, time) as an array, a tensor or a frame; a list of arrays of unequal length; a
            map-style dataset, or a DataLoader, whose dataset is read once, in order.
        y: (n,) or (n, k) floats to learn values; (n,) integers, booleans or strings to learn classes. None where `x`
            has the answers.
        model: a class of `nn.Module`, or a function that makes one; by default our LSTM. `forward` gets batches,
            (batch, time, columns), and the lengths, (batch,), if it has a second positional parameter; it gives one row
            of outputs a sequence. What its constructor's parameters are for is told by their names (tuner/README.md).
        args: constants for the constructor.
        loss: of outputs and answers (values scaled to deviations of 1, or the number of each class); by default the
            squared error, or the cross-entropy with rarer classes weighted.
        metric: what configurations are compared by: "loss", a name of scikit-learn's such as "roc_auc", or
            `f(y_true, y_score)`.
        greater_is_better: of a metric of one's own.
        groups: (n,) samples of one group stay in one fold.
        time: (n,) folds are validated on what came after what they were trained on.
        scale: sequences and values to mean 0 and deviation 1, by each fold's training samples; else they are learnt as
            they are.
        cv: the number of folds, or a splitter of scikit-learn's; by default 5 folds, 3 from 1,000 sequences on. Samples
            that share rows are kept apart in any case.
        holdout: the share of the samples that is set aside for the verdict; 0 for none.
        trials: how many configurations are tried.
        epochs: that a network trains at most; by default as many as make up 400 steps. Early stopping ends it before.
        minutes: after which it stops.
        seed: of everything random.
        name: of the study; by default the network's, with a hash of data and settings.
        workers: processes; by default one a core.
        storage: a SQLAlchemy URL; by default `$TUNER_STORAGE`, else `sqlite:///studies/studies.db`.
        quiet: show nothing.

    Raises:
        UserError: the samples, the network or a setting cannot be used; one message says which, and what to do.
    """
    sequences = read_sequences(x, y)
    if sequences.answers is None:
        raise UserError("there are no answers", where="y", hint="give `y`, one answer for each sequence")
    answers = sequences.answers
    others = {name: _each(name, values, len(sequences)) for name, values in (("groups", groups), ("time", time))}
    if cv is None:
        cv = 3 if len(sequences) >= MANY else 5
    parts = None if isinstance(cv, int) else _parts(cv, sequences, answers, others["groups"], holdout, seed)
    spec = _spec(answers, model, args, loss, metric, greater_is_better=greater_is_better)
    if not scale:
        spec["task"]["scale"] = False
    spec |= {"cv": {"holdout": holdout, "folds": cv if parts is None else len(parts)}}
    if time is not None:
        spec["cv"]["scheme"] = "walk_forward"
    trained = (1 - holdout) * (1 - 1 / spec["cv"]["folds"]) * len(sequences)
    batch_size, most, patience = quick_budget(trained, epochs)
    spec["space"] = {"batch_size": batch_size}
    spec["train"] = {**spec.get("train", {}), "max_epochs": most, "patience": patience}
    spec["search"] = {"finalists": 3, "repeats": 1}
    spec["study"] |= {"seed": seed}
    console = Console(quiet=quiet, highlight=False)
    arrays: dict[str, npt.NDArray[Any] | None] = {"y": answers, **others, "parts": parts}
    name = name or f"{model.__name__ if model else 'lstm'}-{_digest(spec, sequences, arrays)}"
    path = Path("studies") / name / "sequences.npz"
    spec["study"] |= {"name": name, "trials": trials}
    spec["data"] = {"path": str(path.absolute())}
    read = _with_given(read_spec_dict(spec), model, loss, metric)
    before = path.exists()
    _keep(path, pack_samples(sequences, arrays))
    with closing(LocalProcesses(workers or cores())) as backend:  # they import torch meanwhile
        try:
            prepared = prepare(read)
            if model is not None:
                _check(prepared, x, sequences, console)
        except BaseException:
            if not before:
                path.unlink()
                with suppress(OSError):  # something else is in it
                    path.parent.rmdir()
            raise
        for note in prepared.data.notes:
            console.print(f"note: {note}", markup=False)
        with Store(store_url(storage), create=True) as store:
            _search(prepared, store, backend, console, minutes)
            found = findings(store.open(name))
    if found.trials:
        write_report(found, path.parent)
    return refit_chosen(prepared, found, np.unique(answers))


def _each(name: str, values: Any, count: int) -> npt.NDArray[Any] | None:  # noqa: ANN401 (whatever the user has)
    """Values of each sample, (n,)."""
    if values is None:
        return None
    array = as_array(values)
    if array.shape != (count,):
        what = f"{name} has the shape {array.shape}, and there are {count:,} sequences"
        raise UserError(what, where=name, hint="give one for each sequence: (n,)")
    return array.astype(np.int64) if array.dtype.kind == "M" else array


def _parts(
    cv: Any,  # noqa: ANN401 (a splitter)
    sequences: Sequences,
    answers: npt.NDArray[Any],
    groups: npt.NDArray[Any] | None,
    holdout: float,
    seed: int,
) -> Ints:
    """The folds of a splitter, (folds, n), on what a holdout leaves of the samples."""
    if isinstance(cv, str) or not hasattr(cv, "split"):
        raise UserError(f"`cv` is {cv!r}", where="cv", hint="give a number, or a splitter of scikit-learn's")
    rest = np.arange(len(sequences))
    held = rest[:0]
    if holdout > 0:
        classes = answers if answers.ndim == 1 and answers.dtype.kind != "f" else None
        rest, held = train_test_split(rest, test_size=holdout, random_state=seed % 2**32, stratify=classes)
        rest = np.sort(rest)
    try:
        own = None if groups is None else groups[rest]
        pairs = list(cv.split(np.zeros((len(rest), 1)), answers[rest], own))
    except (ValueError, TypeError) as error:
        raise UserError(f"these folds cannot be made: {error}", where="cv") from None
    parts = np.zeros((len(pairs), len(sequences)), dtype=np.int64)
    parts[:, held] = HELD_OUT
    for part, (train, valid) in zip(parts, pairs, strict=True):
        part[rest[train]], part[rest[valid]] = TRAIN, VALID
    return parts


def _spec(
    answers: npt.NDArray[Any],
    model: Callable[..., nn.Module] | None,
    args: Mapping[str, Any] | None,
    loss: Callable[..., Any] | None,
    metric: str | Callable[..., Any],
    *,
    greater_is_better: bool,
) -> dict[str, Any]:
    """The sections of the study: what is given from Python stands there by its name and a hash of its source."""
    sections: dict[str, Any] = {
        "study": {"metric": metric if isinstance(metric, str) else name_given(metric, "metric")},
        "task": {"kind": "regress" if answers.dtype.kind == "f" else "classify"},
    }
    if not isinstance(metric, str) and not greater_is_better:
        sections["study"]["metric"] = f"-{sections['study']['metric']}"
    if loss is not None:
        sections["train"] = {"loss": name_given(loss, "loss")}
    if model is not None:
        name_given(model, "model")
        try:
            json.dumps(dict(args or {}))
        except TypeError as error:
            hint = "give a function as `model` that makes the network with it"
            raise UserError(f"`args` holds what no file can: {error}", where="args", hint=hint) from None
        sections["model"] = {"class": f"{model.__module__}:{model.__qualname__}", "args": dict(args or {})}
        if not can_import(model):
            sections["model"]["sha256"] = source_hash(model)
    elif args:
        raise UserError("`args` belongs to a network of one's own", where="args", hint="give it as `model`")
    return sections


def _with_given(
    spec: Spec,
    model: Callable[..., nn.Module] | None,
    loss: Callable[..., Any] | None,
    metric: str | Callable[..., Any],
) -> Spec:
    sections: dict[str, Any] = {}
    if model is not None and not can_import(model):
        sections["model"] = spec.model.with_given(model)
    if loss is not None:
        sections["train"] = spec.train.with_given(loss)
    if not isinstance(metric, str):
        sections["study"] = spec.study.with_given(metric)
    return spec.model_copy(update=sections)


def _digest(spec: Mapping[str, Any], sequences: Sequences, arrays: Mapping[str, npt.NDArray[Any] | None]) -> str:
    """Eight digits that tell data and settings apart."""
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True, default=repr).encode())
    for array in (sequences.steps, sequences.lengths, *arrays.values()):
        digest.update(b"-" if array is None else repr(array.dtype).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:8]


def _keep(path: Path, content: bytes) -> None:
    """Writes the samples, unless they are there; others under the same name are not touched."""
    if not path.exists():
        write_whole(path, content)
        return
    with np.load(path, allow_pickle=False) as there, np.load(io.BytesIO(content), allow_pickle=False) as now:
        same = there.files == now.files and all(np.array_equal(there[name], now[name]) for name in now.files)
    if not same:
        hint = "choose another `name`, or delete the study"
        raise UserError("the study has other data", where=path.parent.name, hint=hint)


def _check(prepared: Prepared, x: Any, sequences: Sequences, console: Console) -> None:  # noqa: ANN401
    """Says what looks like a mistake in the network."""
    network = build_network(prepared.spec.model, *prepared.widths, defaults(prepared.spec.space))
    data = x if is_dataset(x) else (x, sequences.answers)
    if takes_lengths(type(network).forward):
        parts = np.split(sequences.steps, sequences.first[1:])[:CHECKED]
        padded = pad_sequence([torch.from_numpy(part).float() for part in parts], batch_first=True)
        data = TensorDataset(padded, torch.from_numpy(sequences.lengths[:CHECKED]), torch.zeros(len(parts)))
    for finding in check(network, data):
        hint = f"{finding.hint[:1].upper()}{finding.hint[1:]}"
        console.print(f"warning: {finding.said} {hint}.", markup=False, style="yellow")


def _search(prepared: Prepared, store: Store, backend: LocalProcesses, console: Console, minutes: float | None) -> None:
    name = prepared.spec.study.name
    with (
        show_events(console, prepared.spec, prepared.facts, as_json=False) as show,
        keep_report(store, name, Path("studies") / name, show) as notify,
    ):
        try:
            run(prepared, store, notify, backend, timeout=None if minutes is None else 60 * minutes)
        except KeyboardInterrupt:
            console.print("Stopped; what follows is of the trials that are done.", style="yellow")
