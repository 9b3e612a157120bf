"""Study files: read, overridden, and written back without loss; what is refused stands in tests/bad/studies.py."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.errors import UserError
from tuner.spec.file import read_spec, read_spec_dict, study_path
from tuner.spec.space import PARAMETERS

MINIMAL = '[data]\npath = "a.csv"\n'


def write(folder: Path, text: str = MINIMAL, name: str = "night.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


def lines(name: str) -> st.SearchStrategy[Any]:
    """A line of the space for a parameter: a constant, a range, steps or choices."""
    parameter = PARAMETERS[name]
    if parameter.kind is str:
        return st.one_of(
            st.sampled_from(parameter.words),
            st.lists(st.sampled_from(parameter.words), min_size=1, unique=True).map(lambda words: {"choices": words}),
        )
    low, high = max(parameter.least, 1e-6), min(parameter.most, 64)
    numbers = st.integers(int(low) + 1, int(high)) if parameter.kind is int else st.floats(low, high)
    pairs = st.lists(numbers, min_size=2, max_size=4, unique=True).map(sorted)
    return st.one_of(
        numbers,
        st.builds(lambda pair, log: {"low": pair[0], "high": pair[-1], "log": log}, pairs, st.booleans()),
        pairs.map(lambda pair: {"low": pair[0], "high": pair[-1], "step": pair[-1] - pair[0], "default": pair[0]}),
        pairs.map(lambda values: {"choices": values, "default": values[-1]}),
    )


names = st.text(min_size=1, max_size=8)
data = st.one_of(some(source=names), some(path=names)).filter(bool)
roles = some(
    time=names,
    label=names,
    features=st.one_of(names, st.lists(names, min_size=1, max_size=3)),
    max_gap=st.floats(1.5, 100),
    missing=st.sampled_from(["refuse", "interpolate"]),
)
tasks = st.one_of(
    some(kind=st.just("forecast"), window=st.integers(1, 99), horizon=st.integers(1, 9), difference=st.booleans()),
    st.fixed_dictionaries({"kind": st.just("classify")}, optional={"window": st.integers(1, 99)}),
)
studies = st.fixed_dictionaries(
    {
        "study": st.builds(
            lambda study, rule: study | rule,
            st.fixed_dictionaries(
                {"name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True)},
                optional={"seed": st.integers(0, 2**63 - 1), "trials": st.integers(1, 10**6)},
            ),
            some(min_precision=st.floats(0.01, 1.0)) | some(flag_share=st.floats(0.01, 0.99)),
        ),
        "data": st.builds(lambda one, other: one | other, data, roles),
        "task": tasks,
    },
    optional={
        "cv": some(
            scheme=st.sampled_from(["blocked", "walk_forward", "series"]),
            folds=st.integers(2, 100),
            embargo=st.integers(0, 100),
            holdout=st.floats(0, 0.99),
        ),
        "train": some(
            max_epochs=st.integers(1, 1000),
            patience=st.integers(1, 100),
            optimizer=st.sampled_from(["adam", "adamw"]),
            clip=st.floats(0.1, 10),
        ),
        "search": some(sampler=st.sampled_from(["auto", "gp", "tpe", "random"]), lag=st.integers(1, 1024)),
        "space": some(**{name: lines(name) for name in PARAMETERS}),
    },
)


@given(studies)
@settings(max_examples=50)
def test_a_spec_written_out_and_read_back_is_the_same(sections):
    spec = read_spec_dict(sections)
    assert read_spec_dict(spec.to_dict()) == spec
    assert read_spec_dict(tomllib.loads(tomli_w.dumps(spec.to_dict()))) == spec


@given(studies)
@settings(max_examples=50)
def test_every_key_of_a_study_file_arrives(sections):
    written = read_spec_dict(sections).to_dict()
    for section in sections.keys() - {"space"}:
        for key, value in sections[section].items():
            assert written[section][key] in (value, [value])


def test_every_key_but_the_data_has_a_default(tmp_path):
    spec = read_spec(write(tmp_path))
    assert (spec.study.name, spec.study.metric, spec.cv.scheme, spec.task.ahead) == ("night", "loss", "blocked", 1)


def test_paths_start_from_the_study_file(tmp_path):
    assert read_spec(write(tmp_path)).data.path == str(tmp_path / "a.csv")
    assert read_spec(write(tmp_path, '[data]\npath = "/b.csv"')).data.path == "/b.csv"


def test_a_study_is_a_path_if_it_looks_like_one():
    assert study_path("night") == Path("studies/night.toml")
    assert study_path("night.toml") == Path("night.toml")
    assert study_path("a/night") == Path("a/night")


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("train.patience=5", "train", "patience", 5),
        (" train.patience = 5", "train", "patience", 5),
        ("train.optimizer=adam", "train", "optimizer", "adam"),
        ('train.optimizer="adam"', "train", "optimizer", "adam"),
        ("data.features=a", "data", "features", ("a",)),
        ('data.features=["a", "b"]', "data", "features", ("a", "b")),
        ("data.label=a=b", "data", "label", "a=b"),
    ],
)
def test_an_override_replaces_one_key(tmp_path, override, section, key, value):
    spec = read_spec(write(tmp_path, MINIMAL + "[train]\nmax_epochs = 7\npatience = 9\n"), [override])
    assert getattr(getattr(spec, section), key) == value
    assert spec.train.max_epochs == 7


def test_the_last_of_two_overrides_holds(tmp_path):
    assert read_spec(write(tmp_path), ["train.patience=5", "train.patience=6"]).train.patience == 6


def test_an_override_of_the_space_replaces_the_line(tmp_path):
    path = write(tmp_path, MINIMAL + "[space]\ndropout = {low = 0.1, high = 0.4}\n")
    assert read_spec(path, ["space.dropout=0.3"]).space["dropout"].default == 0.3


@pytest.mark.parametrize("override", ["patience=5", "train.patience", "=5", ".patience=5", "train.=5"])
def test_an_override_that_is_none_is_refused(tmp_path, override):
    with pytest.raises(UserError, match=r"is not section\.key=value"):
        read_spec(write(tmp_path), [override])
