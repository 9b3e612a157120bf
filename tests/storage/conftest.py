"""A store of its own for each test: a copy of one that was made once, as making one takes a while."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.search.making import FACTS
from tests.search.storing import SPEC
from tuner.storage.store import Store
from tuner.storage.stored_study import StoredStudy


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "studies.db"
    Store(f"sqlite:///{path}", create=True).close()
    return path


@pytest.fixture
def url(empty_store: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(empty_store, tmp_path)}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url, create=False)
    yield store
    store.close()


@pytest.fixture
def study(store: Store) -> StoredStudy:
    return store.begin(SPEC, FACTS)
