"""The chosen configuration as plain values: all that is needed to train it again elsewhere."""

import math
from typing import Any, Literal

from tuner.results.findings import Findings
from tuner.results.selection import shrinkage, steps_of_runs

Rule = Literal["shipped", "best", "1se"]


def chosen_configuration(findings: Findings, environment: dict[str, str], rule: Rule) -> dict[str, Any]:
    """Parameters, epochs, score, data, seed and versions of the study's chosen trial; no value is None.

    Raises:
        UserError: no trial has completed yet.
    """
    spec, facts, best = findings.spec, findings.facts, findings.chosen(rule)
    outcome = best.trial.outcome
    score: dict[str, Any] = {"metric": spec.study.metric, "value": best.value}
    if best.repeat_mean is not None:
        score["repeat_mean"] = best.repeat_mean
    if math.isfinite(best.se):
        score["se"] = best.se
    score |= {
        "folds": list(outcome.at_best("metric")),
        "train_loss": outcome.train_loss,
        "valid_loss": outcome.valid_loss,
        facts.baseline.name.replace(" ", "_"): facts.baseline.value,
    }
    if outcome.detection is not None:
        threshold = ("threshold",) if outcome.detection.beats_guessing else ()
        rates = ("average_precision", "base_rate", "beats_guessing", "precision", "recall", "f1", *threshold)
        score |= {name: getattr(outcome.detection, name) for name in rates}
    plain = spec.to_dict()
    study = {"name": spec.study.name, "seed": spec.study.seed, "rule": rule, "trial": best.trial.number}
    training = {"epochs": outcome.best_epoch, "steps": round(steps_of_runs(best.trial)), "weights": outcome.weights}
    penalties = {"shrinkage": shrinkage(best.trial.params, outcome), "zeros": outcome.zeros}
    precision = "bf16" if facts.precision.is_bf16(int(best.trial.params["hidden_size"])) else "fp32"
    return {
        "study": study | {"trials": findings.summary.trials},
        "parameters": dict(best.trial.params),
        "training": {**training, **plain["train"], "precision": precision, **penalties},
        "score": score,
        "task": plain["task"],
        "data": plain["data"]
        | {
            "sha256": facts.digest,
            "rows": facts.rows,
            "series": facts.series,
            "features": list(facts.features),
            "target": list(facts.targets),
        },
        "cv": plain["cv"],
        "versions": environment,
    }
