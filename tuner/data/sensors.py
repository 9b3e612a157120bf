"""The series of the demo: a load that follows two rhythms, and sensors that have nothing to do with it."""

import numpy as np
import pandas as pd

ROWS, SENSORS = 1200, 40
_DECIMALS = 3  # processors differ in the last bits of sin and tanh: rounding hides it


def simulate_sensors() -> pd.DataFrame:
    """A row an hour: `time`, `load` and `sensor_01` to `sensor_40`, always the same."""
    random = np.random.default_rng(1)
    values = random.normal(size=(ROWS, 1 + SENSORS))
    for row in range(1, ROWS):
        values[row] += 0.8 * values[row - 1]
    turns = 2 * np.pi * np.arange(ROWS)
    rhythms = np.tanh(np.sin(turns / 24) + 0.5 * np.sin(turns / 7))
    values[:, 0] = 2 * rhythms + 0.3 * values[:, 0] + 0.6 * random.normal(size=ROWS)
    names = ["load", *(f"sensor_{number:02d}" for number in range(1, 1 + SENSORS))]
    hours = pd.DataFrame(values.round(_DECIMALS), columns=names)
    hours.insert(0, "time", pd.date_range("2024-01-01", periods=ROWS, freq="h", unit="s"))
    return hours
