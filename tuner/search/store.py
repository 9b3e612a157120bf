"""The store: an Optuna study in a database that any Optuna tool can open, and beside it our own tables.

A study has one writer, its coordinator. What it writes is committed at once.
"""

import json
import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial
from pydantic import TypeAdapter
from sqlalchemy import event, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from tuner.errors import UserError, nearest
from tuner.search.facts import Facts
from tuner.search.lock import advisory_lock, file_lock
from tuner.search.replica import STATES
from tuner.search.space import completed, distributions, searched
from tuner.search.tables import Base, FoldCurveRow, OutcomeRow, RunRow, StudyRow
from tuner.search.worker import Result
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.training.curves import FoldCurve, Outcome

UUID_ATTRIBUTE = "tuner:uuid"


class Store:
    """A database of studies.

    Args:
        url: of SQLAlchemy; a SQLite file and its folder are made if they are missing and `create` is set.
        create: whether a missing SQLite file may be made.

    Raises:
        UserError: it cannot be opened, is missing, or is no store.
    """

    def __init__(self, url: str, *, create: bool) -> None:
        try:
            self._url = make_url(url)
            self.shown = self._url.render_as_string(hide_password=True)
            self._path = Path(self._url.database) if self._is_file() and self._url.database else None
            if self._path is not None and not self._path.exists():
                if not create:
                    raise UserError(
                        "there is no store", where=self.shown, mend="run a study first, or name another --storage"
                    )
                self._path.parent.mkdir(parents=True, exist_ok=True)
            arguments = {"connect_args": {"timeout": 60}} if self._url.get_backend_name() == "sqlite" else {}
            self._storage = RDBStorage(url, engine_kwargs=arguments)
            self.engine = self._storage.engine
            if self._path is not None:
                event.listen(self.engine, "connect", _prefer_wal)
                self.engine.dispose()
            Base.metadata.create_all(self.engine)
        except (ArgumentError, SQLAlchemyError, ImportError, OSError, RuntimeError) as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise UserError(
                f"the store cannot be opened: {reason}", where=url if "@" not in url else "--storage"
            ) from None
        self._session = sessionmaker(self.engine, expire_on_commit=False)

    def _is_file(self) -> bool:
        return self._url.get_backend_name() == "sqlite" and self._url.database not in (None, "", ":memory:")

    def close(self) -> None:
        """Writes the log back into the SQLite file, so that a copy of it is whole, and lets go of it."""
        if self._path is not None:
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self._storage.remove_session()
        self.engine.dispose()

    def names(self) -> list[str]:
        """The studies of the store that the tuner made, by name."""
        return sorted(
            study.study_name
            for study in optuna.get_all_study_summaries(self._storage)
            if UUID_ATTRIBUTE in study.user_attrs
        )

    def exists(self, name: str) -> bool:
        return name in (study.study_name for study in optuna.get_all_study_summaries(self._storage))

    def open(self, name: str) -> "StoredStudy":
        """The study called `name`.

        Raises:
            UserError: there is none.
        """
        names = self.names()
        if name not in names:
            mend = nearest(name, names) if names else "run it first: python -m tuner.run --study …"
            raise UserError(f"there is no study {name!r}", where=self.shown, mend=mend)
        study = optuna.load_study(study_name=name, storage=self._storage)
        with self._session() as session:
            row = session.get_one(StudyRow, study.user_attrs[UUID_ATTRIBUTE])
        return StoredStudy(study, self._storage, self._session, row)

    def begin(self, spec: Spec, facts: Facts) -> "StoredStudy":
        """The study that `spec` names: made if it is new, else checked to be the same search of the same data.

        Raises:
            UserError: a key changed that may not, the data changed, or another tool's study has the name.
        """
        name = spec.study.name
        if name in self.names():
            stored = self.open(name)
            _check_unchanged(stored, spec, facts)
            return stored
        study = optuna.create_study(
            study_name=name,
            storage=self._storage,
            direction="maximize" if spec.maximise else "minimize",
            load_if_exists=True,
        )
        if study.get_trials(deepcopy=False):
            raise UserError(
                f"{name!r} is a study of another tool", where=self.shown, mend="give yours another `[study] name`"
            )
        row = StudyRow(
            uuid=uuid.uuid4().hex,
            name=name,
            created=datetime.now(UTC),
            spec=spec.to_dict(),
            facts=facts.to_dict(),
        )
        with self._session.begin() as session:
            session.add(row)
        # set last: a study without it was not begun, and is begun again
        study.set_user_attr(UUID_ATTRIBUTE, row.uuid)
        return StoredStudy(study, self._storage, self._session, row)

    def lock(self, name: str) -> AbstractContextManager[None]:
        """The right to write the study `name`, for as long as the context lasts.

        Raises:
            UserError: another process has it.
        """
        if self.engine.name == "postgresql":
            return advisory_lock(self.engine, name)
        if self._path is None:
            return nullcontext()
        return file_lock(self._path.with_name(f"{self._path.name}.{name}.lock"), name)


