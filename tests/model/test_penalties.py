"""Weight decay and L1: which weights they reach, equal to torch's optimisers, and zeros where the lasso has them."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.linear_model import Lasso
from torch import Tensor, nn

from tuner.model.adam import Adam
from tuner.model.flat import flatten
from tuner.model.lstm import Network
from tuner.model.penalties import clip_gradient, proximal_l1


def network() -> Network:
    torch.manual_seed(0)
    return Network(3, 1, hidden_size=4, num_layers=2, normalization="layer")


def take_steps(model: nn.Module, optimizer: Adam | torch.optim.Optimizer, steps: int = 5) -> list[Tensor]:
    """The model's parameters after some steps on random sequences."""
    draw = torch.Generator().manual_seed(1)
    for _ in range(steps):
        x, y = torch.randn(6, 8, 3, generator=draw), torch.randn(8, 1, generator=draw)
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return [parameter.detach() for parameter in model.parameters()]


def same(left: list[Tensor], right: list[Tensor]) -> None:
    """Bit for bit, unless torch 2.6 ran, which rounds the end of a tensor otherwise."""
    rounding = 1e-6 if torch.__version__.startswith("2.6.") else 0.0
    torch.testing.assert_close(left, right, rtol=rounding, atol=0)


def is_matrix(name: str) -> bool:
    return "weight" in name and "norm" not in name


def test_penalised_are_the_matrices_but_no_bias_nor_gain():
    model = network()
    flat = flatten(model)
    with torch.no_grad():
        flat.penalised.fill_(7.0)
        flat.free.fill_(8.0)
    for name, parameter in model.named_parameters():
        assert (parameter == (7.0 if is_matrix(name) else 8.0)).all(), name


def test_a_flattened_model_computes_and_learns_as_before():
    plain, flattened = network(), network()
    flat = flatten(flattened)
    x = torch.randn(6, 8, 3)
    plain(x).sum().backward()
    flattened(x).sum().backward()
    assert torch.equal(plain(x), flattened(x))
    gradients = [parameter.grad.reshape(-1) for parameter in plain.parameters() if parameter.grad is not None]
    matrices = [
        gradient for name, gradient in zip(dict(plain.named_parameters()), gradients, strict=True) if is_matrix(name)
    ]
    assert isinstance(flat.penalised.grad, Tensor)
    assert torch.equal(flat.penalised.grad, torch.cat(matrices))


def test_adamw_is_that_of_torch_with_decay_on_matrices_only():
    ours, theirs = network(), network()
    groups = [
        {"params": [p for name, p in theirs.named_parameters() if is_matrix(name)], "weight_decay": 0.5},
        {"params": [p for name, p in theirs.named_parameters() if not is_matrix(name)], "weight_decay": 0.0},
    ]
    plain = torch.optim.AdamW(groups, lr=0.01, fused=True)
    same(take_steps(ours, Adam(flatten(ours), "adamw", 0.01, 0.5)), take_steps(theirs, plain))


def test_adam_is_that_of_torch_with_decay_on_every_parameter():
    ours, theirs = network(), network()
    plain = torch.optim.Adam(theirs.parameters(), lr=0.01, weight_decay=0.5, fused=True)
    same(take_steps(ours, Adam(flatten(ours), "adam", 0.01, 0.5)), take_steps(theirs, plain))


def test_decay_alone_shrinks_matrices_and_leaves_the_rest():
    model = network()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    Adam(flatten(model), "adamw", 0.1, 0.5).step()
    for old, new in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(new.detach(), old * 0.95 if old.ndim > 1 else old)


@pytest.mark.parametrize("most", [1e-3, 0.1, 1e3])
def test_clipping_is_that_of_torch(most):
    ours, theirs = network(), network()
    flat = flatten(ours)
    x = torch.randn(6, 8, 3)
    for model in (ours, theirs):
        (10 * model(x).sum()).backward()
    clip_gradient(flat, most)
    nn.utils.clip_grad_norm_(theirs.parameters(), most)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


@pytest.mark.parametrize("most", [1e-7, 1.0])
def test_clipping_is_that_of_torch_for_a_gradient_about_as_short_as_its_guard(most):
    flat = flatten(network())
    theirs = [nn.Parameter(parameter.detach().clone()) for parameter in flat.both()]
    for parameter in (*flat.both(), *theirs):
        parameter.grad = torch.full_like(parameter, 1e-8)
    clip_gradient(flat, most)
    nn.utils.clip_grad_norm_(theirs, most)
    for mine, other in zip(flat.both(), theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-5, atol=0)


