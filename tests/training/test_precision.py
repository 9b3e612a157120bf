"""Which networks train in bfloat16."""

import pytest
import torch

from tests.making import make_small_problem, make_spec, params
from tuner.training.precision import WIDE_ENOUGH, resolve_precision
from tuner.training.trainer import make_learner


def test_precision_is_a_hidden_size_from_which_on_bfloat16_is_used():
    assert resolve_precision("fp32") is None
    assert resolve_precision("bf16") == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU decides alone")
@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"amx_bf16": True}, WIDE_ENOUGH),
        ({"avx512_bf16": True, "amx_bf16": False}, WIDE_ENOUGH),
        ({"avx512_f": True, "avx512_bf16": False}, None),
        ({}, None),
    ],
)
def test_the_processor_decides(capabilities, expected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert resolve_precision("auto") == expected


def test_networks_from_that_size_on_use_bfloat16():
    fold = make_small_problem().folds()[0]

    def losses(bf16_from: int | None) -> torch.Tensor:
        learner = make_learner(make_spec(), fold, params(hidden_size=8), key=(0, 0), bf16_from=bf16_from)
        return torch.from_numpy(learner.evaluate(fold.valid)[1])

    exact = losses(None)
    assert torch.equal(losses(9), exact)
    assert not torch.equal(losses(8), exact)
