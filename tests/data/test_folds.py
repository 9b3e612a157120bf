"""What a fold sees: answers by task, scaling and class weight fitted on its training rows, and clear refusals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from tests.making import make_dataset, make_small_problem, make_spec, marked
from tuner.data.folds import BOUND, FoldData, Problem, fit_scaling
from tuner.data.problems import make_problem, warn_of_held_events
from tuner.data.series import Bools, Dataset, runs
from tuner.data.splits import Fold
from tuner.data.windows import Windows
from tuner.errors import UserError
from tuner.loading.dataset import load_dataset
from tuner.spec.sections import Spec

EVENTS = marked(60, (8, 10), (30, 33), (52, 54))


@pytest.mark.parametrize("difference", [False, True])
def test_a_forecast_answers_the_row_ahead_or_the_change_since_the_last_row_seen(difference):
    data = make_dataset([30])
    problem = make_problem(make_spec(task={"window": 4, "horizon": 3, "difference": difference}), data)
    ahead, seen = data.series[0].targets[6:], data.series[0].targets[3:-3]
    assert problem.answers.tolist() == (ahead - seen if difference else ahead).tolist()
    assert problem.persistence is not None
    assert problem.persistence.tolist() == (np.zeros_like(seen) if difference else seen).tolist()


def test_classify_answers_the_label_of_the_last_row():
    problem = make_small_problem(labels=EVENTS, task={"kind": "classify"})
    assert problem.answers[:, 0].tolist() == EVENTS[3:].astype(float).tolist()
    assert problem.persistence is None


def test_a_fold_scales_features_and_answers_by_its_training_windows():
    data = make_dataset([40])
    problem = make_problem(make_spec(), data)
    fold = problem.folds()[0]
    seen = data.series[0].features[problem.windows.seen_rows(fold.train)]
    answered = data.series[0].targets[problem.windows.target[fold.train]]
    expected = (data.series[0].features - seen.mean(axis=0)) / seen.std(axis=0)
    np.testing.assert_allclose(fold.rows, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(fold.answers, (problem.answers - answered.mean()) / answered.std(), rtol=1e-5, atol=1e-6)
    assert fold.rows.dtype == fold.answers.dtype == np.float32
    np.testing.assert_array_equal(fold.features.inputs(data.series[0].features), fold.rows)
    assert fold.targets is not None
    np.testing.assert_array_equal(fold.targets.apply(problem.answers).astype(np.float32), fold.answers)


def test_a_fold_knows_the_windows_and_their_labels():
    problem = make_small_problem(labels=EVENTS)
    fold = problem.folds()[0]
    assert (fold.window, fold.first.tolist()) == (4, problem.windows.first.tolist())
    assert fold.labels is not None
    assert fold.labels.tolist() == EVENTS[problem.windows.target].tolist()


def test_a_forecast_neither_learns_from_anomalous_rows_nor_counts_their_loss():
    problem = make_small_problem(labels=EVENTS)
    for split, fold in zip(problem.split.folds, problem.folds(), strict=True):
        clean = [
            window
            for window in split.train
            if not EVENTS[problem.windows.first[window] : problem.windows.target[window] + 1].any()
        ]
        assert fold.train.tolist() == clean
        assert fold.valid.tolist() == split.valid.tolist()
        assert fold.counted.tolist() == [not EVENTS[row] for row in problem.windows.target[split.valid]]
        assert not fold.counted.all()
        assert fold.class_weight == 1.0


def test_classify_learns_from_all_windows_and_counts_them():
    problem = make_small_problem(labels=EVENTS, task={"kind": "classify"})
    for split, fold in zip(problem.split.folds, problem.folds(), strict=True):
        assert fold.train.tolist() == split.train.tolist()
        assert fold.counted.all()
        assert fold.counted.dtype == bool  # it is an index into the validation windows
        assert fold.targets is None


@pytest.mark.parametrize(("anomalous", "weight"), [(1, 10.0), (5, 7.0), (20, 1.0), (30, 1.0)])
def test_the_class_weight_is_the_ratio_of_classes_within_bounds(anomalous, weight):
    problem = make_small_problem((43,), marked(43, (3, 3 + anomalous)), task={"kind": "classify"}, cv={"folds": 2})
    every = np.arange(40)  # windows, of which the first ones answer the anomalous rows
    assert problem.prepare(Fold(every, every)).class_weight == weight


def test_one_refit_trains_before_the_holdout_the_other_on_every_window():
    problem = make_small_problem(cv={"folds": 2, "holdout": 0.25})
    refit, whole = problem.refit(), problem.whole()
    assert refit.train.tolist() == problem.split.development.tolist() == list(range(41))  # answering rows up to 44
    assert refit.valid.tolist() == problem.split.holdout.tolist() == list(range(45, 56))
    assert whole.train.tolist() == list(range(len(problem.windows)))
    assert (len(whole.valid), len(whole.counted)) == (0, 0)


def test_two_windows_suffice_to_train_on():
    problem = make_small_problem()
    assert problem.prepare(Fold(np.array([0, 9]), np.array([20]))).train.tolist() == [0, 9]


def test_no_edge_of_a_fold_cuts_an_event():
    problem = make_small_problem(labels=marked(60, (20, 26)))  # the edge would lie before row 23
    assert [int(problem.windows.target[fold.valid].min()) for fold in problem.split.folds] == [4, 26, 41]


def cut(*files: str | None) -> Dataset:
    """A series for each file, which it is a piece of, or all of if that is None."""
    data = make_dataset([40] * len(files))
    pieces = (replace(piece, file=file) for piece, file in zip(data.series, files, strict=True))
    return replace(data, series=tuple(pieces))


def dealt(data: Dataset) -> list[list[int]]:
    """The series that each fold validates."""
    problem = make_problem(make_spec(cv={"scheme": "series", "folds": 2}), data)
    return [sorted(set(problem.windows.series[fold.valid].tolist())) for fold in problem.split.folds]


def test_the_pieces_of_one_file_stay_in_one_fold():
    assert dealt(cut("a", "a", "a", "b")) == [[0, 1, 2], [3]]
    assert dealt(cut(None, None, None, None)) == [[0, 2], [1, 3]], "whole files are not pieces of one"
    assert dealt(cut("a", "a", None, None, None)) == [[0, 1, 4], [2, 3]]


def test_interpolated_runs_and_look_back_widen_the_gap_as_an_embargo_does():
    data = replace(make_dataset([60]), interpolated=1, lookback=2)
    widened = make_problem(make_spec(cv={"embargo": 4}), make_dataset([60])).split
    for fold, other in zip(make_problem(make_spec(), data).split.folds, widened.folds, strict=True):
        assert fold.train.tolist() == other.train.tolist()


# --- nothing fitted sees a row that judges


def spoilt(data: Dataset, rows: Bools) -> Dataset:
    """The data with other values at the given rows of all series together."""
    start, series = 0, []
    for one in data.series:
        mine = rows[start : start + len(one)][:, None]
        start += len(one)
        series.append(
            replace(
                one,
                features=np.where(mine, 1e6 - 7 * one.features, one.features),
                targets=np.where(mine, -1e6 + 3 * one.targets, one.targets),
            )
        )
    return replace(data, series=tuple(series))


def assert_trains_alike(left: FoldData, right: FoldData, windows: Windows) -> None:
    """Everything that training on the two folds can see is the same, bit for bit."""
    seen = windows.seen_rows(left.train)
    assert left.train.tolist() == right.train.tolist()
    assert left.rows[seen].tobytes() == right.rows[seen].tobytes()
    assert left.answers[left.train].tobytes() == right.answers[left.train].tobytes()
    assert left.class_weight == right.class_weight


@st.composite
def studies(draw: st.DrawFn) -> tuple[Spec, Dataset]:
    classify = draw(st.booleans())
    lengths = draw(st.lists(st.integers(30, 70), min_size=4, max_size=5))
    labels = None
    if classify or draw(st.booleans()):
        labels = np.zeros(sum(lengths), dtype=bool)
        for start in np.cumsum([0, *lengths[:-1]]):
            first = start + draw(st.integers(0, 25))
            labels[first : first + draw(st.integers(1, 4))] = True
    task = {"kind": "classify"} if classify else {"horizon": draw(st.integers(1, 3)), "difference": draw(st.booleans())}
    cv = {
        "scheme": draw(st.sampled_from(["blocked", "walk_forward", "series"])),
        "folds": draw(st.integers(2, 3)),
        "embargo": draw(st.integers(0, 2)),
        "holdout": draw(st.sampled_from([0.0, 0.2])),
    }
    spec = make_spec(task={"window": draw(st.integers(1, 6)), **task}, cv=cv)
    return spec, make_dataset(lengths, labels, seed=draw(st.integers(0, 99)))


def divided(spec: Spec, data: Dataset) -> tuple[Problem, list[FoldData]]:
    """The problem and its folds, if it can be divided."""
    try:
        problem = make_problem(spec, data)
        return problem, list(problem.folds())
    except UserError:
        reject()


@given(studies())
@settings(max_examples=40)
def test_training_sees_no_value_of_any_row_outside_its_windows(study):
    spec, data = study
    problem, folds = divided(spec, data)
    for number, fold in enumerate(folds):
        other = make_problem(spec, spoilt(data, ~problem.windows.touched_rows(fold.train)))
        assert_trains_alike(fold, other.folds()[number], problem.windows)


@given(studies())
@settings(max_examples=40)
def test_training_sees_no_label_of_any_row_outside_its_windows(study):
    problem, folds = divided(*study)
    if problem.labels is None:
        return
    for split, fold in zip(problem.split.folds, folds, strict=True):
        labels = problem.labels ^ ~problem.windows.touched_rows(split.train)
        answers = labels[problem.windows.target][:, None].astype(float) if problem.classify else problem.answers
        other = replace(problem, labels=labels, answers=answers)
        valid = np.concatenate([fold.train[:1], split.valid])  # so that a normal window is left to count
        assert_trains_alike(fold, other.prepare(Fold(split.train, valid)), problem.windows)


def holed(folder: Path, seed: int) -> tuple[Spec, Bools]:
    """A study of one file with missing rows, and which rows they are."""
    rng = np.random.default_rng(seed)
    missing = rng.random(80) < 0.3
    missing[[0, -1]] = False
    walk = rng.normal(size=80).cumsum()
    path = folder / "holed.csv"
    lines = ["" if absent else f"{value:.6f}" for value, absent in zip(walk, missing, strict=True)]
    path.write_text("row,a\n" + "\n".join(f"{row},{line}" for row, line in enumerate(lines)))
    sections = {"data": {"path": str(path), "time": "row", "features": "a", "missing": "interpolate"}}
    return make_spec(**sections, task={"window": 2}, cv={"folds": 2, "holdout": 0.2}), missing


def sources(rows: Bools, missing: Bools) -> set[int]:
    """The rows of the file that values of the given rows were made from."""
    whole = np.flatnonzero(~missing)
    return {
        int(source) for row in np.flatnonzero(rows) for source in (whole[whole <= row].max(), whole[whole >= row].min())
    }


@pytest.mark.parametrize("seed", range(20))
def test_interpolation_hands_nothing_from_judged_rows_to_training(tmp_path, seed):
    spec, missing = holed(tmp_path, seed)
    data = load_dataset(spec)
    assert data.interpolated == max(past - first for first, past in runs(missing))
    try:
        problem = make_problem(spec, data)
    except UserError as refused:
        pytest.skip(str(refused))
    touched = problem.windows.touched_rows
    judges = touched(problem.split.holdout)
    for fold in problem.split.folds:
        assert not sources(touched(fold.train), missing) & sources(touched(fold.valid) | judges, missing)


# --- a target that hardly moves while a fold trains


def test_the_losses_of_all_folds_have_one_unit_and_inputs_an_end():
    data = make_dataset([120])
    quiet = data.series[0].features * np.where(np.arange(120) < 50, 1e-6, 1.0)[:, None]
    data = replace(data, series=(replace(data.series[0], features=quiet, targets=quiet[:, :1]),))
    problem = make_problem(make_spec(cv={"scheme": "walk_forward"}), data)
    first, *others = folds = problem.folds()
    assert first.error_scale < 1e-4 < 0.1 < min(fold.error_scale for fold in others)
    assert np.abs(first.rows).max() == BOUND
    assert first.targets is not None
    for fold in folds:
        assert fold.targets is not None
        # what is off by one unit of the data is off by as much in all folds
        off = fold.answers + (1 / np.array(fold.targets.deviation)).astype(np.float32)
        np.testing.assert_allclose((off - fold.answers) * fold.error_scale * problem.unit, 1.0, rtol=0.1)
    assert problem.whole().error_scale == 1.0


# --- refusals


@pytest.mark.parametrize(
    ("lengths", "labels", "sections", "what", "where", "hint"),
    [
        (
            (20, 23),
            None,
            {"task": {"window": 23}},
            "no series has the 24 rows that a window needs; the longest has 23",
            "[task] window",
            "shorter",
        ),
        (
            (60,),
            None,
            {"study": {"min_precision": 0.9}},
            "a precision needs a label column",
            "[study] min_precision",
            "remove",
        ),
        *(
            (
                (60,),
                marked(60, *events),
                {"study": {"metric": metric}},
                f"by fold: {counts}",
                "[study] metric",
                'metric = "loss"',
            )
            for metric, counts, events in (
                ("f1", "2, 3, 0", ((8, 10), (30, 33))),
                ("average_precision", "2, 3, 0", ((8, 10), (30, 33))),
                ("f1", "19, 1, 2", ((0, 23), (30, 31), (52, 54))),  # no normal row in the first
            )
        ),
        (
            (60,),
            marked(60, (8, 10)),
            {"task": {"kind": "classify"}},
            "a fold has no anomalous window to learn from",
            "[cv] folds",
            "lower `folds`",
        ),
        ((60,), marked(60, *((row, row + 1) for row in range(0, 60, 4))), {}, "0 training and", "[cv]", "classify"),
    ],
)
def test_what_cannot_be_learnt_is_refused(lengths, labels, sections, what, where, hint):
    with pytest.raises(UserError) as refused:
        make_small_problem(lengths, labels, **sections).folds()
    assert what in refused.value.what
    assert (refused.value.where, hint in refused.value.hint) == (where, True)


def test_a_detection_metric_is_content_with_an_event_in_every_fold():
    assert len(make_small_problem(labels=EVENTS, study={"metric": "f1"}).folds()) == 3


def test_a_fold_with_nothing_but_events_to_validate_is_refused():
    problem = make_small_problem(labels=EVENTS)
    with pytest.raises(UserError, match="3 training and 0 validation windows without anomalous rows"):
        problem.prepare(Fold(np.array([10, 11, 12]), np.array([26, 27, 28])))  # answering rows 30 to 32


# --- scaling


def test_scaling_by_hand():
    scaling = fit_scaling(np.array([[1.0, 10.0], [3.0, 30.0]]))
    assert scaling.mean == (2.0, 20.0)
    assert scaling.deviation == (1.0, 10.0)
    assert scaling.apply(np.array([[5.0, 10.0]])).tolist() == [[3.0, -1.0]]


@given(st.integers(2, 50), st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(0, 2**32 - 1))
def test_the_fitted_rows_have_mean_0_and_deviation_1(rows, mean, deviation, seed):
    values = mean + deviation * np.random.default_rng(seed).normal(size=(rows, 3))
    scaled = fit_scaling(values).apply(values)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-5)


def test_a_column_constant_but_for_rounding_is_measured_by_its_magnitude():
    values = np.column_stack([np.full(1000, 0.1), np.full(1000, 1e9) + 1e-7 * (np.arange(1000) % 2), np.zeros(1000)])
    scaling = fit_scaling(values)
    assert scaling.deviation == pytest.approx((0.1, 1e9, 1.0))
    np.testing.assert_allclose(scaling.apply(values), 0, atol=1e-6)


def test_a_tiny_column_is_scaled_like_any_other_and_no_columns_give_no_scales():
    values = 1e-9 * np.array([[1.0], [2.0], [3.0]])
    assert fit_scaling(values).apply(values).std() == 1
    assert fit_scaling(np.empty((5, 0))).mean == ()


@pytest.mark.parametrize(
    ("events", "holdout", "said"),
    [
        (((8, 10), (30, 33)), 0.2, "no labelled event, so held-out data say nothing"),
        (((8, 10), (52, 54)), 0.2, "only one labelled event, so held-out data say little"),
        (((8, 10), (53, 54), (56, 58)), 0.2, ""),
        (((8, 10), (30, 33)), 0.0, ""),
        ((), 0.2, ""),
    ],
)
def test_a_holdout_with_fewer_than_two_events_is_said(events, holdout, said):
    problem = make_small_problem(labels=marked(60, *events), cv={"holdout": holdout})
    assert [said in sentence for sentence in warn_of_held_events(problem)] == [True] * bool(said)
