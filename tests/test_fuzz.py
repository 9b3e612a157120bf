"""Random study files, data files and stores near valid ones: each is taken, or refused with a message, never a crash.

Here a few examples, the same ones each time; `scripts/fuzz` draws others for as long as it is told.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bad.cases import STORE
from tuner.errors import UserError
from tuner.init import main as init
from tuner.results.configuration import chosen_configuration
from tuner.search.study import findings, prepare
from tuner.spec.file import SECTIONS, read_spec, read_spec_dict
from tuner.spec.sections import Section, Spec
from tuner.spec.space import PARAMETERS
from tuner.storage.store import Store

# how many times as many examples as usual, then random ones
TIMES = int(os.environ.get("TUNER_FUZZ", "0"))


def examples(count: int) -> settings:
    return settings(
        max_examples=count * max(TIMES, 1),
        derandomize=not TIMES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def refused(error: UserError) -> None:
    """A message says what is wrong, and is not endless."""
    assert error.what
    assert len(str(error)) < 5000


def read(path: Path) -> None:
    """Reads a study file and prepares what it describes, up to training."""
    try:
        spec = read_spec(path)
        assert read_spec_dict(json.loads(json.dumps(spec.to_dict(), allow_nan=False))) == spec
        prepare(spec)
    except UserError as error:
        refused(error)


# --- study files

WORDS = "forecast classify loss average_precision f1 blocked walk_forward series interpolate tpe gp random rungs median"
words = st.sampled_from(
    [*WORDS.split(), "none", "layer", "batch", "bf16", "auto", "market", "a", "b", "label", "time", ""]
)
numbers = st.one_of(
    st.sampled_from([0, 1, 2, 3, 5, 8, 0.0, 0.1, 0.2, 0.5, 1.0, 2.0, -1, -0.5, 1e-9, 1e300, 2**62, 2**63, 10**30]),
    st.integers(),
    st.floats(),
)
dates = st.sampled_from([date(2024, 1, 1), datetime(2024, 1, 1)])
plain = st.one_of(words, numbers, st.booleans(), st.text(max_size=5), dates)
lines = st.dictionaries(
    st.sampled_from(["low", "high", "log", "step", "default", "choices"]),
    st.one_of(numbers, st.booleans(), st.lists(plain)),
)
values = st.one_of(plain, st.lists(plain, max_size=3), lines)


def keys_of(section: str) -> list[str]:
    model = Spec.model_fields[section].annotation
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, Section) else list(PARAMETERS)


def section(name: str) -> st.SearchStrategy[Any]:
    right = st.dictionaries(st.sampled_from(keys_of(name)), values, max_size=3)
    return st.one_of(right, right, st.dictionaries(st.text(max_size=3), values, max_size=1), values)


studies = st.one_of(
    st.fixed_dictionaries({}, optional={name: section(name) for name in SECTIONS}),
    st.dictionaries(st.text(max_size=3), values, max_size=1),
)

VALID: dict[str, dict[str, Any]] = {
    "data": {"path": "data.csv", "label": "label"},
    "task": {"window": 4},
    "cv": {"folds": 2},
    "train": {"precision": "fp32"},
    "space": {"dropout": {"low": 0.1, "high": 0.5}},
}
ROWS = "\n".join(["time,a,b,label", *(f"{n},{n * n % 7},{n % 3},{int(n % 20 > 16)}" for n in range(80))])


def over(sections: dict[str, Any]) -> dict[str, Any]:
    """A study file that is valid but for these sections."""
    merged: dict[str, Any] = dict(VALID)
    for name, keys in sections.items():
        usual = merged.get(name)
        merged[name] = {**usual, **keys} if isinstance(usual, dict) and isinstance(keys, dict) else keys
    return merged


def spliced(content: bytes, draw: st.DrawFn) -> bytes:
    """The content with a few stretches replaced by other bytes."""
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, len(content)))
        past = first + draw(st.integers(0, 9))
        piece = draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b'"', b"[", b"{", b"=", b",", b";", b"\n", b"."]))
        )
        content = content[:first] + piece + content[past:]
    return content


@st.composite
def broken_studies(draw: st.DrawFn) -> bytes:
    return spliced(tomli_w.dumps(VALID).encode(), draw)


@examples(60)
@given(sections=studies)
def test_a_study_file_of_random_keys(sections, folder) -> None:
    (folder / "data.csv").write_text(ROWS)
    (folder / "random.toml").write_bytes(tomli_w.dumps(over(sections)).encode(errors="replace"))
    read(folder / "random.toml")


@examples(60)
@given(content=broken_studies())
def test_a_study_file_of_random_bytes(content, folder) -> None:
    (folder / "data.csv").write_text(ROWS)
    (folder / "random.toml").write_bytes(content)
    read(folder / "random.toml")


# --- data files

NAMES = [
    "",
    " ",
    "a b",
    "a\tb",
    *["time", "date", "a", "b", "label", "anomaly", "index", "1", "ä", "<script>", "=1+1", "#"],
]
CELLS = [
    "",
    " ",
    *["NaN", "inf", "-inf", "1e308", "1e39", "1e-320", "-0", "0x1", "1_0", "text", "true", "FALSE", "ä", '"', "'"],
]
DATES = "2024-01-01 2024-02-30 1/2/24 10:00 9999-12-31 2024-01-01T00:00:00+25:00"
ODD = [*CELLS, *DATES.split(), str(2**64), "🙂"]
KINDS = ["walk", "sine", "count", "far", "days", "months", "label", "rare", "flat", "text", "big"]


def column(kind: str, rows: int, rng: np.random.Generator) -> list[str]:
    n = np.arange(rows)
    columns: dict[str, Callable[[], Iterable[object]]] = {
        "walk": lambda: (f"{value:.3f}" for value in rng.normal(size=rows).cumsum()),
        "sine": lambda: (f"{value:.3f}" for value in np.sin(n / 5)),
        "count": lambda: n,
        "far": lambda: (n * (2**62 // max(rows, 1)) * 2 - 2**62).tolist(),
        "days": lambda: np.datetime64("2024-01-01") + n,
        "months": lambda: (f"{value}-01T10:00:00Z" for value in np.datetime64("1700-01", "M") + 90 * n),
        "label": lambda: (n % 20 > 15).astype(int),
        "rare": lambda: (n == rows // 2).astype(int),
        "flat": lambda: "1" * rows,
        "text": lambda: (f"x{value % 3}" for value in n),
        "big": lambda: (f"{value:.3e}" for value in rng.normal(size=rows) * 1e38),
    }
    return list(map(str, columns[kind]()))


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A CSV file: columns of all kinds, a few odd cells, any separator and line end; perhaps broken."""
    rows = draw(st.sampled_from([0, 1, 2, 17, 60, 60, 150, 400]))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    cells = [list(row) for row in zip(*(column(kind, rows, rng) for kind in kinds), strict=True)]
    for _ in range(draw(st.sampled_from([0, 0, 1, 2, 9])) if rows else 0):
        cells[draw(st.integers(0, rows - 1))][draw(st.integers(0, len(kinds) - 1))] = draw(st.sampled_from(ODD))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=len(kinds), max_size=len(kinds)))
    separator, end = draw(st.sampled_from([",", ";", "\t"])), draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    content = end.join(separator.join(row) for row in [names, *cells]).encode()
    return spliced(content, draw) if draw(st.sampled_from([False, False, True])) else content


