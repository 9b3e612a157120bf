"""Expected improvement, and the point where it is greatest."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import norm

from tuner.search.cube import Cube
from tuner.search.gaussian import Kernel, Process
from tuner.search.improvement import log_expected_improvement, most_promising
from tuner.spec.space import parse_space


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (1.0, 0.3), (-2.0, 0.5), (0.29, 1e-3), (1.0, 0.2)])
def test_it_is_the_integral_that_defines_it(mean, deviation) -> None:
    best = 0.3
    exact, _ = quad(lambda y: (best - y) * norm.pdf(y, mean, deviation), mean - 12 * deviation, best, epsabs=0)
    found = log_expected_improvement(np.array([mean]), np.array([deviation]), best)
    assert np.exp(found[0]) == pytest.approx(exact, rel=1e-6)


def test_it_is_smooth_and_finite_however_hopeless_a_point_is() -> None:
    mean = np.concatenate([np.linspace(0, 40, 4001), [1e3, 1e5]])
    found = log_expected_improvement(mean, np.ones(len(mean)), 0.0)
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()
    assert np.abs(np.diff(found[:4001], 2)).max() < 2e-4, "no step where one formula takes over from the other"
    far = -0.5 * 40.0**2 - 0.5 * np.log(2 * np.pi) - 2 * np.log(40.0)
    assert found[4000] == pytest.approx(far, abs=0.01), "the first term of its asymptotic series"


def process(cube: Cube, count: int = 25) -> Process:
    rng = np.random.default_rng(3)
    points = cube.snap(rng.random((count, cube.axes)))
    values = ((points - 0.3) ** 2).sum(1)
    return Process.of(Kernel(np.full(cube.axes, 3.0), 1.0, 0.01), points, (values - values.mean()) / values.std())


def test_no_descent_from_many_places_finds_a_better_point() -> None:
    space = parse_space({"hidden_size": 16, "num_layers": 1})
    cube = Cube(space)
    known = process(cube)
    point = most_promising(known, cube, np.random.default_rng(0))
    best = float(known.predict(known.points)[0].min())

    def promise(at: np.ndarray) -> float:
        return float(log_expected_improvement(*known.predict(at[None]), best)[0])

    starts = np.random.default_rng(1).random((20, cube.axes))
    bounds = [(0.0, 1.0)] * cube.axes
    others = [-minimize(lambda at: -promise(at), start, bounds=bounds).fun for start in starts]
    assert promise(point) > max(others) - 0.02


def test_every_candidate_is_a_configuration() -> None:
    cube = Cube(parse_space({"normalization": {"choices": ["none", "layer"]}, "num_layers": {"low": 1, "high": 3}}))
    known = process(cube)
    point = most_promising(known, cube, np.random.default_rng(0))
    np.testing.assert_allclose(cube.snap(point[None])[0], point, atol=1e-12)


def test_it_hangs_on_its_stream_alone() -> None:
    cube = Cube(parse_space({}))
    known = process(cube)
    one, same, other = (most_promising(known, cube, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (one == same).all()
    assert (one != other).any()


def test_where_the_process_expects_most_nothing_is_chosen_twice() -> None:
    fixed = {name: domain.default for name, domain in parse_space({}).items()}
    cube = Cube(parse_space({**fixed, "dropout": {"low": 0.0, "high": 0.6}, "jitter": {"low": 0.0, "high": 0.5}}))
    points = np.random.default_rng(4).uniform(0.4, 1, (30, 2))
    known = Process.of(Kernel(np.full(2, 0.5), 4.0, 1e-4), points, points.sum(1) - 1.4)  # falls towards a corner
    first = most_promising(known, cube, np.random.default_rng(0))
    second = most_promising(known.believing(first[None]), cube, np.random.default_rng(1))
    assert first.max() < 0.1
    assert np.abs(second - first).max() > 0.1, "improvement over the old best would still be expected there"
