"""The Gaussian process, beside scikit-learn's and Optuna's."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from tuner.data.series import Floats
from tuner.search import gaussian
from tuner.search.gaussian import Kernel, Process, fit, surprise


def seen(count: int = 30, axes: int = 4) -> tuple[Floats, Floats]:
    """Noisy values of a function of the first two axes, of spread 1."""
    rng = np.random.default_rng(count)
    points = rng.random((count, axes))
    values = np.sin(3 * points[:, 0]) + points[:, 1] ** 2 + 0.1 * rng.standard_normal(count)
    return points, (values - values.mean()) / values.std()


def reference(kernel: Kernel) -> GaussianProcessRegressor:
    matern = Matern(1 / np.sqrt(kernel.precisions), nu=2.5)
    return GaussianProcessRegressor(ConstantKernel(kernel.amplitude) * matern, alpha=kernel.noise, optimizer=None)


KERNEL = Kernel(np.array([5.0, 2.0, 0.1, 30.0]), 1.7, 0.05)


def test_what_it_expects_and_how_surely_is_what_scikit_learn_says() -> None:
    points, values = seen()
    elsewhere = np.random.default_rng(1).random((50, 4))
    mean, deviation = reference(KERNEL).fit(points, values).predict(elsewhere, return_std=True)
    found = Process.of(KERNEL, points, values).predict(elsewhere)
    np.testing.assert_allclose(found[0], mean, atol=1e-9)
    np.testing.assert_allclose(found[1], deviation, atol=1e-9)


def test_surprise_is_the_likelihood_of_scikit_learn_and_the_priors_of_optuna() -> None:
    from optuna._gp import prior  # private, hence not in the code itself

    points, values = seen()
    squares = np.square(points.T[:, :, None] - points.T[:, None, :])

    def surprises(kernel: Kernel) -> tuple[float, float]:
        import torch

        class Regressor:
            inverse_squared_lengthscales = torch.from_numpy(kernel.precisions)
            kernel_scale = torch.tensor(kernel.amplitude, dtype=torch.float64)
            noise_var = torch.tensor(kernel.noise, dtype=torch.float64)

        logs = np.log([*kernel.precisions, kernel.amplitude, kernel.noise - 1e-6])
        likelihood = reference(kernel).fit(points, values).log_marginal_likelihood_value_
        return surprise(logs, squares, values)[0], -likelihood - float(prior.default_log_prior(Regressor()))  # type: ignore[arg-type]

    ours, theirs = surprises(KERNEL)
    others = surprises(Kernel(np.array([1.0, 8.0, 3.0, 0.2]), 0.6, 0.4))
    assert ours - others[0] == pytest.approx(theirs - others[1], rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_is_that_of_finite_differences(seed) -> None:
    points, values = seen()
    squares = np.square(points.T[:, :, None] - points.T[:, None, :])
    logs = np.random.default_rng(seed).normal(size=6)
    numeric = approx_fprime(logs, lambda at: surprise(at, squares, values)[0], 1e-7)
    np.testing.assert_allclose(surprise(logs, squares, values)[1], numeric, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("count", [4, 30, 100])
def test_the_kernel_that_is_fitted_is_the_one_that_optuna_finds(count) -> None:
    from optuna._gp import gp, prior

    points, values = seen(count)
    theirs = gp.fit_kernel_params(points, values, np.zeros(4, bool), prior.default_log_prior, 1e-6, False)
    ours = fit(points, values).kernel
    np.testing.assert_allclose(ours.precisions, theirs.inverse_squared_lengthscales.numpy(), rtol=2e-2)
    assert ours.amplitude == pytest.approx(float(theirs.kernel_scale), rel=2e-2)
    assert ours.noise == pytest.approx(float(theirs.noise_var), rel=5e-2)


def test_a_point_believed_in_is_sure_and_changes_no_expectation() -> None:
    points, values = seen()
    process = Process.of(KERNEL, points, values)
    elsewhere = np.random.default_rng(2).random((40, 4))
    believing = process.believing(elsewhere[:3])
    np.testing.assert_allclose(believing.predict(elsewhere)[0], process.predict(elsewhere)[0], atol=1e-9)
    before, after = process.predict(elsewhere)[1], believing.predict(elsewhere)[1]
    assert (after <= before + 1e-12).all()
    assert (after[:3] < 0.8 * before[:3]).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_equal_points_with_equal_values_can_be_fitted(value) -> None:
    process = fit(np.full((20, 3), 0.5), np.full(20, value))
    assert np.isfinite(process.predict(np.full((1, 3), 0.5))).all()


@pytest.mark.parametrize("error", [np.linalg.LinAlgError, FloatingPointError])
def test_a_fit_that_goes_astray_is_left_where_it_began(error, monkeypatch: pytest.MonkeyPatch) -> None:
    def astray(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(gaussian, "minimize", astray)
    kernel = fit(*seen()).kernel
    assert (kernel.precisions == 1).all()
    assert kernel.amplitude == 1.0
    assert kernel.noise == pytest.approx(1.0, rel=1e-5)


def test_a_step_out_of_the_range_of_floats_is_such_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    points, values = seen()
    monkeypatch.setattr(gaussian, "minimize", lambda loss, start, known, **_: loss(start + 800, *known))
    assert fit(points, values).kernel.amplitude == 1.0
