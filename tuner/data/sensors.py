"""The series of the demo: a load that swings, and sensors that have nothing to do with it."""

import numpy as np
import pandas as pd

ROWS, SENSORS = 1000, 80
PERIOD, MEMORY, NOISE = 8, 0.9, 0.3  # of the load: rows, share that is left after each, share that is measured wrongly
_DECIMALS = 3  # processors differ in the last bits of a cosine: rounding hides it


def simulate_sensors() -> pd.DataFrame:
    """A row an hour: `time`, `load` and `sensor_01` to `sensor_80`, always the same."""
    random = np.random.default_rng(1)
    values = random.normal(size=(ROWS, 1 + SENSORS))
    # autoregressions: of the load by two rows, so that it swings without a clock, of the sensors by one
    swing = 2 * MEMORY * np.cos(2 * np.pi / PERIOD)
    for row in range(2, ROWS):
        values[row, 0] += swing * values[row - 1, 0] - MEMORY**2 * values[row - 2, 0]
        values[row, 1:] += 0.8 * values[row - 1, 1:]
    load = values[:, 0]
    load += NOISE * load.std() * random.normal(size=ROWS)
    names = ["load", *(f"sensor_{number:02d}" for number in range(1, 1 + SENSORS))]
    hours = pd.DataFrame(values.round(_DECIMALS), columns=names)
    hours.insert(0, "time", pd.date_range("2024-01-01", periods=ROWS, freq="h", unit="s"))
    return hours
