"""The tuner from Python. `tuner` offers these functions, and loads this module when one is asked for."""

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from torch import nn

from tuner.bundle.archive import read_bundle
from tuner.bundle.manifest import SampleManifest
from tuner.bundle.scorer import SampleScorer, Scorer
from tuner.results.findings import Findings
from tuner.search.events import ignore
from tuner.search.study import findings, prepare, run
from tuner.search.workers import LocalProcesses
from tuner.spec.file import read_spec, read_spec_dict, resolved
from tuner.storage.store import Store
from tuner.terminal import DEFAULT_STORAGE, cores


def load(bundle: str | Path, model: Callable[..., nn.Module] | None = None) -> Scorer | SampleScorer:
    """The bundle in a folder, ready to score new rows, or new samples. Nothing in it is unpickled.

    >>> import pandas as pd
    >>> import tuner
    >>> scorer = tuner.load("bundle")
    >>> scores = scorer.score(pd.read_csv("data.csv"))
    >>> list(scores.columns)
    ['time', 'score', 'flag', 'forecast']
    >>> worst = scores.sort_values("score", ascending=False).head(10)

    Args:
        bundle: what `python -m tuner.export --bundle`, or `save` of what `tuner.tune` found, wrote.
        model: the class of its networks, if it is one's own; by default it is imported by the name in the bundle.

    Raises:
        UserError: a file is missing, damaged or was changed, or is of a format that this version does not know; or the
            class cannot be found, or has changed since.
    """
    read = read_bundle(Path(bundle), model)
    return SampleScorer(read) if isinstance(read.manifest, SampleManifest) else Scorer(read)


def store_url(storage: str | None) -> str:
    """The store that a call means."""
    return storage or os.environ.get("TUNER_STORAGE") or DEFAULT_STORAGE


def run_study(
    study: str | Path | Mapping[str, Any],
    *,
    trials: int | None = None,
    workers: int | None = None,
    storage: str | None = None,
    timeout: float | None = None,
) -> Findings:
    """Runs or continues a study, as `python -m tuner.run` does, but silently; what the store then holds of it.

    >>> import tuner
    >>> found = tuner.run_study(
    ...     {
    ...         "study": {"name": "mine", "trials": 2},
    ...         "data": {"path": "data.csv"},
    ...         "task": {"window": 6},
    ...         "cv": {"folds": 2},
    ...         "train": {"max_epochs": 2},
    ...         "search": {"repeats": 0},
    ...     }
    ... )
    >>> found.summary.complete
    2
    >>> found.summary.best.trial.params["batch_size"]
    64

    Args:
        study: a study file, or its sections as plain values; then paths in it start from the working directory.
        trials: total number of trials; by default what the study file says.
        workers: worker processes; by default one per core.
        storage: a SQLAlchemy URL; by default `$TUNER_STORAGE`, else `sqlite:///studies/studies.db`.
        timeout: seconds after which it stops; called again, it continues.

    Raises:
        UserError: the study file, the data or the store cannot be used.
    """
    if isinstance(study, Mapping):
        total = {} if trials is None else {"trials": trials}
        spec = resolved(read_spec_dict({**study, "study": {**study.get("study", {}), **total}}), Path.cwd())
    else:
        spec = read_spec(Path(study), [] if trials is None else [f"study.trials={trials}"])
    with closing(LocalProcesses(workers or cores())) as backend, Store(store_url(storage), create=True) as store:
        run(prepare(spec), store, ignore, backend, timeout=timeout)
        return findings(store.open(spec.study.name))