sections = st.fixed_dictionaries(
    {
        "data": st.fixed_dictionaries(
            {"path": st.just("random.csv")},
            optional={
                "time": st.sampled_from(["", "time"]),
                "label": st.sampled_from(["", "label", "a"]),
                "features": st.sampled_from([["a"], ["a", "b"]]),
                "missing": st.sampled_from(["refuse", "interpolate"]),
                "max_gap": st.sampled_from([1.5, 1e300]),
            },
        ),
        "task": st.sampled_from(
            [{"window": 4}, {"window": 1}, {"window": 3, "kind": "classify"}, {"difference": True}]
        ),
        "cv": st.fixed_dictionaries(
            {"scheme": st.sampled_from(["blocked", "walk_forward", "series"])},
            optional={"folds": st.integers(2, 9), "holdout": st.sampled_from([0.0, 0.5, 0.99]), "embargo": st.just(5)},
        ),
        "study": st.sampled_from([{}, {"metric": "f1"}, {"metric": "average_precision"}]),
        "train": st.just({"precision": "fp32"}),
    }
)


@examples(60)
@given(content=tables(), sections=sections)
def test_a_data_file_is_taken_or_refused(content, sections, folder) -> None:
    (folder / "random.csv").write_bytes(content)
    (folder / "csv.toml").write_text(tomli_w.dumps(sections))
    read(folder / "csv.toml")


@examples(60)
@given(content=tables())
def test_init_writes_a_study_file_that_can_be_run_or_refuses(content, folder) -> None:
    (folder / "random.csv").write_bytes(content)
    target = folder / "written.toml"
    target.unlink(missing_ok=True)
    try:
        init([str(folder / "random.csv")], out=target)
    except UserError as error:
        refused(error)
        assert not target.exists()
    else:
        prepare(read_spec(target))


# --- stores

CELLS_OF_JSON = [
    ("tuner_studies", "spec"),
    ("tuner_studies", "facts"),
    ("tuner_outcomes", "outcome"),
    ("tuner_studies", "environment"),
    ("study_user_attributes", "value_json"),
    ("trial_user_attributes", "value_json"),
    ("trial_params", "distribution_json"),
]
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=5,
)


@examples(10)
@given(cell=st.sampled_from(CELLS_OF_JSON), value=json_values, data=st.data())
def test_a_store_with_another_value_in_it_is_read_or_refused(cell, value, data, fresh_run, folder) -> None:
    path = Path(shutil.copy(fresh_run.folder / STORE, folder / "random.db"))
    table, name = cell
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(f"SELECT rowid, {name} FROM {table} ORDER BY rowid").fetchall()  # noqa: S608
        row, text = data.draw(st.sampled_from(rows))
        held = json.loads(text)
        if isinstance(held, dict) and held:  # one of its keys, mostly
            held |= data.draw(
                st.one_of(st.sampled_from(sorted(held)).map(lambda key: {key: value}), st.just({"x": value}))
            )
        else:
            held = value
        connection.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (json.dumps(held), row))  # noqa: S608
        connection.commit()
    try:
        with Store(f"sqlite:///{path}", create=False) as store:
            study = store.open("small")
            chosen_configuration(findings(study), study.environment(), "best")
    except UserError as error:
        refused(error)
