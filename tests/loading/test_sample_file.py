"""Samples of an `.npz` file: laid on the rows that they were cut from, grouped, and told when they cannot be used."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsRegressor

from tests.making import known, make_spec, refused
from tuner.data.problems import make_problem
from tuner.data.series import Dataset, Samples
from tuner.loading.sample_file import load_samples

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6, 2))
Y = RNG.normal(size=40)


def load(path: Path, kind: str = "regress", **arrays: Any) -> Dataset:
    np.savez(path / "x.npz", **arrays)
    return load_samples(make_spec(data={"path": str(path / "x.npz")}, task={"kind": kind}))


def samples_of(dataset: Dataset) -> Samples:
    assert dataset.samples is not None
    return dataset.samples


def sequence(dataset: Dataset, number: int) -> np.ndarray:
    rows = np.concatenate([series.features for series in dataset.series])
    first, length = samples_of(dataset).first[number], samples_of(dataset).lengths[number]
    return rows[first : first + length]


def test_every_sequence_and_answer_is_there_once_whatever_the_order(tmp_path) -> None:
    dataset = load(tmp_path, X=X, y=Y)
    samples = samples_of(dataset)
    assert samples.answers.shape == (40, 1)
    order = [int(np.argmin(np.abs(Y - answer))) for answer in samples.answers[:, 0]]
    assert sorted(order) == list(range(40))
    for number, original in enumerate(order):
        np.testing.assert_array_equal(sequence(dataset, number), X[original])
    assert samples.group is not None
    assert len(set(samples.group)) == 40


def test_shuffled_windows_of_one_series_are_laid_on_its_rows_and_parted_as_such(tmp_path) -> None:
    series = np.cumsum(RNG.normal(size=(120, 2)), axis=0)
    windows = np.lib.stride_tricks.sliding_window_view(series, 8, axis=0).transpose(0, 2, 1)
    order = RNG.permutation(len(windows))
    dataset = load(tmp_path, X=windows[order], y=np.arange(len(windows), dtype=float)[order])
    samples = samples_of(dataset)
    assert dataset.rows == 120
    np.testing.assert_array_equal(samples.answers[:, 0], np.arange(len(windows)))  # back in their order
    assert samples.group is None
    assert dataset.notes == ("Samples overlap by 7 of 8 rows: folds are blocked and purged of such.",)


def test_a_memorising_model_is_scored_as_on_fresh_data_though_windows_come_shuffled(tmp_path) -> None:
    generator = np.random.default_rng(1)

    def draw(rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Windows of a moving mean, and answers that change slowly and have nothing to do with it."""
        series = np.convolve(generator.normal(size=rows + 15), np.ones(16) / 4, "valid")
        windows = np.lib.stride_tricks.sliding_window_view(series, 32)[:, :, None]
        answers = np.convolve(generator.normal(size=len(windows) + 7), np.ones(8) / 8**0.5, "valid")
        order = generator.permutation(len(windows))
        return windows[order], answers[order]

    def error(train: np.ndarray, answers: np.ndarray, valid: np.ndarray, truth: np.ndarray) -> float:
        nearest = KNeighborsRegressor(1).fit(train.reshape(len(train), -1), answers)
        return float(np.mean((nearest.predict(valid.reshape(len(valid), -1)) - truth) ** 2))

    (x, y), fresh = draw(1500), draw(1500)
    problem = make_problem(
        make_spec(data={"path": str(tmp_path / "x.npz")}, task={"kind": "regress"}), load(tmp_path, X=x, y=y)
    )
    rows = problem.windows.first[:, None] + np.arange(32)
    x_known, y_known = problem.features[rows], problem.answers[:, 0]
    purged = [
        error(x_known[f.train], y_known[f.train], x_known[f.valid], y_known[f.valid]) for f in problem.split.folds
    ]
    plain = [error(x[train], y[train], x[valid], y[valid]) for train, valid in KFold(5).split(x)]
    assert np.mean(purged) == pytest.approx(error(x, y, *fresh), rel=0.25)
    assert np.mean(plain) < 0.4 * np.mean(purged)  # neighbours in time have nearly the same rows, and answers


