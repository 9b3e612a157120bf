"""A Gaussian process over encoded configurations: what values at known points say of others, and where to look next.

Kernel, priors and fit are those of Optuna's sampler (`optuna._gp`), in NumPy with gradients by hand: torch takes some
microseconds for every small operation, and a second and 200 MiB to be imported; the coordinator would wait for both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import minimize
from scipy.special import erfcx, ndtr, ndtri

from tuner.data.series import Floats
from tuner.search.encoding import Encoding

# The minimum variance of the noise: without any, two points next to each other make a singular matrix.
LEAST_NOISE = 1e-6
# The fit ends when no derivative of the log posterior density is greater.
GRADIENT = 1e-2
# Points drawn from the whole cube.
DRAWN = 2048
# The best so many of all points are moved on, each into so many neighbours, by less from round to round.
KEPT = 8
NEIGHBOURS = 64
STEPS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
# The share of axes along which a neighbour differs.
MOVED = 0.5


@dataclass(frozen=True)
class Kernel:
    """A Matérn-5/2 kernel with a length scale for each axis, and noise.

    Attributes:
        precisions: (axes,) inverse squared length scales.
        amplitude: the function's variance where nothing is known.
        noise: the variance of values around the function.
    """

    precisions: Floats
    amplitude: float
    noise: float

    def covariance(self, left: Floats, right: Floats) -> Floats:
        """(m, n) covariances of the function at (m, axes) and (n, axes) points."""
        left, right = left * np.sqrt(self.precisions), right * np.sqrt(self.precisions)
        squares = (left**2).sum(1)[:, None] + (right**2).sum(1) - 2 * left @ right.T
        return self.amplitude * _matern(np.maximum(squares, 0.0))[0]


@dataclass(frozen=True)
class Process:
    """A Gaussian process of mean zero that knows values at some points.

    Attributes:
        kernel: of the function and of the noise.
        points: (n, axes).
        values: (n,).
        weights: (n,) the inverse covariance of the values, times the values.
        inverse_cholesky: (n, n) the inverse of the lower Cholesky factor of that covariance.
    """

    kernel: Kernel
    points: Floats
    values: Floats
    weights: Floats
    inverse_cholesky: Floats

    @staticmethod
    def of(kernel: Kernel, points: Floats, values: Floats) -> "Process":
        """Conditions on the values.

        Raises:
            LinAlgError: the covariance is singular.
        """
        covariance = kernel.covariance(points, points) + kernel.noise * np.eye(len(points))
        inverse_cholesky = _cholesky(covariance)[1]
        return Process(kernel, points, values, inverse_cholesky.T @ (inverse_cholesky @ values), inverse_cholesky)

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """The mean and the standard deviation, each (m,), of the function at (m, axes) points."""
        covariance = self.kernel.covariance(points, self.points)
        variance = self.kernel.amplitude - np.square(covariance @ self.inverse_cholesky.T).sum(1)
        return covariance @ self.weights, np.sqrt(np.maximum(variance, 1e-12))

    def covariance(self, points: Floats) -> Floats:
        """The covariances, (m, m), of the function at (m, axes) points."""
        root = self.kernel.covariance(points, self.points) @ self.inverse_cholesky.T
        return self.kernel.covariance(points, points) - root @ root.T

    @property
    def surprise(self) -> float:
        """The root mean square of the leave-one-out residuals, each in its own standard deviation; about 1 at best.

        (Rasmussen & Williams 2006, equation 5.12.) It is greater where the process is too sure of itself.
        """
        precision = np.square(self.inverse_cholesky).sum(0)
        return float(np.sqrt(np.mean(np.square(self.weights) / precision)))

    def fantasise(self, points: Floats) -> "Process":
        """The process if the (m, axes) points, whose values are not known yet, gave what it expects of them.

        Nothing is left to be learnt next to them (kriging believer, Ginsbourger et al. 2010).
        """
        mean, _ = self.predict(points)
        return Process.of(self.kernel, np.vstack([self.points, points]), np.concatenate([self.values, mean]))


def normal_ranks(costs: Sequence[float]) -> Floats:
    """The normal quantile of each cost's rank, (costs,), of spread 1; the best is the lowest, equals share one.

    A Gaussian process takes values for normal and of one spread everywhere (rank-based inverse normal transform,
    Salinas et al. 2020). It also lets pruned trials in, which a process otherwise leaves out: the best so far of a
    pruned trial is worse than what it would have become, which its rank hardly shows.
    """
    _, rank, count = np.unique(np.array(costs), return_inverse=True, return_counts=True)
    quantiles: Floats = ndtri(((np.cumsum(count) - count / 2) / len(costs))[rank])
    return quantiles / (quantiles.std() or 1.0)


def fit(points: Floats, values: Floats) -> Process:
    """The process whose kernel is the most probable one given (n,) values of spread 1 at (n, axes) points."""
    squares = np.square(points.T[:, :, None] - points.T[:, None, :])
    start = np.zeros(points.shape[1] + 2)
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            how = {"gtol": GRADIENT}
            found = minimize(neg_log_posterior, start, (squares, values), method="L-BFGS-B", jac=True, options=how)
            return Process.of(_kernel(found.x), points, values)
    except (np.linalg.LinAlgError, FloatingPointError):  # a step too far
        return Process.of(_kernel(start), points, values)


def neg_log_posterior(logs: Floats, squares: Floats, values: Floats) -> tuple[float, Floats]:
    """The negative log posterior density of a kernel, but for a constant, and its gradient.

    The marginal likelihood is that of Rasmussen & Williams 2006, equations 5.8 and 5.9; the priors are Optuna's.

    Args:
        logs: (axes + 2,) logarithms of the precisions, of the amplitude, and of the noise above its minimum.
        squares: (axes, n, n) squared differences of the points.
        values: (n,).
    """
    kernel = _kernel(logs)
    precisions, amplitude, noise = kernel.precisions, kernel.amplitude, kernel.noise
    shape, slope = _matern(np.tensordot(precisions, squares, 1))
    factor, inverse_cholesky = _cholesky(amplitude * shape + noise * np.eye(len(values)))
    white = inverse_cholesky @ values
    weights = inverse_cholesky.T @ white
    loss = 0.5 * white @ white + np.log(np.diag(factor)).sum()
    loss += 0.1 * (precisions + 1 / precisions).sum() + amplitude - np.log(amplitude) + 30 * noise - 0.1 * np.log(noise)

    by_covariance = 0.5 * (inverse_cholesky.T @ inverse_cholesky - np.outer(weights, weights))
    by_precisions = squares.reshape(len(squares), -1) @ (amplitude * slope * by_covariance).ravel()
    by_precisions += 0.1 * (1 - 1 / precisions**2)
    by_amplitude = (shape * by_covariance).sum() + 1 - 1 / amplitude
    by_noise = np.trace(by_covariance) + 30 - 0.1 / noise
    return float(loss), np.concatenate(
        [by_precisions * precisions, [by_amplitude * amplitude, by_noise * (noise - LEAST_NOISE)]]
    )


def _kernel(logs: Floats) -> Kernel:
    return Kernel(np.exp(logs[:-2]), float(np.exp(logs[-2])), float(np.exp(logs[-1])) + LEAST_NOISE)


def _matern(squares: Floats) -> tuple[Floats, Floats]:
    """The correlation at squared distances, and its derivative with respect to them."""
    root = np.sqrt(5 * squares)
    decay = np.exp(-root)
    return (1 + root + 5 / 3 * squares) * decay, -5 / 6 * (1 + root) * decay


def _cholesky(covariance: Floats) -> tuple[Floats, Floats]:
    """The lower Cholesky factor and its inverse."""
    factor = np.asarray(np.linalg.cholesky(covariance), np.float64)
    inverse: Floats = solve_triangular(factor, np.eye(len(factor)), lower=True, check_finite=False)
    return factor, inverse


def most_promising(process: Process, encoding: Encoding, rng: np.random.Generator) -> Floats:
    """Finds the point (axes,) of the greatest expected improvement on the lowest value that the process expects.

    What is expected counts, not what was seen, which is noisy (plug-in, Vazquez et al. 2008). Points from all over the
    encoding are compared with the known ones; then those that promise most move on to better neighbours. There are no
    gradients to follow to a point that no configuration has: every candidate is one. A known point is chosen only where
    no other was found.
    """
    best = float(process.predict(process.points)[0].min())

    def score(points: Floats) -> Floats:
        return log_ei(*process.predict(points), best)

    taken = encoding.round(process.points)
    points = np.unique(np.vstack([encoding.round(rng.random((DRAWN, encoding.axes))), taken]), axis=0)
    scores = score(points)
    for step in STEPS:
        kept = np.argsort(-scores, kind="stable")[:KEPT]
        points, scores = points[kept], scores[kept]
        around = np.repeat(points, NEIGHBOURS, axis=0)
        moved = rng.random(around.shape) < MOVED
        around = encoding.round(around + step * moved * rng.standard_normal(around.shape))
        points = np.unique(np.vstack([points, around]), axis=0)
        scores = score(points)
    is_taken = (points[:, None] == taken).all(2).any(1)
    best_point: Floats = points[np.argmax(np.where(is_taken, -np.inf, scores))]
    return best_point


def log_ei(mean: Floats, deviation: Floats, best: float) -> Floats:
    """The logarithm of the expected improvement on `best`, (n,), where values are normal (Jones et al. 1998).

    Far from the best it is far below what a float can hold, its logarithm is not (Ament et al., NeurIPS 2023).
    """
    gain = (best - mean) / deviation
    density = -0.5 * gain**2 - 0.5 * np.log(2 * np.pi)
    near = np.exp(density) + gain * ndtr(gain)
    # of φ(z) + zΦ(z) only the first factor of φ(z) (1 + zΦ(z)/φ(z)) leaves the range of floats
    rest = 1 - np.sqrt(np.pi / 2) * np.abs(gain) * erfcx(np.abs(gain) / np.sqrt(2))
    far = density + np.log(np.maximum(rest, 1e-16))
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm: Floats = np.log(deviation) + np.where(gain > -1, np.log(near), far)
    return logarithm
