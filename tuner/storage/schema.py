"""The tables of a store: ours beside those that Optuna keeps its studies in, which no other module touches."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from optuna.storages._rdb.models import (
    BaseModel,
    StudyModel,
    StudySystemAttributeModel,
    StudyUserAttributeModel,
    TrialIntermediateValueModel,
    TrialUserAttributeModel,
)
from sqlalchemy import JSON, Connection, Engine, ForeignKey, LargeBinary, TypeDecorator, delete, insert, inspect, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tuner.errors import UserError

# The attribute by which a study of Optuna's says which row of ours belongs to it.
UUID_ATTRIBUTE = "tuner:uuid"
# Optuna's, and that in which alembic keeps their version.
OPTUNA_TABLES = frozenset(BaseModel.metadata.tables) | {"alembic_version"}

Array = npt.NDArray[Any]


class ArrayFile(TypeDecorator[Array]):
    """An array in NumPy's own file format, which keeps type and shape and holds nothing that could be run."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Array | None, dialect: object) -> bytes | None:  # noqa: ARG002
        if value is None:
            return None
        file = BytesIO()
        np.lib.format.write_array(file, value, allow_pickle=False)
        return file.getvalue()

    def process_result_value(self, value: bytes | None, dialect: object) -> Array | None:  # noqa: ARG002
        return None if value is None else np.lib.format.read_array(BytesIO(value), allow_pickle=False)


Owner = Annotated[str, mapped_column(ForeignKey("tuner_studies.uuid", ondelete="CASCADE"), primary_key=True)]
Key = Annotated[int, mapped_column(primary_key=True)]


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON, Array: ArrayFile}  # noqa: RUF012 (SQLAlchemy reads it)


class StudyRow(Base):
    """A study: hung on a UUID that Optuna's study carries as an attribute, as SQLite reuses ids after a delete.

    Attributes:
        spec, facts: the study file, and what the data fix.
        complete, pruned, failed: how many trials were told.
        best, best_value, best_cost: number, value and cost (`Metric.cost`) of the best complete trial.
        changed: when a run last began, or something was kept.
        environment: of the latest run.
        rows: what the windows of all folds and of the holdout answer: `time`, `label`, `part`, `values`.
    """

    __tablename__ = "tuner_studies"

    uuid: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    spec: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]]
    environment: Mapped[dict[str, Any]] = mapped_column(default=dict)
    complete: Mapped[int] = mapped_column(default=0)
    pruned: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    best: Mapped[int | None]
    best_value: Mapped[float | None]
    best_cost: Mapped[float | None]
    changed: Mapped[datetime]
    rows: Mapped[Array | None] = mapped_column(deferred=True)


class OutcomeRow(Base):
    """A trained trial, written the moment it ends, also while it waits for its turn to be told to Optuna.

    Attributes:
        repeat: 0 for the trial itself; repeats of it are no trials to Optuna.
        outcome: all but what follows.
        curves: (3, epochs, folds): training loss, validation loss, metric.
        scores: out of fold, one fold after the other, of a complete trial.
    """

    __tablename__ = "tuner_outcomes"

    study: Mapped[Owner]
    trial: Mapped[Key]
    repeat: Mapped[Key]
    outcome: Mapped[dict[str, Any]]
    curves: Mapped[Array]
    scores: Mapped[Array | None] = mapped_column(deferred=True)


class PathPointRow(Base):
    """A configuration that was trained for a regularisation path, known by all its parameters as sorted JSON."""

    __tablename__ = "tuner_path_points"

    study: Mapped[Owner]
    configuration: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[dict[str, Any]]
    curves: Mapped[Array]


class RefitRow(Base):
    """A configuration refitted on all rows before the holdout.

    Attributes:
        outputs: (m, outputs) for the holdout's windows.
        residual: (outputs,) on its training windows; None for `classify`.
    """

    __tablename__ = "tuner_refits"

    study: Mapped[Owner]
    trial: Mapped[Key]
    seed: Mapped[Key]
    outputs: Mapped[Array]
    residual: Mapped[Array | None]


