"""One study of the store: what was asked, trained and told.

It has one writer, its coordinator. What that writes is committed at once.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from datetime import UTC, datetime

import optuna
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import TrialIntermediateValueModel, TrialUserAttributeModel
from optuna.trial import TrialState, create_trial
from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.orm import Session, sessionmaker

from tuner.errors import UserError
from tuner.results.findings import StudyInfo
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.storage.distributions import STATES, completed, distributions, searched
from tuner.storage.evaluations import Evaluations
from tuner.storage.faults import DATABASE_ERRORS, reading
from tuner.storage.outcomes import read_outcome, write_outcome
from tuner.storage.schema import FoldCurveRow, OutcomeRow, RunRow, StudyRow
from tuner.training.outcome import FoldCurve, Outcome

CURVES = tuple(field.name for field in fields(FoldCurve))


class StoredStudy:
    """One study of the store.

    Attributes:
        spec: as it was when the study began, but for the number of trials, which is the latest.
        facts: about data and machine.
        evaluations: of its chosen trials.
    """

    def __init__(self, study: optuna.Study, storage: RDBStorage, session: sessionmaker[Session], row: StudyRow) -> None:
        self._study, self._storage, self._session = study, storage, session
        self._uuid = row.uuid
        self._where = f"the study {study.study_name} in the store"
        try:
            self.spec = read_spec_dict(row.spec)
        except UserError as error:
            raise UserError(
                f"another version of the tuner wrote it: {error.where}: {error.what}",
                where=self._where,
                hint="use the version that wrote it, or name another --storage",
            ) from None
        self.facts = StudyInfo.from_dict(row.facts)
        self.created = row.created
        self.evaluations = Evaluations(session, row.uuid)

    def params(self) -> list[dict[str, Value]]:
        """The parameters of every trial that was begun, by number, constants included."""
        with reading(self._where):
            return [completed(self.spec.space, trial.params) for trial in self._study.get_trials(deepcopy=False)]

    def told(self) -> int:
        """How many trials, from number 0 on, are finished in Optuna's eyes."""
        with reading(self._where):
            trials = self._study.get_trials(deepcopy=False)
        return next((trial.number for trial in trials if not trial.state.is_finished()), len(trials))

    def outcomes(self) -> dict[int, Outcome]:
        """The outcome of every trial that was trained, by number, told or not."""
        outcomes = {trial: outcome for (trial, _), outcome in self._trained(OutcomeRow.repeat == 0).items()}
        with reading(self._where):
            if lacking := set(range(self.told())) - outcomes.keys():
                raise LookupError(f"trial {min(lacking)} is finished and has no outcome")
        return outcomes

    def repeats(self) -> dict[tuple[int, int], Outcome]:
        """The outcome of every repeat of a trial, by the trial's number and the repeat's, from 1 on."""
        return self._trained(OutcomeRow.repeat > 0)

    def _trained(self, which: ColumnElement[bool]) -> dict[tuple[int, int], Outcome]:
        """The outcomes `which` are wanted, in the order of their trials and repeats."""
        curves: dict[tuple[int, int], list[FoldCurveRow]] = {}
        same = and_(FoldCurveRow.study == OutcomeRow.study, FoldCurveRow.trial == OutcomeRow.trial)
        with reading(self._where), self._session() as session:
            for curve in session.scalars(
                select(FoldCurveRow)
                .join(OutcomeRow, and_(same, FoldCurveRow.repeat == OutcomeRow.repeat))
                .where(OutcomeRow.study == self._uuid, which)
                .order_by(FoldCurveRow.trial, FoldCurveRow.repeat, FoldCurveRow.fold)
            ):
                curves.setdefault((curve.trial, curve.repeat), []).append(curve)
            rows = session.scalars(
                select(OutcomeRow)
                .where(OutcomeRow.study == self._uuid, which)
                .order_by(OutcomeRow.trial, OutcomeRow.repeat)
            )
            keyed = (((row.trial, row.repeat), row) for row in rows)
            return {key: _outcome(row, curves.get(key, [])) for key, row in keyed}

    def add(self, params: Mapping[str, Value]) -> None:
        """Begins the next trial, in one commit."""
        self._study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=searched(self.spec.space, params),
                distributions=distributions(self.spec.space),
            )
        )

    def save(self, number: int, outcome: Outcome, repeat: int = 0) -> None:
        """Keeps what a trial gave, in one commit, whether or not it is its turn to be told."""
        values, folds = write_outcome(outcome)
        with self._session.begin() as session:
            session.add(OutcomeRow(study=self._uuid, trial=number, repeat=repeat, outcome=values))
            session.add_all(
                FoldCurveRow(
                    study=self._uuid,
                    trial=number,
                    repeat=repeat,
                    fold=fold,
                    **curve,
                )
                for fold, curve in enumerate(folds)
            )

    def tell(self, number: int, outcome: Outcome, attributes: Mapping[str, float | int | str]) -> None:
        """Finishes trial `number` in Optuna's eyes. Told again after an interruption, it ends the same."""
        trial = self._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)
        # through Optuna's models in one commit: its storage would make one an attribute and an epoch
        with self._session.begin() as session:
            for model in (TrialUserAttributeModel, TrialIntermediateValueModel):
                session.execute(delete(model).where(model.trial_id == trial))
            session.add_all(
                TrialUserAttributeModel(trial_id=trial, key=name, value_json=json.dumps(value))
                for name, value in attributes.items()
            )
            for epoch, value in enumerate(outcome.curve, 1):
                stored, kind = TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
                session.add(
                    TrialIntermediateValueModel(
                        trial_id=trial, step=epoch, intermediate_value=stored, intermediate_value_type=kind
                    )
                )
        values = None if outcome.value is None else [outcome.value]
        self._storage.set_trial_state_values(trial, STATES[outcome.state], values)

    @contextmanager
    def run(self, spec: Spec, environment: Mapping[str, str]) -> Iterator[None]:
        """Notes that a run of the study is going on, with the study file and the environment that it uses."""
        with self._session.begin() as session:
            row = RunRow(
                study=self._uuid,
                started=datetime.now(UTC),
                ended=None,
                spec=spec.to_dict(),
                environment=dict(environment),
            )
            session.add(row)
            session.get_one(StudyRow, self._uuid).spec = spec.to_dict()
        self.spec = spec
        try:
            yield
        except DATABASE_ERRORS:
            raise  # a database that failed cannot be told either, and may take its time to say so
        except BaseException:
            with suppress(*DATABASE_ERRORS):
                self._end(row.id)
            raise
        self._end(row.id)

    def _end(self, run: int) -> None:
        with self._session.begin() as session:
            session.get_one(RunRow, run).ended = datetime.now(UTC)

    def environment(self) -> dict[str, str]:
        """The environment of the latest run; empty before the first."""
        with reading(self._where), self._session() as session:
            query = select(RunRow.environment).where(RunRow.study == self._uuid).order_by(RunRow.id.desc()).limit(1)
            return dict(session.scalars(query).one_or_none() or {})


def _outcome(row: OutcomeRow, folds: Sequence[FoldCurveRow]) -> Outcome:
    return read_outcome(row.outcome, [{name: getattr(fold, name) for name in CURVES} for fold in folds])
