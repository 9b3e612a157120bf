"""A Gaussian process over the unit cube: what values at known points say of others.

Kernel, priors and fit are those of Optuna's sampler (`optuna._gp`), in NumPy with gradients by hand: torch takes some
microseconds for every small operation, and a second and 200 MiB to be imported; the coordinator would wait for both.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import minimize

from tuner.data.series import Floats

# The minimum variance of the noise: without any, two points next to each other make a singular matrix.
LEAST_NOISE = 1e-6
# The fit ends when no derivative of the log posterior density is greater.
GRADIENT = 1e-2


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
        whitener: (n, n) the inverse of the lower Cholesky factor of that covariance.
    """

    kernel: Kernel
    points: Floats
    values: Floats
    weights: Floats
    whitener: Floats

    @staticmethod
    def of(kernel: Kernel, points: Floats, values: Floats) -> "Process":
        """Conditions on the values.

        Raises:
            LinAlgError: the covariance is singular.
        """
        covariance = kernel.covariance(points, points) + kernel.noise * np.eye(len(points))
        whitener = _inverse_factor(covariance)[1]
        return Process(kernel, points, values, whitener.T @ (whitener @ values), whitener)

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """The mean and the standard deviation, each (m,), of the function at (m, axes) points."""
        covariance = self.kernel.covariance(points, self.points)
        variance = self.kernel.amplitude - np.square(covariance @ self.whitener.T).sum(1)
        return covariance @ self.weights, np.sqrt(np.maximum(variance, 1e-12))

    def believing(self, points: Floats) -> "Process":
        """The process if the (m, axes) points, whose values are not known yet, gave what it expects of them.

        Nothing is left to be learnt next to them (kriging believer, Ginsbourger et al. 2010).
        """
        mean, _ = self.predict(points)
        return Process.of(self.kernel, np.vstack([self.points, points]), np.concatenate([self.values, mean]))


def fit(points: Floats, values: Floats) -> Process:
    """The process whose kernel is the most probable one given (n,) values of spread 1 at (n, axes) points."""
    squares = np.square(points.T[:, :, None] - points.T[:, None, :])
    start = np.zeros(points.shape[1] + 2)
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            how = {"gtol": GRADIENT}
            found = minimize(surprise, start, (squares, values), method="L-BFGS-B", jac=True, options=how)
            return Process.of(_kernel(found.x), points, values)
    except (np.linalg.LinAlgError, FloatingPointError):  # a step too far
        return Process.of(_kernel(start), points, values)


def surprise(logs: Floats, squares: Floats, values: Floats) -> tuple[float, Floats]:
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
    factor, whitener = _inverse_factor(amplitude * shape + noise * np.eye(len(values)))
    white = whitener @ values
    weights = whitener.T @ white
    loss = 0.5 * white @ white + np.log(np.diag(factor)).sum()
    loss += 0.1 * (precisions + 1 / precisions).sum() + amplitude - np.log(amplitude) + 30 * noise - 0.1 * np.log(noise)

    by_covariance = 0.5 * (whitener.T @ whitener - np.outer(weights, weights))
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


def _inverse_factor(covariance: Floats) -> tuple[Floats, Floats]:
    """The lower Cholesky factor and its inverse."""
    factor = np.asarray(np.linalg.cholesky(covariance), np.float64)
    inverse: Floats = solve_triangular(factor, np.eye(len(factor)), lower=True, check_finite=False)
    return factor, inverse
