"""From a finished study to a bundle: refits of the chosen trial on all rows, and what scoring needs to know."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.bundle.manifest import Columns, Manifest, Networks
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
from tuner.search.study import Prepared, prepare
from tuner.search.workers import Backend
from tuner.storage.stored_study import StoredStudy
from tuner.training.budget import refit_steps
from tuner.training.outcome import Refitted

Weights = Mapping[str, npt.NDArray[np.float32]]


def refit_all(
    study: StoredStudy,
    found: Findings,
    rule: Rule,
    backend: Backend,
    notify: Notify,
) -> tuple[Manifest, tuple[Weights, ...]]:
    """Refits the chosen trial on all rows (refit B): the manifest of a bundle, but for checksums, and the weights.

    Args:
        study: of the store.
        found: what it found.
        rule: which trial is chosen.
        backend: where to train.
        notify: called with the stage "bundle" and its steps.

    Raises:
        UserError: no trial has completed, the data are not there or not as they were, the study needs another
            processor, or a network cannot be trained.
    """
    trial = found.chosen(rule).trial
    prepared = prepare(study.spec)
    if prepared.facts.digest != study.facts.digest:
        raise UserError(
            "the data have changed since the study began",
            where=study.spec.data_paths,
            hint="put them back, or run a new study on the data as they are",
        )
    data, scores = prepared.problem.whole(), study.scores(trial.number)
    assert scores is not None  # noqa: S101 (it is complete)
    steps = refit_steps(steps_of_runs(trial), prepared.folds, data)
    jobs = {seed: Refit(trial.params, steps, seed) for seed in range(MEMBERS)}
    backend.probe(study.spec, len(study.facts.features)).refuse(study.spec, study.facts.precision)
    backend.broadcast(Shared(study.spec, (data,), study.facts.precision))
    notify(StageBegan("bundle", len(jobs)))
    results: dict[int, Refitted] = {}
    for seed, result in do_all(jobs, backend, notify):
        if result is None:
            raise UserError("a worker died twice (killed, or out of memory)", where=study.spec.study.name)
        results[seed] = result
        notify(StageAdvanced("bundle"))
    refits = [results[seed] for seed in jobs]
    if not all(np.isfinite(array).all() for refit in refits for array in refit.weights.values()):
        raise UserError(f"trial {trial.number} diverges when trained on all rows", where=study.spec.study.name)
    manifest = make_manifest(prepared, found, rule, data, scores, refits)
    return manifest, tuple(refit.weights for refit in refits)


def make_manifest(
    prepared: Prepared,
    found: Findings,
    rule: Rule,
    data: FoldData,
    scores: Scores,
    refits: Sequence[Refitted],
) -> Manifest:
    """The manifest of a bundle.

    Args:
        prepared: the study's data.
        found: what it found.
        rule: which trial is chosen.
        data: on which it was refitted.
        scores: (n,) out of fold, of the chosen trial.
        refits: of the chosen trial.
    """
    spec, choice = prepared.spec, found.chosen(rule)
    params, values = choice.trial.params, chosen_configuration(found, dict(found.environment), rule)
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
        study=values["study"],
        task=spec.task,
        reading=prepared.data.reading,
        columns=_columns(prepared),
        features=data.features,
        targets=data.targets,
        networks=Networks(
            count=len(refits),
            hidden_size=int(params["hidden_size"]),
            num_layers=int(params["num_layers"]),
            normalization=str(params["normalization"]),  # type: ignore[arg-type]  # the space knows no other words
            model=spec.model,
        ),
        residual=carried_residual(residuals, choice.trial.outcome.at_best("train_loss"), prepared.folds)
        if residuals
        else None,
        threshold=threshold,
        rows=len(scores),
        rarity=rarity,
        scores=values["score"],
        holdout=_holdout(found, choice),
        data=values["data"],
        versions=values["versions"],
    )


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
    )


def _holdout(found: Findings, choice: Selection) -> dict[str, Any] | None:
    """Scores of the same configuration, refitted on all rows before the holdout, on that."""
    if found.holdout is None:
        return None
    own = {score.name: asdict(score) for score in found.holdout.scores if score.trial == choice.trial.number}
    return {"metric": found.holdout.metric, "windows": found.holdout.windows, "models": own}
