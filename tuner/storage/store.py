"""The store: a database of Optuna studies that any Optuna tool can open, with our own tables beside Optuna's."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal, Self

import optuna
from optuna.storages import RDBStorage
from sqlalchemy import NullPool, create_engine, event
from sqlalchemy.orm import sessionmaker

from tuner.errors import UserError, nearest
from tuner.files import make_folder
from tuner.results.findings import StudyInfo
from tuner.spec.sections import Spec
from tuner.storage.faults import DATABASE_ERRORS, database_fault, display_url, missing_store, opening, reading
from tuner.storage.lock import advisory_lock, file_identity, file_kept, file_lock, lock_path, sqlite_file
from tuner.storage.schema import (
    UUID_ATTRIBUTE,
    Base,
    StudyRow,
    check_tables,
    delete_rows,
    set_system_attributes,
)
from tuner.storage.stored_study import StoredStudy

# Seconds for which a write waits while another process keeps a SQLite file locked.
BUSY_SECONDS = 60.0


class Store:
    """A database of studies; as a context, it closes at the end.

    Args:
        url: of SQLAlchemy; a SQLite file and its folder are made if they are missing and `create` is set.
        create: whether a missing SQLite file may be made.

    Attributes:
        display_url: the URL without its password.
        storage: by which Optuna's own tools read and write the studies.
        engine: of the database.

    Raises:
        UserError: it cannot be opened, is missing, or is no store; at the end of the context, it failed within.
    """

    def __init__(self, url: str, *, create: bool) -> None:
        new = False
        with opening(url) as self._url:
            self.display_url = display_url(self._url)
            self._path = sqlite_file(self._url)
            if self._path is not None and not self._path.exists():
                if not create:
                    raise missing_store(self.display_url)
                make_folder(self._path.parent)
                new = True
            arguments = {"connect_args": {"timeout": BUSY_SECONDS}} if self._url.get_backend_name() == "sqlite" else {}
            known = check_tables(create_engine(self._url, poolclass=NullPool, **arguments))
            whole = self._url.render_as_string(hide_password=False)
            self.storage = RDBStorage(whole, engine_kwargs=arguments, skip_compatibility_check=True)
            self.engine = self.storage.engine
            self._check_version()
            # another tool's is left as it is until a study is begun
            if known or new:
                self._furnish()
        self._file = None if self._path is None else file_identity(self._path)
        self._session = sessionmaker(self.engine, expire_on_commit=False)

    def _check_version(self) -> None:
        there, here = self.storage.get_current_version(), self.storage.get_head_version()
        if there != here:
            self.engine.dispose()
            raise UserError(
                f"its tables are those of Optuna {there}, and this Optuna has those of {here}",
                hint="bring a copy of it up to date (optuna storage upgrade --storage URL), or name another --storage",
            )

    def _furnish(self) -> None:
        """Makes those of our tables that are missing, and has SQLite write ahead."""
        if self._path is not None and not event.contains(self.engine, "connect", _prefer_wal):
            event.listen(self.engine, "connect", _prefer_wal)
            self.engine.dispose()
        Base.metadata.create_all(self.engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.close()
        if fault := database_fault(error, self.display_url):
            raise fault from error

    def close(self) -> None:
        """Writes the log back into the SQLite file, so that a copy of it is whole, and lets go of it."""
        if self._path is not None and file_identity(self._path) == self._file:
            # on a full disk the log stays beside the file, and the next one to open it reads both
            with suppress(*DATABASE_ERRORS), self.engine.connect() as connection:
                # a reader that stays keeps the log in use: then the last one to leave writes it back
                connection.exec_driver_sql("PRAGMA busy_timeout = 500")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        with suppress(*DATABASE_ERRORS):
            self.storage.remove_session()
        self.engine.dispose()

    def names(self) -> list[str]:
        """The studies of the store that the tuner made, by name."""
        with reading(self.display_url):
            # not by Optuna's summaries, which read every trial of every study
            studies = self.storage.get_all_studies()
            return sorted(study.study_name for study in studies if UUID_ATTRIBUTE in study.user_attrs)

    def open(self, name: str) -> StoredStudy:
        """The study called `name`.

        Raises:
            UserError: there is none.
        """
        names = self.names()
        if name not in names:
            hint = nearest(name, names) if names else "run it first: python -m tuner.run --study …"
            raise UserError(f"there is no study {name!r}", where=self.display_url, hint=hint)
        with reading(self.display_url):
            study = optuna.load_study(study_name=name, storage=self.storage)
            with self._session() as session:
                row = session.get_one(StudyRow, str(study.user_attrs[UUID_ATTRIBUTE]))
            return StoredStudy(study, self.storage, self._session, row)

    def begin(self, spec: Spec, facts: StudyInfo) -> StoredStudy:
        """The study that `spec` names: made if it is new, else checked to be the same search of the same data.

        Raises:
            UserError: a key changed that may not, the data changed, or another tool's study has the name.
        """
        name = spec.study.name
        if name in self.names():
            stored = self.open(name)
            _check_unchanged(stored, spec, facts)
            return stored
        direction: Literal["maximize", "minimize"] = "maximize" if spec.metric.maximise else "minimize"
        study = optuna.create_study(study_name=name, storage=self.storage, direction=direction, load_if_exists=True)
        if study.get_trials(deepcopy=False) or study.direction.name.lower() != direction:
            raise UserError(
                f"{name!r} is a study of another tool", where=self.display_url, hint="give yours another `[study] name`"
            )
        self._furnish()
        row = StudyRow(
            uuid=uuid.uuid4().hex,
            name=name,
            spec=spec.to_dict(),
            facts=asdict(facts),
            changed=datetime.now(UTC),
        )
        with self._session.begin() as session:
            session.add(row)
        # set last: a study without it was not begun, and is begun again
        study.set_user_attr(UUID_ATTRIBUTE, row.uuid)
        return StoredStudy(study, self.storage, self._session, row)

    def set_attributes(self, name: str, values: Mapping[str, Any]) -> None:
        """Sets system attributes of a study, all in one commit: no reader finds half of them."""
        study = optuna.load_study(study_name=name, storage=self.storage)._study_id
        with self._session.begin() as session:
            set_system_attributes(session, study, values)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """The right to write the study `name`, for as long as the context lasts.

        Raises:
            UserError: another process has it; or from whatever the block writes, once it is lost.
        """
        if self.engine.name == "postgresql":
            with advisory_lock(self.engine, name):
                yield
        elif self._path is None:
            yield
        else:
            with file_lock(lock_path(self._path, name), name), file_kept(self._path, self.engine):
                yield

    def delete(self, name: str) -> None:
        """Deletes the study `name`, Optuna's part and ours, in one commit; to be called with its lock, which goes too.

        Raises:
            UserError: there is none.
        """
        self.open(name)
        study = optuna.load_study(study_name=name, storage=self.storage)
        with self._session.begin() as session:
            delete_rows(session, str(study.user_attrs[UUID_ATTRIBUTE]), study._study_id)
        if self._path is not None:
            # while it is held, so that who waits for it makes a new one; Windows deletes it at the release
            with suppress(OSError):
                lock_path(self._path, name).unlink()


def _prefer_wal(connection: Any, _: object) -> None:  # noqa: ANN401 (a DB-API connection of any driver)
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _check_unchanged(stored: StoredStudy, spec: Spec, facts: StudyInfo) -> None:
    """Only the number of trials may change in a begun study, and the places of equal data and of an equal network."""
    before, after = stored.spec.to_dict(), spec.to_dict()
    for section in after:
        for key in sorted(before[section].keys() | after[section].keys()):
            if (section, key) in {("study", "trials"), ("data", "path"), ("model", "class")}:
                continue
            old, new = (json.dumps(side[section].get(key)) for side in (before, after))
            if key == "sha256" and old != new:
                raise UserError(
                    "the source of the network has changed since the study began",
                    where="[model] class",
                    hint="put it back, or search anew under another `[study] name`",
                )
            if old != new:
                raise UserError(
                    f"`{key}` was {old} when the study began and is {new} now",
                    where=f"[{section}] {key}",
                    hint="put it back, or search anew under another `[study] name`; only `trials` may change",
                )
    if stored.facts.digest != facts.digest:
        raise UserError(
            "the data have changed since the study began",
            where=spec.data_paths,
            hint="put them back, or search anew under another `[study] name`",
        )
