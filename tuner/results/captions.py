"""Short sentences about a study: the details of its verdict, and what stands below its tables."""

from collections.abc import Collection

import numpy as np

from tuner.errors import counted
from tuner.evaluation.holdout import Holdout
from tuner.results.findings import Findings
from tuner.results.optimism import find_optimism
from tuner.results.selection import Trial
from tuner.results.verdict import brief, warn_of_guessing

# The models that a study compares with its best trial, by the names that they have everywhere.
MODELS = {
    "1se": "the strongest regularisation that is about as good (within 1 SE)",
    "default": "all parameters at their defaults",
    "unregularised": "no regularisation (all at minimum)",
}
# A validation loss that ends by this share above its lowest one has turned.
TURNED = 0.05


def explain_overfitting(reference: Trial, chosen: Trial) -> str:
    """What training did to the losses without regularisation and as chosen; why the gap is larger there, if it is."""
    said = f"As chosen {_course(chosen)}."
    if reference.number == chosen.number or not reference.outcome.best_epoch:
        return said
    before, after = reference.outcome, chosen.outcome
    said = f"Without regularisation {_course(reference)}. {said}"
    if after.gap <= before.gap:
        return said
    longer = f"it trains for {after.best_epoch} epochs instead of {before.best_epoch} until its score is best"
    why = longer if after.best_epoch > before.best_epoch else "trials are chosen by their score, not by their gap"
    return f"{said} Its gap is larger at the best epoch ({brief(after.gap)}, not {brief(before.gap)}): {why}."


def _course(trial: Trial) -> str:
    """Whether a trial overfits, by the course of its losses, means over folds."""
    train, valid = (
        np.mean([getattr(fold, name) for fold in trial.outcome.folds], axis=0) for name in ("train_loss", "valid_loss")
    )
    low = int(valid.argmin())
    fell = f"the training loss {'falls to' if train[-1] < train[0] else 'ends at'} {brief(train[-1])}"
    if valid[-1] - valid[low] > TURNED * abs(valid[low]):
        turned = f"the validation loss rises from {brief(valid[low])} after epoch {low + 1} to {brief(valid[-1])}"
        return f"yes: {turned}, while {fell}"
    return f"no: the validation loss ends near its lowest, {brief(valid[low])}, and {fell}"


def explain_trust(findings: Findings) -> tuple[str, ...]:
    """Explains how far the score of what is shipped can be trusted; nothing before a trial has completed."""
    holdout, optimism, best = findings.holdout, find_optimism(findings), findings.summary.shipped
    if best is None:
        return ()
    if holdout is None or optimism is None:
        trials = counted(findings.summary.complete + findings.summary.pruned, "trial")
        chosen = f"the best of {trials} was chosen by these very folds, so it looks a little better than it is"
        return (f"There are no held-out scores: {chosen}.",)
    used = f"The holdout has been used for {counted(holdout.looks, 'configuration')} so far; each further use makes it"
    return optimism.said, f"{used} less honest."


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
        stopped = f"{counted(summary.audits, 'trial')} it would have stopped ran to the end anyway"
        said.append(f"Pruner check: {stopped}; {summary.false_prunes} ended in the top 10 %.")
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
    limit = "no threshold" if threshold is None else f"threshold {threshold:.3g}"
    if found is None:
        labelled = any(fold.anomalous for fold in findings.facts.folds)
        why = "the labelled anomalies lie in one fold" if labelled else "no labels"
        return limit if threshold is not None else f"{limit} ({why})"
    if not found.beats_guessing:
        return f"{limit}: its detection is {warn_of_guessing(found)}"
    return f"{limit} (precision {brief(found.precision)} in cross-validation, base rate {brief(found.base_rate)})"
