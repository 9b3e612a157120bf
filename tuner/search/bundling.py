"""From a finished study to a bundle: refits of the chosen trial on all rows, and what scoring needs to know."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.bundle.manifest import Columns, Manifest, Networks, SampleManifest
from tuner.bundle.rarity import carried_residual, fit_rarity
from tuner.data.folds import FoldData
from tuner.errors import UserError
from tuner.evaluation.detection import Scores, choose_threshold
from tuner.results.configuration import Rule, chosen_configuration
from tuner.results.findings import Findings
from tuner.results.selection import Selection, steps_of_runs
from tuner.search.coordinator import do_all
from tuner.search.evaluate import MEMBERS
from tuner.search.events import Notify, StageAdvanced, StageBegan
from tuner.search.jobs import Refit, Shared
from tuner.search.study import Prepared
from tuner.search.workers import Backend
from tuner.training.budget import refit_steps
from tuner.training.outcome import Refitted

Weights = Mapping[str, npt.NDArray[np.float32]]


def refit_all(
    prepared: Prepared, found: Findings, rule: Rule, scores: Scores | None, backend: Backend, notify: Notify
) -> tuple[Manifest | SampleManifest, tuple[Weights, ...]]:
    """Refits the chosen trial on all rows (refit B): the manifest of a bundle, but for checksums, and the weights.

    Args:
        prepared: the study's data, and what was given from Python.
        found: what it found.
        rule: which trial is chosen.
        scores: (n,) out of fold, of the chosen trial; not needed of samples.
        backend: where to train.
        notify: called with the stage "bundle" and its steps.

    Raises:
        UserError: no trial has completed, the data are not as they were, the study needs another processor, or a
            network cannot be trained.
    """
    spec, trial = prepared.spec, found.chosen(rule).trial
    if prepared.facts.digest != found.facts.digest:
        hint = "put them back, or run a new study on the data as they are"
        raise UserError("the data have changed since the study began", where=spec.data_paths, hint=hint)
    data = prepared.problem.whole()
    steps = refit_steps(steps_of_runs(trial), prepared.folds, data)
    jobs = {seed: Refit(trial.params, steps, seed) for seed in range(MEMBERS)}
    backend.probe(spec, len(found.facts.features)).refuse(spec, found.facts.precision)
    backend.broadcast(Shared(spec, (data,), found.facts.precision))
    notify(StageBegan("bundle", len(jobs)))
    results: dict[int, Refitted] = {}
    for seed, result in do_all(jobs, backend, notify):
        if result is None:
            raise UserError("a worker died twice (killed, or out of memory)", where=spec.study.name)
        results[seed] = result
        notify(StageAdvanced("bundle"))
    refits = [results[seed] for seed in jobs]
    if not all(np.isfinite(array).all() for refit in refits for array in refit.weights.values()):
        raise UserError(f"trial {trial.number} diverges when trained on all rows", where=spec.study.name)
    weights = tuple(refit.weights for refit in refits)
    if prepared.data.samples is not None:
        described = _described(prepared, found, rule, data, len(refits))
        return SampleManifest(**described, classes=prepared.data.samples.classes), weights
    assert scores is not None  # noqa: S101 (the trial is complete)
    return make_manifest(prepared, found, rule, data, scores, refits), weights


def make_manifest(
    prepared: Prepared, found: Findings, rule: Rule, data: FoldData, scores: Scores, refits: Sequence[Refitted]
) -> Manifest:
    """The manifest of a bundle of networks that answer rows of series.

    Args:
        prepared: the study's data.
        found: what it found.
        rule: which trial is chosen.
        data: on which it was refitted.
        scores: (n,) out of fold, of the chosen trial.
        refits: of the chosen trial.
    """
    spec, choice = prepared.spec, found.chosen(rule)
    residuals = [refit.residual for refit in refits if refit.residual is not None]
    rarity = fit_rarity(scores)
    detection, threshold = choice.trial.outcome.detection, None
    if spec.study.flag_share is not None:
        threshold = choose_threshold(scores, None, spec.study.flagging)
    elif detection is not None and detection.beats_guessing:
        threshold = detection.threshold
    if threshold is not None:
        threshold = float(rarity.apply(np.array(threshold)))
    return Manifest(
        **_described(prepared, found, rule, data, len(refits)),
        reading=prepared.data.reading,
        columns=_columns(prepared),
        residual=carried_residual(residuals, choice.trial.outcome.at_best("train_loss"), prepared.folds)
        if residuals
        else None,
        threshold=threshold,
        rows=len(scores),
        rarity=rarity,
    )


def _described(prepared: Prepared, found: Findings, rule: Rule, data: FoldData, count: int) -> dict[str, Any]:
    """What a manifest says of so many networks, whatever they answer."""
    spec, choice = prepared.spec, found.chosen(rule)
    values = chosen_configuration(found, dict(found.environment), rule)
    shape = {name: choice.trial.params[name] for name in Networks.model_fields if name in choice.trial.params}
    return {
        "study": values["study"],
        "task": spec.task,
        "features": data.features,
        "targets": data.targets,
        "networks": Networks.model_validate({"count": count, "model": spec.model, **shape}),
        "scores": values["score"],
        "holdout": _holdout(found, choice),
        "data": values["data"],
        "versions": values["versions"],
    }


def _columns(prepared: Prepared) -> Columns:
    spec, series = prepared.spec, prepared.data.series
    steps = np.concatenate([np.diff(one.time).astype(np.float64) for one in series])
    return Columns(
        time=prepared.data.time_names,
        dated=series[0].time.dtype.kind == "M",
        step=float(np.median(steps)),
        max_gap=spec.data.max_gap,
        every=spec.data.every,
        features=prepared.data.feature_names,
        targets=prepared.data.target_names,
        lowest=tuple(np.min([one.features.min(axis=0) for one in series], axis=0).tolist()),
        highest=tuple(np.max([one.features.max(axis=0) for one in series], axis=0).tolist()),
    )


def _holdout(found: Findings, choice: Selection) -> dict[str, Any] | None:
    """Scores of the same configuration, refitted on all rows before the holdout, on that."""
    if found.holdout is None:
        return None
    own = {score.name: asdict(score) for score in found.holdout.scores if score.trial == choice.trial.number}
    return {"metric": found.holdout.metric, "windows": found.holdout.windows, "models": own}
