"""The threshold of a bundle: one that is worth something, or a share of flags, on the scale of its scores."""

from dataclasses import replace

import numpy as np
import pytest

from tests.making import make_dataset, make_detection, make_spec, marked, without_targets
from tests.search.making import make_outcome
from tuner.bundle.manifest import Manifest
from tuner.data.problems import make_problem
from tuner.evaluation.detection import Detection
from tuner.results.findings import Findings, describe_study
from tuner.results.selection import Trial, summarise
from tuner.search.bundling import make_manifest
from tuner.search.study import Prepared
from tuner.spec.space import defaults
from tuner.training.outcome import Refitted

SCORES = np.random.default_rng(0).exponential(size=1000)


def bundled(detection: Detection | None, **study: float) -> Manifest:
    """The manifest of a bundle of a study with one trial, which detects so."""
    spec = make_spec(study=study, task={"window": 4, "kind": "classify"}, search={"repeats": 0})
    data = without_targets(make_dataset([90], marked(90, (10, 12), (40, 43), (70, 73))))
    problem = make_problem(spec, data)
    info = describe_study(spec, data, problem, problem.folds())
    trial = Trial(0, defaults(spec.space), replace(make_outcome([1.0]), detection=detection))
    found = Findings(spec, info, (trial,), summarise(spec, info.test_to_train, [trial]))
    prepared = Prepared(spec, data, problem, problem.folds(), info)
    refits = [Refitted({}, None, np.empty((0, 1), np.float32))]
    return make_manifest(prepared, found, "best", problem.whole(), SCORES, refits)


def test_the_threshold_lies_on_the_scale_of_the_scores() -> None:
    manifest = bundled(make_detection(threshold=2.0))
    assert manifest.threshold == pytest.approx(-np.log10(np.mean(SCORES >= 2.0)), rel=0.02)
    assert (manifest.scores["base_rate"], manifest.scores["beats_guessing"]) == (0.1, True)


@pytest.mark.parametrize("detection", [None, make_detection(base_rate=0.45), replace(make_detection(), interval=None)])
def test_what_is_no_better_than_guessing_has_no_threshold(detection) -> None:
    manifest = bundled(detection)
    assert manifest.threshold is None
    assert "threshold" not in manifest.scores


@pytest.mark.parametrize("detection", [None, make_detection(base_rate=0.45), make_detection(threshold=2.0)])
def test_a_share_of_flags_is_one_whatever_is_detected(detection) -> None:
    assert bundled(detection, flag_share=0.01).threshold == pytest.approx(2.0, abs=1e-6)
