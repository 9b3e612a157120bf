"""Weight decay and L1: which weights they reach, equal to torch's optimisers, and zeros where the lasso has them."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.linear_model import Lasso
from torch import Tensor, nn

from tuner.model.lstm import Network
from tuner.model.optim import Adam, clip_gradient, proximal_l1


def network() -> Network:
    torch.manual_seed(0)
    return Network(3, 1, hidden_size=4, num_layers=2, normalization="layer")


def take_steps(model: nn.Module, optimizer: Adam | torch.optim.Optimizer, steps: int = 5) -> list[Tensor]:
    """The model's parameters after some steps on random sequences."""
    draw = torch.Generator().manual_seed(1)
    for _ in range(steps):
        x, y = torch.randn(6, 8, 3, generator=draw), torch.randn(8, 1, generator=draw)
        model.zero_grad(set_to_none=False)
        nn.functional.mse_loss(model(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return [parameter.detach() for parameter in model.parameters()]


def is_matrix(name: str) -> bool:
    return "weight" in name and "norm" not in name


@pytest.mark.parametrize("name", ["adamw", "adam"])
def test_it_is_torchs_with_decay_on_matrices_only_or_l2_on_every_parameter(name: Literal["adamw", "adam"]) -> None:
    ours, theirs = network(), network()
    spared = 0.5 if name == "adam" else 0.0
    groups = [
        {"params": [p for name, p in theirs.named_parameters() if is_matrix(name)], "weight_decay": 0.5},
        {"params": [p for name, p in theirs.named_parameters() if not is_matrix(name)], "weight_decay": spared},
    ]
    plain = (torch.optim.Adam if name == "adam" else torch.optim.AdamW)(groups, lr=0.01, fused=True)
    # bit for bit, unless torch 2.6 ran, which rounds the end of a tensor otherwise
    rounding = 1e-6 if torch.__version__.startswith("2.6.") else 0.0
    left, right = take_steps(ours, Adam(ours, name, 0.01, 0.5)), take_steps(theirs, plain)
    torch.testing.assert_close(left, right, rtol=rounding, atol=0)


def test_decay_alone_shrinks_matrices_and_leaves_the_rest():
    model = network()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    Adam(model, "adamw", 0.1, 0.5).step()
    for old, new in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(new.detach(), old * 0.95 if old.ndim > 1 else old)


@pytest.mark.parametrize("most", [1e-3, 0.1, 1e3])
def test_clipping_is_that_of_torch(most):
    ours, theirs = network(), network()
    optimizer = Adam(ours, "adamw", 0.1, 0.5)
    x = torch.randn(6, 8, 3)
    for model in (ours, theirs):
        (10 * model(x).sum()).backward()
    clip_gradient(optimizer, most)
    nn.utils.clip_grad_norm_(theirs.parameters(), most)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


def linear(
    weights: list[float], learning_rate: float, name: Literal["adamw", "adam"] = "adamw"
) -> tuple[nn.Linear, Adam]:
    """A linear layer without a bias to speak of, and its optimiser without decay."""
    model = nn.Linear(len(weights), 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([weights]))
        model.bias.zero_()
    return model, Adam(model, name, learning_rate, 0.0)


# Adam's first step is learning_rate * g / (|g| + 1e-8), and the threshold learning_rate * strength / (|g| + 1e-8)
@pytest.mark.parametrize("name", ["adamw", "adam"])
@pytest.mark.parametrize(
    ("weights", "gradients", "strength", "expected"),
    [
        ([0.5, -0.5, 0.02], [2.0, 0.1, 0.1], 0.2, [0.5 - 0.01 - 0.001, -0.5 - 0.01 + 0.02, 0.0]),
        ([0.5, 0.5], [1e-8, 0.0], 2e-7, [0.5 - 0.005 - 0.1, 0.5 - 0.2]),
    ],
)
def test_the_threshold_of_one_step_by_hand(name, weights, gradients, strength, expected) -> None:
    model, optimizer = linear(weights, 0.01, name)
    assert model.weight.grad is not None
    model.weight.grad.copy_(torch.tensor([gradients]))
    optimizer.step()
    proximal_l1(optimizer, strength)
    torch.testing.assert_close(model.weight.detach(), torch.tensor([expected]), atol=1e-5, rtol=0)


def test_the_threshold_corrects_the_bias_of_adams_moments():
    model, optimizer = linear([1.0], 0.01)
    assert model.weight.grad is not None
    model.weight.grad.fill_(0.5)
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
    model, optimizer = linear([0.0] * 20, 0.05)
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


def test_proximal_steps_reach_the_lasso_and_its_zeros_as_a_subgradient_would_not():
    x, y = regression()
    lasso = Lasso(alpha=0.1).fit(x.double().numpy(), y.double().numpy()[:, 0]).coef_
    weights = solve(0.1, proximal=True)
    assert 4 <= (lasso == 0).sum() <= 18
    assert (weights == 0).tolist() == (lasso == 0).tolist()
    np.testing.assert_allclose(weights, lasso, atol=1e-3)
    assert (solve(0.1, proximal=False) != 0).all()
