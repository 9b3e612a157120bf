"""What is measured of chosen trials after the search; kept beside the trials, never told to Optuna."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tuner.search.outcomes import read_outcome, write_outcome
from tuner.search.tables import OutOfFoldRow, PathPointRow
from tuner.spec.space import Value
from tuner.training.curves import Outcome
from tuner.training.metrics import Scores


class Evaluations:
    """The evaluations of one study of the store."""

    def __init__(self, session: sessionmaker[Session], uuid: str) -> None:
        self._session, self._uuid = session, uuid

    def out_of_fold(self, trial: int) -> tuple[Scores, ...] | None:
        """The out-of-fold scores of a trial by fold, each (m,); None if they were not kept."""
        query = (
            select(OutOfFoldRow.scores)
            .where(OutOfFoldRow.study == self._uuid, OutOfFoldRow.trial == trial)
            .order_by(OutOfFoldRow.fold)
        )
        with self._session() as session:
            return tuple(np.frombuffer(scores, "<f8") for scores in session.scalars(query)) or None

    def save_out_of_fold(self, trial: int, scores: Sequence[Scores]) -> None:
        """Keeps the out-of-fold scores of a trial, in one commit."""
        with self._session.begin() as session:
            session.add_all(
                OutOfFoldRow(study=self._uuid, trial=trial, fold=fold, scores=part.astype("<f8").tobytes())
                for fold, part in enumerate(scores)
            )

    def path_points(self) -> list[tuple[dict[str, Value], Outcome]]:
        """Every configuration that was trained for a path, constants included, and what it gave."""
        query = select(PathPointRow).where(PathPointRow.study == self._uuid).order_by(PathPointRow.configuration)
        with self._session() as session:
            return [
                (json.loads(row.configuration), read_outcome(row.outcome, row.folds)) for row in session.scalars(query)
            ]

    def save_path_point(self, params: Mapping[str, Value], outcome: Outcome) -> None:
        """Keeps what a configuration gave, in one commit."""
        values, folds = write_outcome(outcome)
        configuration = json.dumps(dict(params), sort_keys=True)
        with self._session.begin() as session:
            session.add(PathPointRow(study=self._uuid, configuration=configuration, outcome=values, folds=folds))
