"""The device of a study: found, measured, refused where it is not. There is no GPU here: what torch says is played."""

import pickle
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from tests.making import make_small_problem, make_spec, params
from tuner.errors import UserError
from tuner.search.jobs import Shared, Task
from tuner.spec.sections import FLOAT32, Precision
from tuner.training import machine, precision
from tuner.training.machine import Machine, probe
from tuner.training.precision import accelerator, device_fault, resolve_precision

CUDA = Precision(device="cuda")


@pytest.mark.parametrize(("cuda", "mps", "found"), [(True, True, "cuda"), (False, True, "mps"), (False, False, None)])
def test_a_gpu_is_found(cuda, mps, found, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends, "mps", SimpleNamespace(is_available=lambda: mps))
    assert accelerator() == found


@pytest.fixture
def with_gpu(monkeypatch) -> dict[str, float]:
    """A machine with a GPU; the seconds of a step by device."""
    seconds = {"cpu": 2.0, "cuda": 1.0}
    monkeypatch.setattr(precision, "accelerator", lambda: "cuda")
    monkeypatch.setattr(precision, "trains_bf16", lambda device: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(machine, "_step_seconds", lambda spec, columns, device: seconds[device])
    return seconds


@pytest.mark.parametrize(
    ("wanted", "slow", "chosen"), [("auto", "cpu", "cuda"), ("auto", "cuda", "cpu"), ("cpu", "cpu", "cpu")]
)
def test_the_sooner_one_is_taken_unless_one_is_asked_for(wanted, slow, chosen, with_gpu) -> None:
    with_gpu[slow] = 9.0
    found = probe(make_spec(train={"device": wanted}), 3)
    assert (found.precision.device, found.environment["device"], found.gpu) == (chosen, chosen, "cuda")


def test_a_step_is_timed_on_the_study_s_own_network() -> None:
    wide = machine._step_seconds(make_spec(space={"hidden_size": 128}), 3, "cpu")
    assert wide > machine._step_seconds(make_spec(space={"hidden_size": 2}), 3, "cpu") > 0


def test_a_gpu_does_bfloat16_where_it_says_so(with_gpu, monkeypatch) -> None:
    assert resolve_precision("auto", "cuda") == Precision(precision.WIDE_ENOUGH, "cuda")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert resolve_precision("auto", "cuda") == resolve_precision("fp32", "cuda") == CUDA
    assert resolve_precision("auto", "mps") == Precision(device="mps")
    assert resolve_precision("bf16", "mps") == Precision(1, "mps")


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_here_is_refused_be_it_asked_for_or_that_of_a_begun_study(device, monkeypatch) -> None:
    monkeypatch.setattr(precision, "accelerator", lambda: None)
    spec = make_spec(train={"device": device})
    found = probe(spec, 3)
    with pytest.raises(UserError, match=f"trains on the device {device}, which PyTorch cannot use here"):
        found.refuse(spec, found.precision)
    with pytest.raises(UserError, match='device = "cpu"'):
        Machine(FLOAT32, True, {}).refuse(make_spec(), Precision(device=device))
    Machine(FLOAT32, True, {}, device).refuse(make_spec(), Precision(device=device))


def test_an_error_of_a_gpu_is_one_message_that_reaches_the_coordinator_and_no_failed_trial(monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure\nCompile with ...")

    monkeypatch.setattr("tuner.training.trainer.train_folds", fail)
    spec = make_spec()
    shared, task = Shared(spec, make_small_problem().folds(), CUDA), Task(0, params(), (0,))
    with pytest.raises(UserError) as caught:
        task.run(shared, print)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 (our own)
    assert str(caught.value).startswith(
        "[train] device: the device cuda failed: CUDA error: unspecified launch failure\n"
    )
    assert task.run(replace(shared, precision=FLOAT32), print).state == "failed"


def test_a_network_too_large_for_a_gpu_is_a_failed_trial_and_a_defect_is_one() -> None:
    assert device_fault(torch.OutOfMemoryError("CUDA out of memory"), CUDA) is None
    assert device_fault(ValueError("of ours"), CUDA) is None
