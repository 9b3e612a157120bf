"""Scaling, fitted on training rows only."""

from dataclasses import dataclass

import numpy as np

from tuner.data.series import Floats


@dataclass(frozen=True)
class Scaling:
    """Subtracts `mean` and divides by `deviation`, column by column; both (columns,)."""

    mean: Floats
    deviation: Floats

    def apply(self, values: Floats) -> Floats:
        return (values - self.mean) / self.deviation


def fit_scaling(values: Floats) -> Scaling:
    """Mean and standard deviation of each column of `values`, (rows, columns); a constant column keeps its unit."""
    deviation = values.std(axis=0)
    # a column that is constant but for rounding must not be blown up to unit variance
    constant = deviation <= 1e-12 * np.abs(values).max(axis=0, initial=0)
    return Scaling(values.mean(axis=0), np.where(constant, 1.0, deviation))
