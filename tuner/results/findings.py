"""A study as it is known: what its data and machine fix for all trials, and what stands in the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tuner.data.folds import FoldData, Problem
from tuner.data.problems import warn_of_held_events
from tuner.data.series import Bools, Dataset, Ints, runs, warn_of_idle_targets
from tuner.errors import UserError
from tuner.evaluation.baselines import Baseline, measure_baseline
from tuner.evaluation.detection import Scores
from tuner.evaluation.holdout import Holdout
from tuner.results.commands import DEFAULT_STORAGE, command
from tuner.results.regularisation_path import Path
from tuner.results.selection import Selection, Summary, Trial
from tuner.spec.sections import FLOAT32, Precision, Spec

# A target hardly moves with a deviation of less than this share of the one that it has over all folds.
STILL = 0.01


@dataclass(frozen=True)
class FoldInfo:
    """Windows that a fold trains on and validates on; anomalous rows and events in the latter.

    `still` names the targets that hardly move while it trains.
    """

    train: int
    valid: int
    anomalous: int
    events: int
    still: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyInfo:
    """Everything that is fixed before the first trial.

    Attributes:
        digest: of the data set.
        features: names of the columns that the network sees.
        targets: names of the columns that it forecasts.
        rows: of all series.
        series: how many.
        windows: how many.
        holdout: windows in the holdout.
        folds: sizes and events.
        baseline: the score without a network.
        warnings: what in the data can make a result worthless, as sentences.
        precision: of the networks; float32 until workers were asked.
        most_epochs: of a repeat: more than of a trial where `max_epochs` is "auto".
    """

    digest: str
    features: tuple[str, ...]
    targets: tuple[str, ...]
    rows: int
    series: int
    windows: int
    holdout: int
    folds: tuple[FoldInfo, ...]
    baseline: Baseline
    precision: Precision = FLOAT32
    warnings: tuple[str, ...] = ()
    most_epochs: int | None = None

    @property
    def test_to_train(self) -> float:
        """Validation windows over training windows, mean over folds."""
        return float(np.mean([fold.valid / fold.train for fold in self.folds]))


def describe_study(
    spec: Spec, data: Dataset, problem: Problem, folds: tuple[FoldData, ...], most_epochs: int | None = None
) -> StudyInfo:
    """Describes a study before its first trial."""
    return StudyInfo(
        digest=data.digest,
        features=data.feature_names,
        targets=data.target_names,
        rows=data.rows,
        series=len(data.series),
        windows=len(problem.windows),
        holdout=len(problem.split.holdout),
        folds=tuple(_fold_facts(problem, fold, data.target_names) for fold in folds),
        baseline=measure_baseline(spec, problem, folds),
        most_epochs=most_epochs,
        warnings=(
            *data.warnings,
            *warn_of_idle_targets(data, difference=spec.task.difference),
            *warn_of_held_events(problem),
        ),
    )


def _fold_facts(problem: Problem, fold: FoldData, targets: Sequence[str]) -> FoldInfo:
    anomalous = events = 0
    if problem.labels is not None:
        validated = np.zeros(len(problem.labels), dtype=bool)
        validated[problem.windows.target[fold.valid]] = True
        flagged = problem.labels & validated
        anomalous, events = int(flagged.sum()), len(runs(flagged))
    still = () if problem.classify else tuple(np.array(targets, str)[fold.error_scale < STILL].tolist())
    return FoldInfo(len(fold.train), len(fold.valid), anomalous, events, still)


@dataclass(frozen=True)
class ScoredRows:
    """The rows that a study validates and tests on, in the order of time, with what its chosen trial says of them.

    Attributes:
        time: (n,) of each row, dates or numbers; row numbers where the series overlap in time.
        part: (n,) the fold that validates it, from 0 on; -1 in the holdout.
        names: of the columns that are shown, the one first in which normal and anomalous rows differ most.
        values: (n, columns).
        forecast: (n, columns) where one was kept, else NaN: on held-out rows.
        labels: (n,) is the row anomalous? None where nothing is detected.
        scores: (n,) higher where more anomalous; NaN where none was kept.
    """

    time: npt.NDArray[Any]
    part: Ints
    names: tuple[str, ...]
    values: Scores
    forecast: Scores
    labels: Bools | None
    scores: Scores


@dataclass(frozen=True)
class Findings:
    """A study as it stands in the store.

    Attributes:
        environment: of its latest run.
        paths: the regularisation paths through its best trial, as far as they are trained.
        holdout: None until those chosen are scored on it.
        scored: its rows, scored by the trial that is shipped; None until there is one.
        storage: the URL of the store, without a password.
    """

    spec: Spec
    facts: StudyInfo
    trials: tuple[Trial, ...]
    summary: Summary
    environment: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[Path, ...] = ()
    holdout: Holdout | None = None
    scored: ScoredRows | None = None
    storage: str = DEFAULT_STORAGE

    @property
    def asked(self) -> Spec:
        """The study as it was asked for: a run of it on the same data makes the same study again."""
        # repeats may take more epochs where their number was left to the tuner
        is_auto = self.facts.most_epochs not in (None, self.spec.train.epochs)
        train = self.spec.train.model_copy(update={"max_epochs": "auto"} if is_auto else {})
        return self.spec.model_copy(update={"train": train})

    def command(self, name: str, *options: str, storage: str | None = None) -> str:
        """A command on the study in its store, or in another one."""
        return command(name, self.spec.study.name, storage or self.storage, *options)

    def chosen(self, rule: Literal["shipped", "best", "1se"]) -> Selection:
        """The trial that the rule names.

        Raises:
            UserError: no trial has completed yet.
        """
        named = {"shipped": self.summary.shipped, "best": self.summary.best, "1se": self.summary.one_se}
        chosen = named[rule]
        if chosen is None:
            name = self.spec.study.name
            raise UserError(
                f"no trial of {name} has completed yet",
                where=name,
                hint=f"run it first: {self.command('run')}",
            )
        return chosen