class StoredStudy:
    """One study of the store.

    Attributes:
        spec: as it was when the study began, but for the number of trials, which is the latest.
        facts: about data and machine.
    """

    def __init__(self, study: optuna.Study, storage: RDBStorage, session: sessionmaker[Session], row: StudyRow) -> None:
        self._study, self._storage, self._session = study, storage, session
        self._uuid = row.uuid
        self.spec = read_spec_dict(row.spec)
        self.facts = Facts.from_dict(row.facts)
        self.created = row.created

    def params(self) -> list[dict[str, Value]]:
        """The parameters of every trial that was begun, by number, constants included."""
        return [completed(self.spec.space, trial.params) for trial in self._study.get_trials(deepcopy=False)]

    def told(self) -> int:
        """How many trials, from number 0 on, are finished in Optuna's eyes."""
        trials = self._study.get_trials(deepcopy=False)
        return next((trial.number for trial in trials if not trial.state.is_finished()), len(trials))

    def outcomes(self) -> dict[int, Outcome]:
        """The outcome of every trial that was trained, by number, told or not."""
        curves: dict[int, list[FoldCurveRow]] = {}
        with self._session() as session:
            rows = session.scalars(select(OutcomeRow).where(OutcomeRow.study == self._uuid).order_by(OutcomeRow.trial))
            query = select(FoldCurveRow).where(FoldCurveRow.study == self._uuid)
            for curve in session.scalars(query.order_by(FoldCurveRow.trial, FoldCurveRow.fold)):
                curves.setdefault(curve.trial, []).append(curve)
            return {row.trial: _outcome(row, curves.get(row.trial, [])) for row in rows}

    def systems(self) -> dict[int, dict[str, Any]]:
        """Optuna's own attributes of every trial that was trained, by number."""
        query = select(OutcomeRow.trial, OutcomeRow.system).where(OutcomeRow.study == self._uuid)
        with self._session() as session:
            return {row.trial: row.system for row in session.execute(query.order_by(OutcomeRow.trial))}

    def add(self, params: Mapping[str, Value]) -> None:
        """Begins the next trial, in one commit."""
        self._study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=searched(self.spec.space, params),
                distributions=distributions(self.spec.space),
            )
        )

    def save(self, result: Result) -> None:
        """Keeps what a trial gave, in one commit, whether or not it is its turn to be told."""
        outcome = asdict(result.outcome)
        folds = outcome.pop("folds")
        with self._session.begin() as session:
            session.add(OutcomeRow(study=self._uuid, trial=result.number, outcome=outcome, system=dict(result.system)))
            session.add_all(
                FoldCurveRow(
                    study=self._uuid,
                    trial=result.number,
                    fold=fold,
                    **{key: _nulled(values) for key, values in curve.items()},
                )
                for fold, curve in enumerate(folds)
            )

    def tell(self, number: int, outcome: Outcome, attributes: Mapping[str, float | int | str]) -> None:
        """Finishes trial `number` in Optuna's eyes. Told again after an interruption, it ends the same."""
        trial = self._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)
        for name, value in attributes.items():
            self._storage.set_trial_user_attr(trial, name, value)
        for epoch, value in enumerate(outcome.curve, 1):
            self._storage.set_trial_intermediate_value(trial, epoch, value)
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
        finally:
            with self._session.begin() as session:
                session.get_one(RunRow, row.id).ended = datetime.now(UTC)

    def environment(self) -> dict[str, str]:
        """The environment of the latest run."""
        with self._session() as session:
            query = select(RunRow.environment).where(RunRow.study == self._uuid).order_by(RunRow.id.desc()).limit(1)
            return dict(session.scalars(query).one())


def _prefer_wal(connection: Any, _: object) -> None:  # noqa: ANN401 (a DB-API connection of any driver)
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _nulled(values: Sequence[float]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values]


def _outcome(row: OutcomeRow, folds: Sequence[FoldCurveRow]) -> Outcome:
    def curve(values: Sequence[float | None]) -> tuple[float, ...]:
        return tuple(math.nan if value is None else value for value in values)

    read = [FoldCurve(curve(fold.train_loss), curve(fold.valid_loss), curve(fold.metric)) for fold in folds]
    return TypeAdapter(Outcome).validate_python({**row.outcome, "folds": read})


def _check_unchanged(stored: StoredStudy, spec: Spec, facts: Facts) -> None:
    """Only the number of trials may change in a begun study, and the place of equal data."""
    before, after = stored.spec.to_dict(), spec.to_dict()
    for section in after:
        for key in sorted(before[section].keys() | after[section].keys()):
            if (section, key) in {("study", "trials"), ("data", "path")}:
                continue
            old, new = (json.dumps(side[section].get(key)) for side in (before, after))
            if old != new:
                raise UserError(
                    f"`{key}` was {old} when the study began and is {new} now",
                    where=f"[{section}] {key}",
                    mend="put it back, or search anew under another `[study] name`; only `trials` may change",
                )
    if stored.facts.digest != facts.digest:
        raise UserError(
            "the data have changed since the study began",
            where=spec.data_paths,
            mend="put them back, or search anew under another `[study] name`",
        )