def test_unequal_lengths_groups_and_classes(tmp_path) -> None:
    lengths = RNG.integers(3, 9, 30)
    steps = RNG.normal(size=(lengths.sum(), 1))
    names = np.array(["sit", "stand"])[RNG.integers(0, 2, 30)]
    groups = RNG.integers(0, 5, 30)
    dataset = load(tmp_path, "classify", steps=steps, lengths=lengths, y=names, groups=groups)
    samples = samples_of(dataset)
    assert samples.classes == ("sit", "stand")
    assert sorted(samples.lengths) == sorted(lengths)
    counts = {name: int((names == name).sum()) for name in samples.classes}
    assert samples.answers.sum(axis=0).tolist() == [counts["sit"], counts["stand"]]
    assert samples.group is not None
    assert sorted(np.unique(samples.group, return_counts=True)[1]) == sorted(np.unique(groups, return_counts=True)[1])


def test_samples_that_share_rows_stay_in_one_group_across_groups(tmp_path) -> None:
    x = X.copy()
    x[3, :5] = x[0, 1:]  # cut from the same series, a row later
    dataset = load(tmp_path, X=x, y=Y, groups=np.arange(40) // 2)
    group = known(samples_of(dataset).group)
    sizes = np.unique(group, return_counts=True)[1]
    assert sorted(sizes) == [2] * 18 + [4]
    assert "2 of 40 samples share rows" in dataset.notes[0]


def test_digest_is_of_the_samples_not_of_the_file_or_their_order(tmp_path) -> None:
    one = load(tmp_path, X=X, y=Y).digest
    order = RNG.permutation(40)
    parts: dict[str, Any] = {"steps": X.reshape(-1, 2), "lengths": np.full(40, 6)}
    assert load(tmp_path, y=Y, **parts).digest == one
    assert load(tmp_path, X=X, y=Y + 1).digest != one
    assert load(tmp_path, X=X + 1, y=Y).digest != one
    assert load(tmp_path, X=X, y=Y, groups=np.arange(40) // 2).digest != one
    assert load(tmp_path, X=X[order], y=Y[order]).rows == 240


@pytest.mark.parametrize(
    ("arrays", "kind", "said"),
    [
        ({"X": X}, "regress", "this holds `X`"),
        ({"y": Y}, "regress", "this holds `y`"),
        ({"steps": X[:, 0], "lengths": np.full(9, 4), "y": Y[:9]}, "regress", "do not add up to the 40 rows"),
        ({"X": X, "y": Y}, "forecast", "nothing to forecast"),
        ({"X": X, "y": Y[:-1]}, "regress", "y has the shape (39,)"),
        ({"X": X, "y": np.where(Y > 1, np.nan, Y)}, "regress", "missing or infinite"),
        ({"X": X, "y": np.ones(40)}, "regress", "y never changes"),
        ({"X": X, "y": np.array(["a"] * 40)}, "regress", "not numbers"),
        ({"X": X, "y": np.zeros(40, int)}, "classify", "one class only"),
        ({"X": X, "y": np.arange(40)}, "classify", "40 classes for 40 samples"),
        ({"X": X, "y": Y, "groups": np.arange(3)}, "regress", "`groups` has the shape (3,)"),
        ({"X": np.array([{}] * 3), "y": np.arange(3.0)}, "regress", "this cannot be read"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, arrays, kind, said) -> None:
    assert said in refused(load, tmp_path, kind, **arrays).what


def test_synthetic_sequences_are_refused(tmp_path) -> None:
    np.savez(tmp_path / "x.npz", X=X, y=Y)
    spec = make_spec(data={"path": str(tmp_path / "x.npz")}, task={"kind": "regress"}, space={"synthetic": 0.5})
    assert "of all its rows" in refused(load_samples, spec).what


def test_a_file_that_is_none_is_told(tmp_path) -> None:
    np.save(tmp_path / "x.npy", X)
    spec = make_spec(data={"path": str(tmp_path / "x.npz")}, task={"kind": "regress"})
    for content in (b"no archive", b"PK\x03\x04 cut", b"", (tmp_path / "x.npy").read_bytes()):
        (tmp_path / "x.npz").write_bytes(content)
        assert "cannot be read" in refused(load_samples, spec).what
    (tmp_path / "x.npz").unlink()
    assert "no such file" in refused(load_samples, spec).what
