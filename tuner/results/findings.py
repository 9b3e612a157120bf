"""A study as it stands in the store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy.typing as npt

from tuner.data.series import Bools, Floats
from tuner.errors import UserError
from tuner.evaluation.detection import Scores
from tuner.evaluation.holdout import Holdout
from tuner.results.regularisation_path import Path
from tuner.results.selection import Selection, Summary, Trial
from tuner.results.study_info import StudyInfo
from tuner.spec.sections import Spec


@dataclass(frozen=True)
class OutOfFoldScores:
    """The out-of-fold scores of a trial, in the order of the rows that they belong to.

    Attributes:
        time: (n,) of each row, dates or numbers; row numbers where the series overlap in time.
        name: what the values are called.
        values: (n,) the first column that is forecast, or else seen.
        labels: (n,) is the row anomalous?
        scores: (n,) higher where more anomalous.
    """

    time: npt.NDArray[Any]
    name: str
    values: Floats
    labels: Bools
    scores: Scores


@dataclass(frozen=True)
class Findings:
    """A study as it stands in the store.

    Attributes:
        environment: of its latest run.
        paths: the regularisation paths through its best trial, as far as they are trained.
        holdout: None until those chosen are scored on it.
        scored: the best trial's out-of-fold scores; None until they are kept, and without labels.
    """

    spec: Spec
    facts: StudyInfo
    trials: tuple[Trial, ...]
    summary: Summary
    environment: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[Path, ...] = ()
    holdout: Holdout | None = None
    scored: OutOfFoldScores | None = None

    def chosen(self, rule: Literal["best", "1se"]) -> Selection:
        """The trial that the rule names.

        Raises:
            UserError: no trial has completed yet.
        """
        chosen = self.summary.best if rule == "best" else self.summary.one_se
        if chosen is None:
            name = self.spec.study.name
            raise UserError(
                f"no trial of {name} has completed yet",
                where=name,
                hint=f"run it first: python -m tuner.run --study {name}",
            )
        return chosen
