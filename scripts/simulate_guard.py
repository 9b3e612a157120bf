"""How sure must a gain over the defaults be before a study ships its best trial? Run: python scripts/simulate_guard.py

Made-up studies: configurations whose true log losses differ from the default one's (on average `worse`, by `spread`),
and from fold to fold (`folds`), trained with noise (`seeds`). As a study does it, five of them are trained twice more,
the best mean is named, and it is shipped where its gain exceeds so many corrected standard errors. Told are the mean
log loss of what is shipped, minus the default one's, and how often that is worse by 2 %.
"""

import numpy as np

from tuner.training.outcome import standard_error

STUDIES, TRIALS, FINALISTS, RUNS = 1000, (14, 50), 5, 3
# spread, worse, folds, seeds
WORLDS = ((0.05, 0.05, 0.15, 0.1), (0.05, 0.05, 0.05, 0.05), (0.15, 0.1, 0.15, 0.1), (0.3, 0.3, 0.15, 0.1))
ERRORS = (0.0, 0.5, 0.74, 1.0, 1.5, 2.0)


def study(world: tuple[float, ...], trials: int, folds: int, rng: np.random.Generator) -> tuple[float, float]:
    """The true difference of the best to the default configuration, and their seen one in standard errors."""
    spread, worse, by_fold, by_seed = world
    truth = np.concatenate([[0.0], rng.normal(worse, spread, trials)])
    costs = truth[:, None] + rng.normal(0, by_fold, (trials + 1, folds))
    seen = costs + rng.normal(0, by_seed, costs.shape)
    last = sorted({0, *np.argsort(seen.mean(1))[:FINALISTS].tolist()})
    again = costs[last] + rng.normal(0, by_seed / np.sqrt(RUNS - 1), (len(last), folds))
    means = (seen[last] + (RUNS - 1) * again) / RUNS
    best = int(np.argmin(means.mean(1)))
    gains = means[0] - means[best]
    return float(truth[last[best]]), float(gains.mean()) / (standard_error(gains.tolist(), 1 / (folds - 1)) or np.inf)


def main() -> None:
    rng = np.random.default_rng(0)
    print("folds trials | spread worse folds seeds |", *(f"{errors:.2f} SE".rjust(13) for errors in ERRORS))
    for folds in (3, 5):
        for trials in TRIALS:
            for world in WORLDS:
                truth, sure = np.array([study(world, trials, folds, rng) for _ in range(STUDIES)]).T
                shipped = [np.where(sure > errors, truth, 0.0) for errors in ERRORS]
                told = (f"{values.mean():+.3f} {np.mean(values > 0.02):4.0%}".rjust(13) for values in shipped)
                print(f"{folds:5} {trials:6} |", *(f"{value:5}" for value in world), "|", *told)


if __name__ == "__main__":
    main()
