"""What is measured of chosen trials after the search; kept beside the trials, never told to Optuna."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tuner.data.series import Floats
from tuner.evaluation.detection import Scores
from tuner.evaluation.holdout import Holdout
from tuner.results.findings import OutOfFoldScores
from tuner.spec.space import Value
from tuner.storage.outcomes import read_outcome, write_outcome
from tuner.storage.schema import HoldoutRow, OutOfFoldRow, PathPointRow, RefitRow, StudyRow
from tuner.training.outcome import Outcome

HOLDOUTS = TypeAdapter(Holdout)


class Evaluations:
    """The evaluations of one study of the store."""

    def __init__(self, session: sessionmaker[Session], uuid: str) -> None:
        self._session, self._uuid = session, uuid

    def scored(self, trial: int) -> OutOfFoldScores | None:
        """The out-of-fold scores of a trial; None if they were not kept."""
        with self._session() as session:
            row = session.get(OutOfFoldRow, (self._uuid, trial))
        if row is None:
            return None
        time, values, labels, scores = map(_array, (row.time, row.values, row.labels, row.scores))
        return OutOfFoldScores(time, row.name, values, labels, scores)

    def save_scored(self, trial: int, scored: OutOfFoldScores) -> None:
        """Keeps the out-of-fold scores of a trial, in one commit."""
        arrays = {name: _file(getattr(scored, name)) for name in ("time", "values", "labels", "scores")}
        with self._session.begin() as session:
            session.add(OutOfFoldRow(study=self._uuid, trial=trial, name=scored.name, **arrays))

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

    def refits(self) -> dict[tuple[int, int], tuple[Floats, Floats]]:
        """Losses and scores on the holdout, each (m,), of every refit, by trial and seed."""
        with self._session() as session:
            rows = session.scalars(select(RefitRow).where(RefitRow.study == self._uuid))
            return {(row.trial, row.seed): (_floats(row.losses), _floats(row.scores)) for row in rows}

    def save_refit(self, trial: int, seed: int, losses: Scores, scores: Scores) -> None:
        """Keeps what a refit gave on the holdout, in one commit."""
        row = RefitRow(study=self._uuid, trial=trial, seed=seed, losses=_bytes(losses), scores=_bytes(scores))
        with self._session.begin() as session:
            session.add(row)

    def holdout(self, best: int, one_se: int) -> Holdout | None:
        """The report on the holdout with these two trials chosen; None if there is none."""
        with self._session() as session:
            row = session.get(HoldoutRow, (self._uuid, best, one_se))
        return None if row is None else replace(HOLDOUTS.validate_python(row.report), looks=self._looks())

    def save_holdout(self, best: int, one_se: int, report: Holdout) -> None:
        """Keeps a report, in one commit."""
        with self._session.begin() as session:
            session.add(HoldoutRow(study=self._uuid, best=best, one_se=one_se, report=asdict(report)))

    def _looks(self) -> int:
        """How many trials were scored as chosen ones, in all studies of the store with the same data."""
        with self._session() as session:
            digest = session.get_one(StudyRow, self._uuid).facts["digest"]
            rows = session.execute(
                select(HoldoutRow.study, HoldoutRow.best, HoldoutRow.one_se)
                .join(StudyRow, StudyRow.uuid == HoldoutRow.study)
                .where(StudyRow.facts["digest"].as_string() == digest)
            )
            return len({(study, trial) for study, *chosen in rows for trial in chosen})


def _bytes(values: Scores) -> bytes:
    return values.astype("<f8").tobytes()


def _floats(stored: bytes) -> Floats:
    return np.frombuffer(stored, "<f8")


def _file(values: npt.NDArray[Any]) -> bytes:
    file = BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()


def _array(stored: bytes) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = np.load(BytesIO(stored), allow_pickle=False)
    return values
