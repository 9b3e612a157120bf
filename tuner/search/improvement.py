"""The most promising point of a Gaussian process: the one at which the best value would be bettered by most."""

import numpy as np
from scipy.special import erfcx, ndtr

from tuner.data.series import Floats
from tuner.search.cube import Cube
from tuner.search.gaussian import Process

# Points drawn from the whole cube.
DRAWN = 2048
# The best so many of all points are moved on, each into so many neighbours, by less from round to round.
KEPT = 8
NEIGHBOURS = 64
STEPS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
# The share of axes along which a neighbour differs.
MOVED = 0.5


def most_promising(process: Process, cube: Cube, rng: np.random.Generator) -> Floats:
    """The point (axes,) of the greatest expected improvement on the lowest value expected at any point of the process.

    What is expected counts, not what was seen, which is noisy (plug-in, Vazquez et al. 2008). Points from all over the
    cube are compared with the known ones; then those that promise most move on to better neighbours. There are no
    gradients to follow to a point that no configuration has: every candidate is one.
    """
    best = float(process.predict(process.points)[0].min())

    def promise(points: Floats) -> Floats:
        return log_expected_improvement(*process.predict(points), best)

    points = np.vstack([cube.snap(rng.random((DRAWN, cube.axes))), process.points])
    promises = promise(points)
    for step in STEPS:
        kept = np.argsort(-promises, kind="stable")[:KEPT]
        points, promises = points[kept], promises[kept]
        around = np.repeat(points, NEIGHBOURS, axis=0)
        moved = rng.random(around.shape) < MOVED
        around = cube.snap(around + step * moved * rng.standard_normal(around.shape))
        points, promises = np.vstack([points, around]), np.concatenate([promises, promise(around)])
    best_point: Floats = points[np.argmax(promises)]
    return best_point


def log_expected_improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
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