class HoldoutRow(Base):
    """The report on the holdout of a study that chose these two trials."""

    __tablename__ = "tuner_holdouts"

    study: Mapped[Owner]
    best: Mapped[Key]
    one_se: Mapped[Key]
    report: Mapped[dict[str, Any]]


class HeldOutRow(Base):
    """The shipped trial on the holdout's rows, (m,): their `score`, and how far its forecasts are `off`."""

    __tablename__ = "tuner_held_out"

    study: Mapped[Owner]
    best: Mapped[Key]
    one_se: Mapped[Key]
    rows: Mapped[Array]


def check_tables(database: Engine | Connection) -> bool:
    """True if the tuner's tables are in the database; nothing is made or changed.

    Raises:
        UserError: its tables are another application's, or of another version of the tuner.
    """
    found = inspect(database)
    tables = set(found.get_table_names())
    others = sorted(tables - OPTUNA_TABLES - set(Base.metadata.tables))
    if others and not tables >= OPTUNA_TABLES:
        raise UserError(
            f"it belongs to another application, whose tables are {', '.join(others[:3])}{', …' * (len(others) > 3)}",
            hint="name another --storage, such as a new file or an empty database",
        )
    # a store that was cut short while it was made has some of them
    for table in Base.metadata.sorted_tables:
        if table.name in tables:
            there = {column["name"] for column in found.get_columns(table.name)}
            if missing := [column.name for column in table.columns if column.name not in there]:
                raise UserError(
                    f"another version of the tuner made it: its table {table.name} has no column `{missing[0]}`",
                    hint="name another --storage, or use the version that made it",
                )
    return StudyRow.__tablename__ in tables


def delete_rows(session: Session, uuid: str, study: int) -> None:
    """Deletes a study: our rows, and Optuna's of its id."""
    # SQLite cascades nothing unless it is told to, connection by connection
    for table in reversed(Base.metadata.sorted_tables):
        for key in table.foreign_keys:
            session.execute(delete(table).where(key.parent == uuid))
    session.execute(delete(StudyRow).where(StudyRow.uuid == uuid))
    session.delete(StudyModel.find_or_raise_by_id(study, session))


def known_uuids(connection: Connection) -> set[str]:
    """The rows of ours that belong to a study of Optuna's: its own tools may have deleted others."""
    attribute = StudyUserAttributeModel
    return {
        json.loads(value)
        for value in connection.scalars(select(attribute.value_json).where(attribute.key == UUID_ATTRIBUTE))
    }


def set_system_attributes(session: Session, study: int, values: Mapping[str, Any]) -> None:
    """Sets attributes of a study of Optuna's, in the place of those of the same names."""
    table = StudySystemAttributeModel
    session.execute(delete(table).where(table.study_id == study, table.key.in_(values)))
    rows = [{"study_id": study, "key": key, "value_json": json.dumps(value)} for key, value in values.items()]
    if rows:
        session.execute(insert(table), rows)


def write_trial(session: Session, trial: int, attributes: Mapping[str, Any], curve: Sequence[float]) -> None:
    """Gives a trial of Optuna's its attributes and intermediate values, in the place of any that it has.

    Optuna's own storage would make a commit an attribute and an epoch.
    """
    for model in (TrialUserAttributeModel, TrialIntermediateValueModel):
        session.execute(delete(model).where(model.trial_id == trial))
    session.add_all(
        TrialUserAttributeModel(trial_id=trial, key=name, value_json=json.dumps(value))
        for name, value in attributes.items()
    )
    for epoch, value in enumerate(curve, 1):
        stored, kind = TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
        row = {"trial_id": trial, "step": epoch, "intermediate_value": stored, "intermediate_value_type": kind}
        session.add(TrialIntermediateValueModel(**row))
