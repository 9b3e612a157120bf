"""The chosen trials are refitted and scored on the holdout: each once, whatever happens, and the report is kept."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from tests.making import known, make_dataset, make_detection, make_spec, marked, without_targets
from tests.search.making import make_outcome
from tuner.bundle.archive import bundle_files, read_bundle
from tuner.bundle.scorer import Scorer
from tuner.data.folds import Problem
from tuner.data.problems import make_problem
from tuner.errors import UserError
from tuner.evaluation.baselines import measure_baseline
from tuner.evaluation.holdout import Holdout
from tuner.files import write_folder
from tuner.results.findings import Findings, describe_study
from tuner.results.selection import Selection, Trial, summarise
from tuner.search.bundling import make_manifest
from tuner.search.evaluate import Run, score_holdout
from tuner.search.events import Event, Progressed, StageAdvanced, StageBegan, Ticked
from tuner.search.jobs import Job, Shared
from tuner.search.study import Prepared, prepare, shown_rows
from tuner.spec.sections import FLOAT32, Spec, TaskSection
from tuner.spec.space import Value, defaults
from tuner.storage.store import Store
from tuner.storage.stored_study import StoredStudy
from tuner.training.budget import refit_steps
from tuner.training.machine import Machine
from tuner.training.outcome import FoldCurve
from tuner.training.trainer import refit

# refits of a network: fewer than usual, as each takes a while
MEMBERS = 3
LABELS = marked(160, (10, 12), (50, 53), (90, 92), (130, 133), (145, 146))
SPEC = make_spec(
    study={"name": "small", "trials": 4},
    cv={"folds": 2, "holdout": 0.25},
    task={"kind": "classify", "window": 4},
    search={"repeats": 0},
    space={"hidden_size": 4, "num_layers": 1, "batch_size": 64},
)
DATA = make_dataset((160,), LABELS)
FOUND = make_detection(threshold=-0.5)


def trial(number: int, value: float, **params: Value) -> Trial:
    outcome = replace(make_outcome([value]), detection=FOUND, steps=3.4 + number)
    return Trial(number, {**defaults(SPEC.space), **params}, outcome)


TRIALS = (trial(0, 4.0, dropout=0.0), trial(1, 3.0), trial(2, 1.0, dropout=0.4), trial(3, 2.0, dropout=0.5))


class Here:
    """A backend of one worker, in this process, that counts its jobs; the first `deaths` of them kill it."""

    def __init__(self, problem: Problem, deaths: int = 0, spec: Spec = SPEC) -> None:
        self._shared = Shared(spec, problem.folds(), FLOAT32)
        self._deaths = deaths
        self.free = 1
        self.jobs: list[Any] = []

    def probe(self, spec: Spec, columns: int) -> Machine:
        raise AssertionError("the study has begun, and knows")

    def broadcast(self, shared: Shared) -> None:
        self._shared = shared

    def close(self) -> None: ...

    def submit(self, job: Job[Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self.jobs.append(job)
        self.free = 0
        if len(self.jobs) <= self._deaths:
            future.set_exception(BrokenProcessPool("killed"))
        else:
            future.set_result(job.run(self._shared, lambda _: None))
        return future

    def progress(self) -> Iterator[Progressed]:
        self.free = 1
        return iter(())


@pytest.fixture(autouse=True)
def _few_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.search.evaluate.MEMBERS", MEMBERS)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return make_problem(SPEC, DATA)


@pytest.fixture
def study(store: Store, problem: Problem) -> StoredStudy:
    return store.begin(SPEC, describe_study(SPEC, DATA, problem, problem.folds()))


def score(
    study: StoredStudy,
    problem: Problem,
    backend: Here,
    best: int | None = 2,
    one_se: int = 3,
    deadline: float | None = None,
    trials: tuple[Trial, ...] = TRIALS,
) -> list[Event]:
    """Scores the study with these two trials chosen; its events but for those of passing time."""
    summary = replace(summarise(SPEC, study.facts.test_to_train, trials), best=None, one_se=None, shipped=None)
    if best is not None:
        selected = [Selection(trials[number], float(number), None, 0.1, 0.0, 0.1) for number in (best, one_se)]
        summary = replace(summary, best=selected[0], one_se=selected[1], shipped=selected[0])
    events: list[Event] = []
    run = Run(study, problem, problem.folds(), backend, events.append, deadline)
    score_holdout(run, Findings(SPEC, study.facts, trials, summary))
    return [event for event in events if not isinstance(event, Ticked)]


def kept(study: StoredStudy, best: int = 2, one_se: int = 3) -> Holdout:
    return known(study.holdout(best, one_se))


def test_each_configuration_is_refitted_from_the_same_seeds_for_its_own_steps(study, problem) -> None:
    backend = Here(problem)
    events = score(study, problem, backend)
    jobs = {(job.params["dropout"], job.steps, job.seed) for job in backend.jobs}
    folds, data = problem.folds(), problem.refit()
    dropouts = {trial.params["dropout"]: refit_steps(trial.outcome.steps, folds, data) for trial in TRIALS}
    assert jobs == {(dropout, steps, seed) for dropout, steps in dropouts.items() for seed in range(MEMBERS)}
    count = 4 * MEMBERS
    assert events == [StageBegan("holdout", count), *[StageAdvanced("holdout")] * count]
    assert len(backend.jobs) == count
    assert [model.name for model in kept(study).scores] == [
        "shipped", "best", "1se", "unregularised", "default", "PCA", "logistic regression",
    ]  # fmt: skip
    shipped, best = kept(study).scores[:2]
    assert replace(best, name="shipped") == shipped
    assert (best.trial, best.difference) == (2, 0.0)


def test_the_report_is_of_the_rows_of_the_holdout(study, problem) -> None:
    score(study, problem, Here(problem))
    report = kept(study)
    data = problem.refit()
    assert (report.windows, report.anomalous, report.events) == (len(data.valid), 4, 2)
    assert (report.metric, report.trained, report.blocks) == ("loss", len(data.train), len(data.valid) // 4)
    assert report.baseline == measure_baseline(SPEC, problem, [data]).value


@pytest.mark.parametrize("kind", ["classify", "forecast", "difference"])
def test_what_is_scored_is_what_a_bundle_of_the_same_refits_gives(store, tmp_path, monkeypatch, kind) -> None:
    monkeypatch.setattr("tuner.search.evaluate.MEMBERS", 8)
    task = {"kind": "classify"} if kind == "classify" else {"kind": "forecast", "difference": kind == "difference"}
    spec = SPEC.model_copy(update={"task": TaskSection(window=4, **task)})
    problem = make_problem(spec, DATA)
    data, folds = problem.refit(), problem.folds()
    dataset = without_targets(DATA) if kind == "classify" else DATA
    prepared = Prepared(spec, dataset, problem, folds, describe_study(spec, dataset, problem, folds))
    study = store.begin(spec, prepared.facts)
    steps = refit_steps(TRIALS[2].outcome.steps, problem.folds(), data)
    refits = [refit(spec, data, TRIALS[2].params, steps=steps, repeat=seed) for seed in range(8)]
    out_of_fold = np.abs(np.random.default_rng(0).normal(size=99))
    outputs = np.mean([one.outputs[:, 0] for one in refits], axis=0)
    raw = outputs if data.targets is None else np.abs(outputs - data.answers[data.valid, 0]) / 0.5**0.5
    detection = replace(FOUND, threshold=float(np.quantile(raw, 0.6)))
    curves = tuple(FoldCurve((0.5,), (1.0,), (1.0,)) for _ in folds)
    trials = [replace(TRIALS[2], number=0, outcome=replace(TRIALS[2].outcome, detection=detection, folds=curves))]
    summary = summarise(spec, prepared.facts.test_to_train, trials)
    study.keep_rows(shown_rows(prepared))
    found = Findings(spec, prepared.facts, tuple(trials), summary)
    score_holdout(Run(study, problem, prepared.folds, Here(problem, spec=spec), lambda _: None), found)
    assert summary.best is not None and summary.one_se is not None
    shipped = kept(study, summary.best.trial.number, summary.one_se.trial.number).scores[0]

    manifest = make_manifest(prepared, found, "shipped", data, out_of_fold, refits)
    write_folder(tmp_path / "bundle", bundle_files(manifest, [one.weights for one in refits], ""))
    held = study.held_out(summary.best.trial.number, summary.one_se.trial.number)
    start = problem.windows.first[data.valid[0]]
    frame = pd.DataFrame(DATA.series[0].features[start:], columns=["a", "b"])
    scored = Scorer(read_bundle(tmp_path / "bundle")).score(frame).iloc[problem.windows.target[data.valid] - start]
    flags, labels = scored["flag"].to_numpy(float), LABELS[problem.windows.target[data.valid]]
    assert 0 < flags.mean() < 1
    assert shipped.precision == pytest.approx(precision_score(labels, flags, zero_division=0.0))
    assert shipped.recall == pytest.approx(recall_score(labels, flags))
    assert shipped.f1 == pytest.approx(f1_score(labels, flags))
    assert shipped.average_precision == pytest.approx(average_precision_score(labels, scored["score"]))
    assert held is not None and (np.argsort(held["score"]) == np.argsort(scored["score"])).mean() > 0.9
    if data.targets is not None:
        truth = DATA.series[0].targets[problem.windows.target[data.valid], 0]
        assert truth + held["off"][:, 0] == pytest.approx(scored["forecast"].to_numpy(), rel=1e-4, abs=1e-5)
        errors = (scored["forecast"].to_numpy() - truth) / data.targets.deviation[0]
        assert shipped.loss == pytest.approx(np.mean(errors[data.counted] ** 2), rel=1e-4)


def test_what_is_there_is_not_trained_again(study, problem) -> None:
    score(study, problem, Here(problem), deadline=time.monotonic())
    before = study.refits()
    assert 0 < len(before) < 4 * MEMBERS
    assert study.holdout(2, 3) is None
    backend = Here(problem)
    assert score(study, problem, backend)[0] == StageBegan("holdout", 4 * MEMBERS - len(before))
    after = study.refits()
    assert all(np.array_equal(after[key][0], outputs) for key, (outputs, _) in before.items())
    again = Here(problem)
    assert score(study, problem, again) == []
    assert again.jobs == []


def test_interrupted_or_not_the_report_is_the_same(store, study, problem) -> None:
    score(study, problem, Here(problem), deadline=time.monotonic())
    score(study, problem, Here(problem, deaths=1))
    other = store.begin(SPEC.model_copy(update={"study": SPEC.study.model_copy(update={"name": "other"})}), study.facts)
    score(other, problem, Here(problem))
    assert replace(kept(study), looks=0) == replace(kept(other), looks=0)


def test_a_refit_that_kills_its_worker_twice_cannot_be_measured(study, problem) -> None:
    class Deadly(Here):
        def submit(self, job: Job[Any]) -> Future[Any]:
            self._deaths = 99 if getattr(job, "params", {})["dropout"] == 0.0 else 0
            return super().submit(job)

    score(study, problem, Deadly(problem))
    least = kept(study).score("unregularised")
    assert least is not None and (least.value, least.interval, least.average_precision) == (None, None, None)
    assert kept(study).scores[0].value is not None


def test_a_trial_chosen_by_both_rules_is_refitted_once(study, problem) -> None:
    backend = Here(problem)
    score(study, problem, backend, best=1, one_se=1)
    assert len(backend.jobs) == 2 * MEMBERS
    assert [model.trial for model in kept(study, 1, 1).scores[:5]] == [1, 1, 1, 0, 1]


def test_a_new_choice_is_a_new_look_in_all_studies_of_these_data(store, study, problem) -> None:
    score(study, problem, Here(problem))
    assert kept(study).looks == 2
    score(study, problem, Here(problem), best=3, one_se=3)
    assert kept(study).looks == kept(study, 3, 3).looks == 2, "trial 3 was scored before"
    score(study, problem, Here(problem), best=1, one_se=3)
    assert kept(study).looks == 3
    same: Mapping[str, Any] = {"best": 0, "one_se": 0, "report": kept(study), "rows": np.zeros(1)}
    for name, digest, looks in (("same", study.facts.digest, 4), ("else", "e" * 64, 4)):
        spec = SPEC.model_copy(update={"study": SPEC.study.model_copy(update={"name": name})})
        store.begin(spec, replace(study.facts, digest=digest)).save_holdout(**same)
        assert kept(study).looks == looks


def test_without_a_holdout_nothing_is_refitted(study, problem) -> None:
    none = replace(problem, split=replace(problem.split, holdout=problem.split.holdout[:0]))
    backend = Here(problem)
    assert score(study, none, backend) == score(study, problem, backend, best=None) == []
    assert (backend.jobs, study.refits()) == ([], {})


def test_a_holdout_that_cannot_be_scored_is_refused_before_the_search(tmp_path) -> None:
    rows = [f"{np.sin(row):.3f},{int(row >= 75)}" for row in range(100)]
    (tmp_path / "a.csv").write_text("\n".join(["x,label", *rows]))
    spec = make_spec(data={"path": str(tmp_path / "a.csv")}, cv={"folds": 2, "holdout": 0.2})
    with pytest.raises(UserError, match="0 validation windows without anomalous rows"):
        prepare(spec)


def test_trials_without_a_finished_epoch_are_left_out(study, problem) -> None:
    trials = (replace(TRIALS[0], outcome=make_outcome([], "failed")), *TRIALS[1:])
    score(study, problem, Here(problem), trials=trials)
    assert [model.name for model in kept(study).scores[:4]] == ["shipped", "best", "1se", "default"]
