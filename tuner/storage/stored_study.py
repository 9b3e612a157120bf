"""One study of the store: what was asked, trained, told and evaluated.

It has one writer, its coordinator. What that writes is committed at once.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, get_type_hints

import numpy as np
import optuna
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial
from pydantic import BaseModel, TypeAdapter, create_model
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from tuner.data.series import Floats
from tuner.errors import UserError
from tuner.evaluation.detection import Scores
from tuner.evaluation.holdout import Holdout
from tuner.results.findings import StudyInfo
from tuner.results.selection import shrinkage
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.storage.distributions import STATES, optuna_space, with_constants, without_constants
from tuner.storage.faults import reading
from tuner.storage.schema import (
    Array,
    Base,
    HeldOutRow,
    HoldoutRow,
    OutcomeRow,
    PathPointRow,
    RefitRow,
    StudyRow,
    write_trial,
)
from tuner.training.outcome import FoldCurve, Outcome, standard_error

FACTS, HOLDOUTS = TypeAdapter(StudyInfo), TypeAdapter(Holdout)
# What an outcome holds besides its curves and scores, which are kept as arrays.
ARRAYS = ("curve", "folds", "scores")
FIGURES: type[BaseModel] = create_model(  # type: ignore[call-overload]  # its fields are known when it runs
    "FIGURES", **{name: (kind, ...) for name, kind in get_type_hints(Outcome).items() if name not in ARRAYS}
)


class StoredStudy:
    """One study of the store.

    Attributes:
        spec: as it was when the study began, but for the number of trials, which is the latest.
        facts: about data and machine.
    """

    def __init__(self, study: optuna.Study, storage: RDBStorage, session: sessionmaker[Session], row: StudyRow) -> None:
        self._study, self._storage, self._session = study, storage, session
        self._uuid = row.uuid
        self._update = update(StudyRow).where(StudyRow.uuid == row.uuid)
        self._where = f"the study {study.study_name} in the store"
        try:
            self.spec = read_spec_dict(row.spec)
        except UserError as error:
            raise UserError(
                f"another version of the tuner wrote it: {error.where}: {error.what}",
                where=self._where,
                hint="use the version that wrote it, or name another --storage",
            ) from None
        self.facts = FACTS.validate_python(row.facts)

    @property
    def storage(self) -> str:
        """The URL of the store, without a password: what a user can paste."""
        url = self._storage.engine.url
        return url.set(password=None).difference_update_query(["password"]).render_as_string()

    def begin_run(self, spec: Spec, environment: Mapping[str, str]) -> None:
        """Notes the study file and the environment that a run uses, in one commit."""
        self._keep(spec=spec.to_dict(), environment=dict(environment))
        self.spec = spec

    def environment(self) -> dict[str, str]:
        """The environment of the latest run; empty before the first."""
        with self._reading() as session:
            return dict(session.scalars(select(StudyRow.environment).where(StudyRow.uuid == self._uuid)).one())

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with reading(self._where), self._session() as session:
            yield session

    def _keep(self, *rows: Base, **changes: object) -> None:
        """Adds rows and changes columns of the study's own, in one commit."""
        with self._session.begin() as session:
            session.add_all(rows)
            session.execute(self._update.values(changed=datetime.now(UTC), **changes))

    # --- its trials

    def params(self) -> list[dict[str, Value]]:
        """The parameters of every trial that was begun, by number, constants included."""
        with reading(self._where):
            return [with_constants(self.spec.space, trial.params) for trial in self._study.get_trials(deepcopy=False)]

    def n_told(self) -> int:
        """The number of trials, from number 0 on, that are finished in Optuna's eyes."""
        with reading(self._where):
            trials = self._study.get_trials(deepcopy=False)
        return next((trial.number for trial in trials if not trial.state.is_finished()), len(trials))

    def outcomes(self) -> dict[int, Outcome]:
        """The outcome of every trial that was trained, by number, told or not, without its scores."""
        outcomes = {trial: outcome for (trial, _), outcome in self._trained(OutcomeRow.repeat == 0).items()}
        with reading(self._where):
            if lacking := set(range(self.n_told())) - outcomes.keys():
                raise LookupError(f"trial {min(lacking)} is finished and has no outcome")
        return outcomes

    def repeats(self) -> dict[tuple[int, int], Outcome]:
        """The outcome of every repeat of a trial, by the trial's number and the repeat's, from 1 on."""
        return self._trained(OutcomeRow.repeat > 0)

    def _trained(self, which: ColumnElement[bool]) -> dict[tuple[int, int], Outcome]:
        query = select(OutcomeRow).where(OutcomeRow.study == self._uuid, which)
        with self._reading() as session:
            rows = session.scalars(query.order_by(OutcomeRow.trial, OutcomeRow.repeat))
            return {(row.trial, row.repeat): _outcome(row) for row in rows}

    def scores(self, number: int) -> Scores | None:
        """The out-of-fold scores of a complete trial, one fold after the other; None for any other trial."""
        query = select(OutcomeRow.scores).where(
            OutcomeRow.study == self._uuid, OutcomeRow.trial == number, OutcomeRow.repeat == 0
        )
        with self._reading() as session:
            return session.scalars(query).one_or_none()

    def rows(self) -> Array | None:
        """The rows that such scores are of and those of the holdout, as `keep_rows` was given them; None if not."""
        with self._reading() as session:
            rows = session.scalars(select(StudyRow.rows).where(StudyRow.uuid == self._uuid)).one()
        # those of an earlier version are kept anew
        return rows if rows is not None and "part" in (rows.dtype.names or ()) else None

    def keep_rows(self, rows: Array) -> None:
        """Keeps the rows that the windows of all folds, one after the other, and of the holdout answer."""
        self._keep(rows=rows)

    def add(self, params: Mapping[str, Value]) -> None:
        """Begins the next trial, in one commit."""
        self._study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=without_constants(self.spec.space, params),
                distributions=optuna_space(self.spec.space),
            )
        )

    def save(self, number: int, outcome: Outcome, repeat: int = 0) -> None:
        """Keeps what a trial gave, in one commit, whether or not it is its turn to be told."""
        # no other trial is ever chosen
        kept = outcome.scores if outcome.state == "complete" and repeat == 0 else ()
        scores = np.concatenate(kept) if kept else None
        self._keep(OutcomeRow(study=self._uuid, trial=number, repeat=repeat, scores=scores, **_columns(outcome)))

    def tell(self, number: int, params: Mapping[str, Value], outcome: Outcome) -> None:
        """Finishes trial `number` in Optuna's eyes. Told again after an interruption, it ends the same."""
        trial = self._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)
        with self._session.begin() as session:
            write_trial(session, trial, attributes(self.facts.test_to_train, params, outcome), outcome.curve)
            counted = StudyRow.complete + StudyRow.pruned + StudyRow.failed > number
            count = getattr(StudyRow, outcome.state)
            session.execute(
                self._update.where(~counted).values({count: count + 1, StudyRow.changed: datetime.now(UTC)})
            )
            if outcome.state == "complete":
                least, cost = StudyRow.best_cost, outcome.cost(self.spec.metric)
                best = {"best": number, "best_value": outcome.value, "best_cost": cost}
                session.execute(self._update.where(or_(least.is_(None), least > cost)).values(best))
        values = None if outcome.value is None else [outcome.value]
        self._storage.set_trial_state_values(trial, STATES[outcome.state], values)

    # --- what is measured of chosen trials after the search, and never told to Optuna

    def path_points(self) -> list[tuple[dict[str, Value], Outcome]]:
        """Every configuration that was trained for a path, constants included, and what it gave."""
        query = select(PathPointRow).where(PathPointRow.study == self._uuid).order_by(PathPointRow.configuration)
        with self._reading() as session:
            return [(json.loads(row.configuration), _outcome(row)) for row in session.scalars(query)]

    def save_path_point(self, params: Mapping[str, Value], outcome: Outcome) -> None:
        """Keeps what a configuration gave, in one commit."""
        configuration = json.dumps(dict(params), sort_keys=True)
        self._keep(PathPointRow(study=self._uuid, configuration=configuration, **_columns(outcome)))

    def refits(self) -> dict[tuple[int, int], tuple[Array, Floats | None]]:
        """Outputs for the holdout's windows, (m, outputs), and training residual of every refit, by trial and seed."""
        with self._reading() as session:
            rows = session.scalars(select(RefitRow).where(RefitRow.study == self._uuid))
            return {(row.trial, row.seed): (row.outputs, row.residual) for row in rows}

    def save_refit(self, trial: int, seed: int, outputs: Array, residual: Floats | None) -> None:
        """Keeps what a refit gave, in one commit."""
        self._keep(RefitRow(study=self._uuid, trial=trial, seed=seed, outputs=outputs, residual=residual))

    def holdout(self, best: int, one_se: int) -> Holdout | None:
        """The report on the holdout with these two trials chosen; None if there is none."""
        with self._reading() as session:
            row = session.get(HoldoutRow, (self._uuid, best, one_se))
            if row is None:
                return None
            return replace(HOLDOUTS.validate_python(row.report), looks=self._looks(session))

    def held_out(self, best: int, one_se: int) -> Array | None:
        """What such a report's first model says of the holdout's rows; None if it was not kept."""
        with self._reading() as session:
            row = session.get(HeldOutRow, (self._uuid, best, one_se))
            return None if row is None else row.rows

    def save_holdout(self, best: int, one_se: int, report: Holdout, rows: Array) -> None:
        """Keeps a report, and what its first model says of the holdout's rows, in one commit."""
        key = {"study": self._uuid, "best": best, "one_se": one_se}
        self._keep(HoldoutRow(**key, report=asdict(report)), HeldOutRow(**key, rows=rows))

    def _looks(self, session: Session) -> int:
        """The number of trials that were scored as chosen ones, in all studies of the store with the same data."""
        rows = session.execute(
            select(HoldoutRow.study, HoldoutRow.best, HoldoutRow.one_se)
            .join(StudyRow, StudyRow.uuid == HoldoutRow.study)
            .where(StudyRow.facts["digest"].as_string() == self.facts.digest)
        )
        return len({(study, trial) for study, *chosen in rows for trial in chosen})