def linear(weights: list[float]) -> nn.Linear:
    model = nn.Linear(len(weights), 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([weights]))
        model.bias.zero_()
    return model


@pytest.mark.parametrize("name", ["adamw", "adam"])
def test_the_threshold_of_one_step_by_hand(name):
    model = linear([0.5, -0.5, 0.02])
    flat = flatten(model)
    optimizer = Adam(flat, name, 0.01, 0.0)
    assert flat.penalised.grad is not None
    flat.penalised.grad.copy_(torch.tensor([2.0, 0.1, 0.1]))
    optimizer.step()
    proximal_l1(optimizer, 0.2)
    # Adam's first step is learning_rate * sign(gradient), and sqrt(v) the size of the gradient:
    # the thresholds are 0.01 * 0.2 / 2 once and 0.01 * 0.2 / 0.1 twice
    expected = torch.tensor([[0.5 - 0.01 - 0.001, -0.5 - 0.01 + 0.02, 0.0]])
    torch.testing.assert_close(model.weight.detach(), expected, atol=1e-6, rtol=0)


def test_the_threshold_has_adams_epsilon_beside_gradients_as_small():
    model = linear([0.5, 0.5])
    flat = flatten(model)
    optimizer = Adam(flat, "adamw", 0.01, 0.0)
    assert flat.penalised.grad is not None
    flat.penalised.grad.copy_(torch.tensor([1e-8, 0.0]))
    optimizer.step()
    proximal_l1(optimizer, 2e-7)
    # epsilon is 1e-8: the first step is half the learning rate; the thresholds are 0.01 * 2e-7 / 2e-8 and / 1e-8
    expected = torch.tensor([[0.5 - 0.005 - 0.1, 0.5 - 0.2]])
    torch.testing.assert_close(model.weight.detach(), expected, atol=1e-5, rtol=0)


def test_the_threshold_corrects_the_bias_of_adams_moments():
    model = linear([1.0])
    flat = flatten(model)
    optimizer = Adam(flat, "adamw", 0.01, 0.0)
    assert flat.penalised.grad is not None
    flat.penalised.grad.fill_(0.5)
    for _ in range(3):  # under equal gradients each step is 0.01, each threshold 0.01 * 0.2 / 0.5
        optimizer.step()
        proximal_l1(optimizer, 0.2)
    assert model.weight.item() == pytest.approx(1 - 3 * (0.01 + 0.004), abs=1e-6)


def regression() -> tuple[Tensor, Tensor]:
    """A linear problem with 4 of 20 columns of use, on very different scales."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 20)) * np.geomspace(0.2, 3.0, 20)
    y = x[:, [0, 6, 12, 18]] @ [3.0, -1.0, 0.5, 0.3] + 0.3 * rng.normal(size=80) + 0.7
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y[:, None], dtype=torch.float32)


def solve(strength: float, *, proximal: bool) -> npt.NDArray[np.float32]:
    """The weights after training a linear layer by Adam with L1, by proximal steps or by the subgradient."""
    x, y = regression()
    model = linear([0.0] * 20)
    flat = flatten(model)
    optimizer = Adam(flat, "adamw", 0.05, 0.0)
    steps = 800
    for step in range(steps):
        optimizer.learning_rate = 0.05 * (1 - step / steps)
        loss = nn.functional.mse_loss(model(x), y) / 2
        if not proximal:
            loss = loss + strength * model.weight.abs().sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if proximal:
            proximal_l1(optimizer, strength)
    weights: npt.NDArray[np.float32] = model.weight.detach().numpy()[0]
    return weights


def test_proximal_steps_reach_the_lasso_and_its_zeros():
    x, y = regression()
    lasso = Lasso(alpha=0.1).fit(x.double().numpy(), y.double().numpy()[:, 0]).coef_
    weights = solve(0.1, proximal=True)
    assert 4 <= (lasso == 0).sum() <= 18
    assert (weights == 0).tolist() == (lasso == 0).tolist()
    np.testing.assert_allclose(weights, lasso, atol=1e-3)


def test_a_subgradient_would_give_no_zeros():
    assert (solve(0.1, proximal=False) != 0).all()
