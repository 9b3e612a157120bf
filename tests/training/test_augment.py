"""Augmentation: by hand, and that it hands out rows of training windows only."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tuner.training.augment import jitter, synthesise, time_shift


def rows_of(first: list[int], length: int) -> Tensor:
    """The row numbers of windows, (length, batch)."""
    return torch.tensor(first) + torch.arange(length)[:, None]


def shifts(length: int, most: int) -> set[tuple[int, ...]]:
    torch.manual_seed(0)
    shifted = time_shift(rows_of([10] * 200, length), most)
    return {tuple(window) for window in shifted.T.tolist()}


def test_a_window_is_shifted_either_way_and_repeats_its_edge():
    assert shifts(4, 1) == {(10, 10, 11, 12), (10, 11, 12, 13), (11, 12, 13, 13)}
    # one longer than the window throughout
    assert shifts(2, 5) == {(10, 10), (10, 11), (11, 11)}


def test_windows_are_shifted_independently():
    torch.manual_seed(0)
    shifted = time_shift(rows_of([10, 50], 4).repeat(1, 50), 2)
    assert len({tuple(window) for window in shifted.T.tolist()}) == 10


def synthetic(length: int, share: float = 1.0, batch: int = 400) -> Tensor:
    """Synthetic windows made of ones that begin at rows 100, 200, 300 and 400, (length, batch)."""
    torch.manual_seed(0)
    first = torch.tensor([100, 200, 300, 400])
    return synthesise(rows_of([100] * batch, length), first, share)


def test_a_synthetic_window_keeps_its_last_quarter_and_the_place_of_all_others():
    rows = synthetic(8)
    donors, places = rows // 100, rows % 100
    assert torch.equal(places, torch.arange(8)[:, None].expand(8, 400))
    assert (donors[6:] == 1).all()
    for quarter in (donors[0:2], donors[2:4], donors[4:6]):
        assert torch.equal(quarter[0], quarter[1])
        assert set(quarter[0].tolist()) == {1, 2, 3, 4}
    assert len({tuple(window) for window in donors.T.tolist()}) == 4**3  # quarters are drawn independently


def test_the_last_block_is_whole_where_the_length_is_no_multiple_of_four():
    donors = synthetic(5) // 100  # blocks of two rows from the end: 1, 2 and 2 rows
    assert (donors[3:] == 1).all()
    assert torch.equal(donors[1], donors[2])
    assert not torch.equal(donors[0], donors[1])


def test_a_window_of_one_row_has_nothing_to_mix():
    assert (synthetic(1) == 100).all()


def test_the_share_of_synthetic_windows():
    changed = (synthetic(8, share=0.3, batch=20_000) // 100 != 1).any(dim=0).float().mean().item()
    # one in 64 is made of its own quarters by chance
    assert abs(changed - 0.3 * (1 - 4**-3)) < 0.015
    assert torch.equal(synthetic(8, share=0.0), rows_of([100] * 400, 8))


@given(st.sets(st.integers(0, 200), min_size=1, max_size=20), st.integers(1, 12), st.integers(1, 15), st.randoms())
def test_only_rows_of_training_windows_ever_appear(starts, length, most, random):
    first = sorted(starts)
    allowed = {start + place for start in first for place in range(length)}
    batch = rows_of([random.choice(first) for _ in range(16)], length)
    mixed = synthesise(batch, torch.tensor(first), 0.7)
    assert set(time_shift(mixed, most).flatten().tolist()) <= allowed


def test_jitter_is_gaussian_noise_of_the_given_deviation():
    torch.manual_seed(0)
    x = torch.full((100, 100, 10), 3.0)
    noise = jitter(x, 0.5) - x
    assert abs(noise.mean().item()) < 0.01
    assert abs(noise.std().item() - 0.5) < 0.01
    assert abs((noise.abs() < 0.5).float().mean().item() - 0.6827) < 0.01
    assert torch.equal(x, torch.full_like(x, 3.0))
