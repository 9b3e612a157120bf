"""Short sentences about a study: the details of its verdict, and what stands below its tables."""

import math
from collections.abc import Collection

from tuner.evaluation.holdout import Holdout
from tuner.results.findings import Findings
from tuner.results.optimism import find_optimism
from tuner.results.selection import Selection, Trial, all_runs, shrinkage
from tuner.results.verdict import brief, count, warn_of_guessing

# The models that a study compares with its best trial, by the names that they have everywhere.
MODELS = {
    "1se": "the strongest regularisation that is about as good (within 1 SE)",
    "default": "all parameters at their defaults",
    "unregularised": "no regularisation (all at minimum)",
}


def explain_choice(findings: Findings) -> tuple[str, ...]:
    """Explains what is shipped: which trial, what stands beside it, and how far its score can be trusted."""
    best, one_se, holdout = findings.summary.shipped, findings.summary.one_se, findings.holdout
    if best is None or one_se is None:
        return ()
    epochs, metric, runs = best.trial.outcome.best_epoch, findings.spec.metric, len(all_runs(best.trial))
    trained = f"Use trial {best.trial.number}, trained for {count(epochs, 'epoch')}"
    of = f" (mean of {runs} runs, the first {brief(best.value)})" if best.repeat_mean is not None else ""
    said = [f"{trained}: cross-validated {metric.words} {brief(best.mean)}{of}, {metric.direction}."]
    if one_se.trial.number == best.trial.number:
        said.append("No stronger regularisation is about as good (within 1 SE).")
    else:
        said.append(
            f"Trial {one_se.trial.number} ({brief(one_se.mean)}) is the strongest regularisation that is about as good "
            "(within 1 SE): choose it if you prefer stronger regularisation."
        )
    optimism = find_optimism(findings)
    if holdout is None or optimism is None:
        trials = count(findings.summary.complete + findings.summary.pruned, "trial")
        return (
            *said,
            f"There are no held-out scores: the best of {trials} was chosen by these very folds, so it looks a little "
            "better than it is.",
        )
    used = f"The holdout has been used for {count(holdout.looks, 'configuration')} so far; each further use makes it"
    return *said, optimism.said, f"{used} less honest."


def explain_scores(findings: Findings, models: Collection[str]) -> tuple[str, ...]:
    """Explains the models of a cross-validation, the certainty of a difference, and what the best trial detects."""
    best = findings.summary.best
    said = [f"{name}: {words}." for name, words in MODELS.items() if name in models]
    said.append(f"{findings.facts.baseline.name}: a baseline without a network.")
    said.append("Losses are means over folds at the best epoch; the gap is validation minus training loss.")
    if best is not None and best.se > 0:
        said.append(f"1 SE is {best.se:.2g}: the standard error of a difference between two trials of this study.")
    found = None if best is None else best.trial.outcome.detection
    if found is not None:
        folds = findings.facts.folds
        without = sum(fold.anomalous == 0 for fold in folds)
        absent = f"; {without} of {len(folds)} folds have no anomalous row" if without else ""
        said.append(
            f"Detection in cross-validation: precision {found.precision:.2f} (base rate {brief(found.base_rate)}), "
            f"recall {found.recall:.2f}, F1 {found.f1:.2f}, thresholds chosen on the other folds; average precision "
            f"{found.average_precision:.2f}; {found.caught} of {found.events} events caught{absent}."
        )
    return tuple(said)


def explain_penalties(best: Selection) -> str:
    """Explains the effect of the best trial's penalties on its weights."""
    outcome, total = best.trial.outcome, shrinkage(best.trial.params, best.trial.outcome)
    zeros = round(outcome.zeros * outcome.weights) or "none"
    return (
        f"Effect: weight decay shrank weights by {-100 * math.expm1(-total):.2g} % (total shrinkage, the sum over "
        f"steps of learning rate * weight_decay: {total:.2g}; below 0.001 it does nothing); L1 set {zeros} of "
        f"{outcome.weights:,} weights to zero."
    )


def explain_effort(findings: Findings) -> tuple[str, ...]:
    """Counts the trials by their end, and what pruning saved, rightly or not."""
    summary = findings.summary
    own = sum(trial.outcome.fold_epochs for trial in findings.trials)
    share = summary.fold_epochs_saved / max(summary.fold_epochs_saved + own, 1)
    said = [
        f"Trials: {summary.complete} complete, {summary.pruned} pruned, {summary.failed} failed.",
        f"Pruning and early stopping saved {100 * share:.0f} % of the training.",
    ]
    if summary.audits:
        stopped = "1 trial" if summary.audits == 1 else f"{summary.audits} trials"
        said.append(
            f"Pruner check: {stopped} it would have stopped ran to the end anyway; {summary.false_prunes} ended in the "
            "top 10 %."
        )
    return tuple(said)


def explain_holdout(holdout: Holdout) -> str:
    """Explains the figures of a holdout."""
    return (
        f"{holdout.windows:,} windows in {holdout.blocks} blocks, seen by no fold, scaling, threshold or choice. Each "
        f"network is an ensemble, as a bundle ships it: {holdout.members} refits on all rows before them, the mean of "
        "which counts. Intervals allow for other rows and other seeds."
    )


def describe_threshold(findings: Findings, trial: Trial, threshold: float | None) -> str:
    """The threshold of a bundle and what it gives, or why there is none."""
    found = trial.outcome.detection
    if found is None:
        labelled = any(fold.anomalous for fold in findings.facts.folds)
        why = "the labelled anomalies lie in one fold" if labelled else "no labels"
        return f"no threshold ({why})" if threshold is None else f"threshold {threshold:.3g}"
    if not found.beats_guessing:
        limit = "no threshold" if threshold is None else f"threshold {threshold:.3g}"
        return f"{limit}: its detection is {warn_of_guessing(found)}"
    return (
        f"threshold {threshold:.3g} (precision {brief(found.precision)} in cross-validation, base rate "
        f"{brief(found.base_rate)})"
    )
