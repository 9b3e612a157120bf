"""Which networks train in bfloat16, and what a study is told that needs it where there is none."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.making import make_small_problem, make_spec, needs_bf16, params
from tests.processes import Done, fresh, run
from tests.studies import dump, write_small
from tuner.search.workers import LocalProcesses
from tuner.spec.sections import FLOAT32, Precision
from tuner.training import precision
from tuner.training.learner import Learner
from tuner.training.precision import WIDE_ENOUGH, resolve_precision

NONE_HERE = "the study trains in bfloat16, for which this processor has no LSTM"


def test_what_is_asked_for_needs_no_look_at_the_processor():
    assert resolve_precision("fp32") == FLOAT32
    assert resolve_precision("bf16") == Precision(1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU decides alone")
@pytest.mark.parametrize(
    ("capabilities", "able", "expected"),
    [
        ({"amx_bf16": True}, True, WIDE_ENOUGH),
        ({"amx_bf16": True}, False, None),
        ({"avx512_bf16": True, "amx_bf16": False}, True, WIDE_ENOUGH),
        ({"avx512_f": True, "avx512_bf16": False}, True, None),
        ({}, False, None),
    ],
)
def test_the_processor_decides(capabilities, able, expected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    monkeypatch.setattr(precision, "trains_bf16", lambda: able)
    assert resolve_precision("auto").bf16_from == expected


@needs_bf16
def test_networks_from_that_size_on_use_bfloat16():
    fold = make_small_problem().folds()[0]

    def losses(bf16_from: int | None) -> torch.Tensor:
        learner = Learner(make_spec(), fold, params(hidden_size=8), key=(0, 0), precision=Precision(bf16_from))
        return torch.from_numpy(learner.evaluate(fold.valid)[1])

    exact = losses(None)
    assert torch.equal(losses(9), exact)
    assert not torch.equal(losses(8), exact)


def refused(done: Done) -> bool:
    return done.status == 2 and NONE_HERE in done.err


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has it")
def test_a_study_that_wants_it_where_there_is_none_does_not_begin(tmp_path: Path) -> None:
    write_small(tmp_path)
    wanted = ("--study", "small.toml", "--set", "train.precision=bf16")
    # how oneDNN takes a processor for one without AVX512
    assert refused(fresh(tmp_path, "-m", "tuner.run", *wanted, ONEDNN_MAX_CPU_ISA="AVX2").wait())
    assert refused(run(tmp_path, "run", *wanted, "--check", before=go_without))
    # the same command without it finds no study that stands in its way
    assert run(tmp_path, "run", "--study", "small.toml", "--trials", 2).status == 0


def go_without() -> None:
    """Makes this process, and what it is told of its workers, one of a processor without bfloat16."""
    probe = LocalProcesses.probe
    precision.trains_bf16 = lambda device="cpu": False
    LocalProcesses.probe = lambda *arguments: replace(probe(*arguments), bf16=False)  # type: ignore[method-assign]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of networks of four units that was begun on another processor, where they use bfloat16."""
    folder = tmp_path_factory.mktemp("begun")
    write_small(folder)
    assert run(folder, "run", "--study", "small.toml", "--trials", 4).status == 0
    begin_elsewhere(folder, bf16_from=4)
    return folder


def begin_elsewhere(folder: Path, bf16_from: int) -> None:
    """Has the store say that the study began where networks of so many units and more use bfloat16."""
    with closing(sqlite3.connect(folder / "studies" / "studies.db")) as store, store:
        store.execute("UPDATE tuner_studies SET facts = json_set(facts, '$.precision.bf16_from', ?)", (bf16_from,))


@pytest.mark.parametrize(
    "command",
    [
        "run --study small.toml --trials 5",
        "run --study small.toml --replay 1",
        "path --study small --param dropout",
        "export --study small --bundle bundle",
    ],
)
def test_a_study_begun_with_it_does_not_go_on_where_there_is_none(command, begun) -> None:
    before = dump(begun)
    assert refused(run(begun, *command.split(), before=go_without))
    assert dump(begun) == before
    assert not (begun / "bundle").exists()


def test_a_study_whose_networks_are_all_too_narrow_for_it_goes_on_everywhere(tmp_path: Path) -> None:
    write_small(tmp_path)
    for trials in (2, 3):
        assert run(tmp_path, "run", "--study", "small.toml", "--trials", trials, before=go_without).status == 0
        begin_elsewhere(tmp_path, bf16_from=5)
