"""Our own tables, beside Optuna's in the same database: what Optuna has no place for."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# The attribute by which a study of Optuna's says which row of ours belongs to it.
UUID_ATTRIBUTE = "tuner:uuid"


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it)
        dict[str, Any]: JSON,
        list[float | None]: JSON,
        list[dict[str, list[float | None]]]: JSON,
    }


class StudyRow(Base):
    """A study: hung on a UUID that Optuna's study carries as an attribute, as SQLite reuses ids after a delete."""

    __tablename__ = "tuner_studies"

    uuid: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created: Mapped[datetime]
    spec: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]]


class RunRow(Base):
    """One run of a study: the study file and the environment that it used."""

    __tablename__ = "tuner_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    study: Mapped[str] = mapped_column(ForeignKey("tuner_studies.uuid", ondelete="CASCADE"))
    started: Mapped[datetime]
    ended: Mapped[datetime | None]
    spec: Mapped[dict[str, Any]]
    environment: Mapped[dict[str, Any]]


class OutcomeRow(Base):
    """A trained trial, written the moment it ends, also while it waits for its turn to be told to Optuna.

    `repeat` is 0 for the trial itself; repeats of it are no trials to Optuna.
    """

    __tablename__ = "tuner_outcomes"

    study: Mapped[str] = mapped_column(ForeignKey("tuner_studies.uuid", ondelete="CASCADE"), primary_key=True)
    trial: Mapped[int] = mapped_column(primary_key=True)
    repeat: Mapped[int] = mapped_column(primary_key=True, default=0)
    outcome: Mapped[dict[str, Any]]


class FoldCurveRow(Base):
    """One fold of a trained trial by epoch; null where a fold has no value (F1 without an inner threshold)."""

    __tablename__ = "tuner_fold_curves"

    study: Mapped[str] = mapped_column(ForeignKey("tuner_studies.uuid", ondelete="CASCADE"), primary_key=True)
    trial: Mapped[int] = mapped_column(primary_key=True)
    repeat: Mapped[int] = mapped_column(primary_key=True, default=0)
    fold: Mapped[int] = mapped_column(primary_key=True)
    train_loss: Mapped[list[float | None]]
    valid_loss: Mapped[list[float | None]]
    metric: Mapped[list[float | None]]


class OutOfFoldRow(Base):
    """The out-of-fold scores of a chosen trial and their rows, by time: NumPy arrays, each in its own file format."""

    __tablename__ = "tuner_out_of_fold"

    study: Mapped[str] = mapped_column(ForeignKey("tuner_studies.uuid", ondelete="CASCADE"), primary_key=True)
    trial: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    time: Mapped[bytes] = mapped_column(LargeBinary)
    values: Mapped[bytes] = mapped_column(LargeBinary)
    labels: Mapped[bytes] = mapped_column(LargeBinary)
    scores: Mapped[bytes] = mapped_column(LargeBinary)


class PathPointRow(Base):
    """A configuration that was trained for a regularisation path, known by all its parameters as sorted JSON."""

    __tablename__ = "tuner_path_points"

    study: Mapped[str] = mapped_column(ForeignKey("tuner_studies.uuid", ondelete="CASCADE"), primary_key=True)
    configuration: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[dict[str, Any]]
    folds: Mapped[list[dict[str, list[float | None]]]]


class RefitRow(Base):
    """A configuration refitted on all rows before the holdout: losses and scores of its windows, as 64-bit floats."""

    __tablename__ = "tuner_refits"

    study: Mapped[str] = mapped_column(ForeignKey("tuner_studies.uuid", ondelete="CASCADE"), primary_key=True)
    trial: Mapped[int] = mapped_column(primary_key=True)
    seed: Mapped[int] = mapped_column(primary_key=True)
    losses: Mapped[bytes] = mapped_column(LargeBinary)
    scores: Mapped[bytes] = mapped_column(LargeBinary)


class HoldoutRow(Base):
    """The report on the holdout of a study that chose these two trials."""

    __tablename__ = "tuner_holdouts"

    study: Mapped[str] = mapped_column(ForeignKey("tuner_studies.uuid", ondelete="CASCADE"), primary_key=True)
    best: Mapped[int] = mapped_column(primary_key=True)
    one_se: Mapped[int] = mapped_column(primary_key=True)
    report: Mapped[dict[str, Any]]
