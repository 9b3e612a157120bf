"""What a refit gives, as a value that can be read without torch."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tuner.data.series import Floats
from tuner.evaluation.detection import Scores


@dataclass(frozen=True)
class Refitted:
    """A refitted network, and how it does on the validation windows of its data.

    Attributes:
        weights: its state by name.
        residual: (outputs,) root mean square error on its training windows; None for `classify`.
        losses: (m,) of the validation windows.
        scores: (m,) of the validation windows, higher where more anomalous.
    """

    weights: Mapping[str, npt.NDArray[np.float32]]
    residual: Floats | None
    losses: npt.NDArray[np.float32]
    scores: Scores