def attributes(test_to_train: float, params: Mapping[str, Value], outcome: Outcome) -> dict[str, float | int | str]:
    """Scalar attributes of a trial, which become axes in Optuna's tools."""
    shown: dict[str, float | int | str] = {"fold_epochs": outcome.fold_epochs, "seconds": round(outcome.seconds, 3)}
    if outcome.reason:
        shown["reason"] = outcome.reason[:2000]
    if outcome.state == "failed":
        return shown
    shown["se"] = standard_error(outcome.at_best("metric"), test_to_train)
    shown["shrinkage"] = shrinkage(params, outcome)
    figures = ("best_epoch", "train_loss", "valid_loss", "gap", "weights", "zeros", "weight_norm")
    rates = ("average_precision", "precision", "recall", "f1") if outcome.detection else ()
    shown |= {name: getattr(outcome, name) for name in figures}
    return shown | {name: getattr(outcome.detection, name) for name in rates}


def _columns(outcome: Outcome) -> dict[str, Any]:
    """The columns `outcome` and `curves` of a row; the mean curve follows from the folds'."""
    figures = asdict(replace(outcome, curve=(), folds=(), scores=()))
    for name in ARRAYS:
        del figures[name]
    folds = [(fold.train_loss, fold.valid_loss, fold.metric) for fold in outcome.folds]
    curves = np.array(folds, np.float64).reshape(len(folds), 3, len(outcome.curve))
    return {"outcome": figures, "curves": np.ascontiguousarray(curves.transpose(1, 2, 0))}


def _outcome(row: OutcomeRow | PathPointRow) -> Outcome:
    """The outcome of a row.

    Raises:
        ValueError, TypeError: it holds none.
    """
    folds = tuple(FoldCurve(*map(tuple, fold)) for fold in row.curves.transpose(2, 0, 1).tolist())
    # each sum runs along a row of the array, as in training over the folds of one epoch: the same to the last bit
    outcome = Outcome(
        **dict(FIGURES.model_validate(row.outcome)),
        curve=tuple(np.nanmean(row.curves[2], axis=1).tolist()),
        folds=folds,
    )
    if outcome.state != "failed" and not 0 < outcome.best_epoch <= len(outcome.curve):
        raise ValueError("the best epoch of a trial is none of its epochs")
    return outcome
