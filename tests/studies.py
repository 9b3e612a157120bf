"""A small study on a file, for the commands; and all that a finished one holds, to be compared bit for bit."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import optuna

from tuner.search.study import findings
from tuner.storage.store import Store

# The trials of a summary, whose durations differ.
NAMED = ("best", "one_se", "shipped")
# A run of it that ends with its search, for tests that look at nothing else.
SEARCH_ALONE = ("--set", "search.repeats=0", "--set", "cv.holdout=0")
# A run of it of six trials, for tests that disturb one.
TRIALS = 6
ARGUMENTS = ("--study", "small.toml", "--workers", 2, "--set", "search.lag=3", "--json", "--trials")
# 24 trials of it take about two seconds, with the sampler that chooses soonest
SMALL = """
[study]
trials = 24
[data]
path = "data.csv"
[task]
window = 6
[cv]
folds = 2
[train]
max_epochs = 6
patience = 3
precision = "fp32"
[search]
sampler = "tpe"
finalists = 2
[space]
hidden_size = 4
num_layers = 1
batch_size = 256
input_dropout = 0.0
recurrent_dropout = 0.0
jitter = 0.0
"""


def write_small(folder: Path, name: str = "small") -> Path:
    """A sine with noise as `data.csv`, and a study file for it."""
    x = np.sin(np.arange(400) / 9) + 0.3 * np.random.default_rng(0).normal(size=400)
    (folder / "data.csv").write_text("\n".join(["x", *(f"{value:.6f}" for value in x)]))
    path = folder / f"{name}.toml"
    path.write_text(SMALL)
    return path


def dump(folder: Path, name: str = "small", storage: str | None = None) -> list[str]:
    """Everything a study's result consists of, as lines: no ids, no times. Equal studies have equal dumps."""
    url = storage or f"sqlite:///{folder}/studies/studies.db"
    database = optuna.storages.RDBStorage(url)
    seen = optuna.load_study(study_name=name, storage=database)
    lines = []
    for trial in seen.trials:
        attributes = sorted((key, value) for key, value in trial.user_attrs.items() if key != "seconds")
        lines += [
            f"{trial.number} state {trial.state.name} value {trial.value!r}",
            f"{trial.number} params {sorted(trial.params.items())!r}",
            f"{trial.number} curve {sorted(trial.intermediate_values.items())!r}",
            f"{trial.number} attributes {attributes!r} {trial.system_attrs!r}",
        ]
    store = Store(url, create=False)
    study = store.open(name)
    for number, outcome in study.outcomes().items():
        lines += [f"{number} {key} {value!r}" for key, value in asdict(outcome).items() if key != "seconds"]
    found = findings(study)
    for told in found.trials:
        for number, outcome in enumerate(told.repeats, 1):
            lines += [f"{told.number}.{number} {k} {v!r}" for k, v in asdict(outcome).items() if k != "seconds"]
    summary = found.summary
    lines += [f"{key} {value!r}" for key, value in asdict(summary).items() if key not in NAMED]
    for name in NAMED:
        chosen = getattr(summary, name)
        if chosen is not None:
            lines.append(f"{name} {chosen.trial.number} {chosen.value!r} {chosen.repeat_mean!r} {chosen.se!r}")
    # how often the holdout was looked at hangs on how often the study was extended
    lines.append(repr(found.holdout and replace(found.holdout, looks=0)))
    lines.append(repr(found.scored and [found.scored.scores.tolist(), found.scored.time.tolist()]))
    lines.append(repr(study.facts))
    store.close()
    database.remove_session()
    database.engine.dispose()
    return lines
