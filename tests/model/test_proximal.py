"""L1 beside torch's own optimisers: our own training's step to the digit, exact zeros, and torch's habits kept."""

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import tuner
from tests.model.test_optim import regression
from tuner.errors import UserError
from tuner.model.optim import Adam, proximal_l1


def steps(model: nn.Module, optimizer: Any, count: int = 5) -> list[Tensor]:
    """The model's parameters after some steps of a regression on random rows."""
    draw = torch.Generator().manual_seed(1)
    for _ in range(count):
        x, y = torch.randn(8, 3, generator=draw), torch.randn(8, 1, generator=draw)
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return [parameter.detach().clone() for parameter in model.parameters()]


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.LayerNorm(6), nn.Linear(6, 1))


class Ours:
    """Our own optimiser and penalty, one step of each."""

    def __init__(self, model: nn.Module, strength: float) -> None:
        self.adam, self.strength = Adam(model, "adamw", 0.05, 0.0), strength

    def zero_grad(self) -> None:
        self.adam.zero_grad()

    def step(self) -> None:
        self.adam.step()
        proximal_l1(self.adam, self.strength)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
def test_a_step_is_that_of_our_own_training(kind) -> None:
    ours, theirs = network(), network()
    plain = kind(theirs.parameters(), lr=0.05, weight_decay=0.0)
    left, right = steps(ours, Ours(ours, 0.2)), steps(theirs, tuner.ProximalL1(plain, 0.2))
    torch.testing.assert_close(left, right, rtol=1e-5, atol=1e-6)
    assert [int((matrix == 0).sum()) for matrix in left] == [int((matrix == 0).sum()) for matrix in right]
    assert sum(int((matrix == 0).sum()) for matrix in left) > 0
    assert all((vector != 0).any() for vector in right if vector.ndim == 1)


@pytest.mark.parametrize("options", [{}, {"amsgrad": True}, {"fused": True}, {"lr": torch.tensor(0.05)}])
def test_it_reaches_the_zeros_of_the_lasso_under_a_schedule(options) -> None:
    x, y = regression()
    torch.manual_seed(0)
    model = nn.Linear(20, 1)
    inner = torch.optim.AdamW(model.parameters(), **{"lr": 0.05, "weight_decay": 0.0, **options})
    optimizer = tuner.ProximalL1(inner, 0.1)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.001, total_iters=800)
    for _ in range(800):
        optimizer.zero_grad()
        (nn.functional.mse_loss(model(x), y) / 2).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    # as scikit-learn's Lasso(0.1) has them
    assert 4 <= int((model.weight == 0).sum()) <= 18
    assert float(model.bias.detach().abs()) > 0.1


def test_each_group_has_its_own_learning_rate() -> None:
    frozen, free = nn.Linear(3, 3), nn.Linear(3, 3)
    before = frozen.weight.detach().clone()
    model = nn.Sequential(frozen, free, nn.Linear(3, 1))
    groups = [{"params": frozen.parameters(), "lr": 0.0}, {"params": free.parameters(), "lr": 0.1}]
    steps(model, tuner.ProximalL1(torch.optim.AdamW(groups), 10.0), 20)
    assert torch.equal(frozen.weight, before)
    assert int((free.weight == 0).sum()) == 9


def test_at_0_it_is_the_optimiser_alone() -> None:
    left, right = network(), network()
    plain = torch.optim.AdamW(right.parameters(), lr=0.05)
    inner = torch.optim.AdamW(left.parameters(), lr=0.05)
    assert all(map(torch.equal, steps(left, tuner.ProximalL1(inner, 0.0)), steps(right, plain)))


def test_it_passes_for_the_optimiser_that_it_wraps() -> None:
    model = network()
    inner = torch.optim.AdamW(model.parameters(), lr=0.05)
    optimizer = tuner.ProximalL1(inner, 0.02)
    steps(model, optimizer)
    assert isinstance(optimizer, torch.optim.Optimizer)
    assert optimizer.param_groups is inner.param_groups
    assert optimizer.defaults is inner.defaults
    kept = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    expected = steps(model, optimizer)
    model.load_state_dict(kept[0])
    optimizer.load_state_dict(kept[1])
    assert all(map(torch.equal, steps(model, optimizer), expected))
    assert inner.state_dict()["state"][0]["step"] == 10
    optimizer.add_param_group({"params": [nn.Parameter(torch.ones(2, 2))]})
    assert len(inner.param_groups) == 2
    optimizer.register_step_post_hook(lambda *_: None)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])  # noqa: S301 (own)
def test_it_can_be_copied_and_pickled(copied) -> None:
    model = network()
    optimizer = tuner.ProximalL1(torch.optim.AdamW(model.parameters(), lr=0.05), 0.02)
    steps(model, optimizer)
    twin, its_optimizer = copied((model, optimizer))
    assert all(map(torch.equal, steps(model, optimizer), steps(twin, its_optimizer)))


def test_a_closure_gives_its_loss_and_a_weight_without_gradient_stays() -> None:
    model, alone = nn.Linear(3, 1), nn.Parameter(torch.full((2, 2), 1e-9))
    optimizer = tuner.ProximalL1(torch.optim.Adam([*model.parameters(), alone], lr=0.1), 1.0)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss: Tensor = model(torch.ones(1, 3)).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    assert isinstance(optimizer.step(closure), Tensor)
    assert torch.equal(alone, torch.full((2, 2), 1e-9))


@pytest.mark.parametrize("strength", [-1.0, float("nan"), float("inf")])
def test_an_impossible_strength_is_refused(strength) -> None:
    with pytest.raises(UserError, match="`strength` is"):
        tuner.ProximalL1(torch.optim.AdamW(network().parameters()), strength)


def test_an_optimiser_of_another_metric_is_refused() -> None:
    with pytest.raises(UserError, match="this is SGD"):
        tuner.ProximalL1(torch.optim.SGD(network().parameters(), lr=0.1), 0.1)
