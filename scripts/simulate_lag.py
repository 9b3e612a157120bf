"""How busy are the workers at which lag? Run: python scripts/simulate_lag.py [STUDY]

Replays the durations of a finished study's trials through the coordinator's rule: trial n is asked once the trials 0 to
n - lag are told, and trials are told in the order of their numbers. Durations are resampled to 400 trials, as a short
study mostly shows its own end. Printed: the share of worker time that trains.
"""

import heapq
import sys

import numpy as np

from tuner.search.study import findings
from tuner.storage.store import Store
from tuner.terminal import DEFAULT_STORAGE

TRIALS = 400


def busy(durations: np.ndarray, workers: int, lag: int) -> float:
    """The share of worker time spent training, from the first trial's start to the last one's end."""
    running: list[tuple[float, int]] = []
    ended: set[int] = set()
    clock, told, asked = 0.0, 0, 0
    while told < len(durations):
        while asked < len(durations) and asked - told < lag and len(running) < workers:
            heapq.heappush(running, (clock + durations[asked], asked))
            asked += 1
        clock, number = heapq.heappop(running)
        ended.add(number)
        while told in ended:
            told += 1
    return float(durations.sum() / (workers * clock))


def main() -> None:
    store = Store(DEFAULT_STORAGE, create=False)
    study = findings(store.open(sys.argv[1] if len(sys.argv) > 1 else "anomaly"))
    store.close()
    seconds = np.array([trial.outcome.seconds for trial in study.trials if trial.outcome.seconds])
    durations = np.random.default_rng(0).choice(seconds, TRIALS)
    lags = (1, 2, 3, 4, 6, 8, 12, 16, 32)
    print(f"{len(seconds)} durations: median {np.median(seconds):.1f} s, longest {seconds.max():.1f} s")
    print("workers  " + "  ".join(f"lag {lag:2}" for lag in lags))
    for workers in (1, 2, 4, 8):
        print(f"{workers:7}  " + "  ".join(f"{busy(durations, workers, lag):6.0%}" for lag in lags))


if __name__ == "__main__":
    main()
