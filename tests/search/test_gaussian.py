"""The Gaussian process, beside scikit-learn's and Optuna's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime, minimize
from scipy.stats import norm, rankdata
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from tuner.data.series import Floats
from tuner.search import gaussian
from tuner.search.encoding import Encoding
from tuner.search.gaussian import Kernel, Process, fit, log_ei, most_promising, neg_log_posterior, normal_ranks
from tuner.spec.space import parse_space


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

    def posteriors(kernel: Kernel) -> tuple[float, float]:
        import torch

        class Regressor:
            inverse_squared_lengthscales = torch.from_numpy(kernel.precisions)
            kernel_scale = torch.tensor(kernel.amplitude, dtype=torch.float64)
            noise_var = torch.tensor(kernel.noise, dtype=torch.float64)

        logs = np.log([*kernel.precisions, kernel.amplitude, kernel.noise - 1e-6])
        likelihood = reference(kernel).fit(points, values).log_marginal_likelihood_value_
        return neg_log_posterior(logs, squares, values)[0], -likelihood - float(prior.default_log_prior(Regressor()))  # type: ignore[arg-type]

    ours, theirs = posteriors(KERNEL)
    others = posteriors(Kernel(np.array([1.0, 8.0, 3.0, 0.2]), 0.6, 0.4))
    assert ours - others[0] == pytest.approx(theirs - others[1], rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_is_that_of_finite_differences(seed) -> None:
    points, values = seen()
    squares = np.square(points.T[:, :, None] - points.T[:, None, :])
    logs = np.random.default_rng(seed).normal(size=6)
    numeric = approx_fprime(logs, lambda at: neg_log_posterior(at, squares, values)[0], 1e-7)
    np.testing.assert_allclose(neg_log_posterior(logs, squares, values)[1], numeric, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("count", [4, 30, 100])
def test_the_kernel_that_is_fitted_is_the_one_that_optuna_finds(count) -> None:
    from optuna._gp import gp, prior

    points, values = seen(count)
    theirs = gp.fit_kernel_params(points, values, np.zeros(4, bool), prior.default_log_prior, 1e-6, False)
    ours = fit(points, values).kernel
    np.testing.assert_allclose(ours.precisions, theirs.inverse_squared_lengthscales.numpy(), rtol=2e-2)
    assert ours.amplitude == pytest.approx(float(theirs.kernel_scale), rel=2e-2)
    assert ours.noise == pytest.approx(float(theirs.noise_var), rel=5e-2)


def test_a_point_fantasised_is_sure_and_changes_no_expectation() -> None:
    points, values = seen()
    process = Process.of(KERNEL, points, values)
    elsewhere = np.random.default_rng(2).random((40, 4))
    fantasised = process.fantasise(elsewhere[:3])
    np.testing.assert_allclose(fantasised.predict(elsewhere)[0], process.predict(elsewhere)[0], atol=1e-9)
    before, after = process.predict(elsewhere)[1], fantasised.predict(elsewhere)[1]
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


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_costs_become_normal_quantiles_of_their_ranks(values) -> None:
    quantiles = norm.ppf((rankdata(values) - 0.5) / len(values))
    expected = quantiles / (quantiles.std() or 1.0)
    np.testing.assert_allclose(normal_ranks(values), expected, atol=1e-9)


# --- expected improvement


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (1.0, 0.3), (-2.0, 0.5), (0.29, 1e-3), (1.0, 0.2)])
def test_it_is_the_integral_that_defines_it(mean, deviation) -> None:
    best = 0.3
    exact, _ = quad(lambda y: (best - y) * norm.pdf(y, mean, deviation), mean - 12 * deviation, best, epsabs=0)
    found = log_ei(np.array([mean]), np.array([deviation]), best)
    assert np.exp(found[0]) == pytest.approx(exact, rel=1e-6)


def test_it_is_smooth_and_finite_however_hopeless_a_point_is() -> None:
    mean = np.concatenate([np.linspace(0, 40, 4001), [1e3, 1e5]])
    found = log_ei(mean, np.ones(len(mean)), 0.0)
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()
    assert np.abs(np.diff(found[:4001], 2)).max() < 2e-4, "no step where one formula takes over from the other"
    far = -0.5 * 40.0**2 - 0.5 * np.log(2 * np.pi) - 2 * np.log(40.0)
    assert found[4000] == pytest.approx(far, abs=0.01), "the first term of its asymptotic series"


def process(encoding: Encoding, count: int = 25) -> Process:
    rng = np.random.default_rng(3)
    points = encoding.round(rng.random((count, encoding.axes)))
    values = ((points - 0.3) ** 2).sum(1)
    return Process.of(Kernel(np.full(encoding.axes, 3.0), 1.0, 0.01), points, (values - values.mean()) / values.std())


def test_no_descent_from_many_places_finds_a_better_point() -> None:
    space = parse_space({"hidden_size": 16, "num_layers": 1})
    encoding = Encoding(space)
    known = process(encoding)
    point = most_promising(known, encoding, np.random.default_rng(0))
    best = float(known.predict(known.points)[0].min())

    def score(at: np.ndarray) -> float:
        return float(log_ei(*known.predict(at[None]), best)[0])

    starts = np.random.default_rng(1).random((20, encoding.axes))
    bounds = [(0.0, 1.0)] * encoding.axes
    others = [-minimize(lambda at: -score(at), start, bounds=bounds).fun for start in starts]
    assert score(point) > max(others) - 0.02


def test_every_candidate_is_a_configuration() -> None:
    encoding = Encoding(
        parse_space({"normalization": {"choices": ["none", "layer"]}, "num_layers": {"low": 1, "high": 3}})
    )
    known = process(encoding)
    point = most_promising(known, encoding, np.random.default_rng(0))
    np.testing.assert_allclose(encoding.round(point[None])[0], point, atol=1e-12)


def test_it_hangs_on_its_stream_alone() -> None:
    encoding = Encoding(parse_space({}))
    known = process(encoding)
    one, same, other = (most_promising(known, encoding, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (one == same).all()
    assert (one != other).any()


def test_where_the_process_expects_most_nothing_is_chosen_twice() -> None:
    fixed = {name: domain.default for name, domain in parse_space({}).items()}
    encoding = Encoding(
        parse_space({**fixed, "dropout": {"low": 0.0, "high": 0.6}, "jitter": {"low": 0.0, "high": 0.5}})
    )
    points = np.random.default_rng(4).uniform(0.4, 1, (30, 2))
    known = Process.of(Kernel(np.full(2, 0.5), 4.0, 1e-4), points, points.sum(1) - 1.4)  # falls towards a corner
    first = most_promising(known, encoding, np.random.default_rng(0))
    second = most_promising(known.fantasise(first[None]), encoding, np.random.default_rng(1))
    assert first.max() < 0.1
    assert np.abs(second - first).max() > 0.1, "improvement over the old best would still be expected there"
