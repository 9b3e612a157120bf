"""Random streams: independent of what is drawn in between, and of the global generator, which they leave alone."""

import pytest
import torch
from torch import Tensor

from tuner.training.seeding import Stream

CPU = torch.device("cpu")


def draws(stream: Stream, count: int) -> list[float]:
    values = []
    for _ in range(count):
        with stream.drawn():
            values.append(torch.rand(()).item())
    return values


def test_a_stream_goes_on_where_it_stopped():
    with Stream((0, 1), CPU).drawn():
        at_once = [torch.rand(()).item() for _ in range(4)]
    stream = Stream((0, 1), CPU)
    one_by_one = draws(stream, 2)
    torch.rand(7)
    assert one_by_one + draws(stream, 2) == at_once
    assert len(set(at_once)) == 4


def test_streams_do_not_disturb_each_other():
    alone = [draws(Stream((0, fold), CPU), 5) for fold in (1, 2)]
    one, two = Stream((0, 1), CPU), Stream((0, 2), CPU)
    mixed: list[list[float]] = [[], []]
    for count in (1, 3, 1):
        mixed[1] += draws(two, count)
        mixed[0] += draws(one, count)
    assert mixed == alone
    assert alone[0] != alone[1]


def test_streams_do_not_hang_on_the_global_generator():
    torch.manual_seed(1)
    before = draws(Stream((0, 1), CPU), 3)
    torch.manual_seed(2)
    assert draws(Stream((0, 1), CPU), 3) == before


def state() -> Tensor:
    return torch.get_rng_state()


def test_the_global_generator_is_left_as_it_was():
    torch.manual_seed(1)
    before = state()
    stream = Stream((0, 1), CPU)
    assert torch.equal(state(), before)
    draws(stream, 3)
    assert torch.equal(state(), before)


def test_the_global_generator_is_left_as_it_was_after_an_error():
    stream, before = Stream((0, 1), CPU), state()
    with pytest.raises(ZeroDivisionError), stream.drawn():
        torch.rand(())
        raise ZeroDivisionError
    assert torch.equal(state(), before)


def test_the_generator_of_a_gpu_is_set_and_left_as_it_was_too(monkeypatch) -> None:
    """Played by one of the CPU's: there is no GPU here."""
    gpu = torch.Generator()
    monkeypatch.setattr(torch.mps, "get_rng_state", gpu.get_state)
    monkeypatch.setattr(torch.mps, "set_rng_state", gpu.set_state)
    seed_all = torch.manual_seed
    monkeypatch.setattr(torch, "manual_seed", lambda seed: (gpu.manual_seed(seed), seed_all(seed)))

    def draw(stream: Stream) -> float:
        with stream.drawn():
            return torch.rand((), generator=gpu).item()

    before = gpu.get_state()
    one, other = (Stream((0, key), torch.device("mps")) for key in (1, 2))
    first, _, second = draw(one), draw(other), draw(one)
    assert torch.equal(gpu.get_state(), before)
    again = Stream((0, 1), torch.device("mps"))
    assert [draw(again), draw(again)] == [first, second]
    assert first != second


def test_every_part_of_the_key_counts():
    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2**63 - 1, 0, 0)]
    assert len({draws(Stream(key, CPU), 1)[0] for key in keys}) == len(keys)
