"""What a training step at default regularisers costs beside the bare step of the same network, interleaved.

The network is ours, or a class of one's own, as a study file names it.

Bare: forward and backward of nn.LSTM and a linear head, gradient clipping, a fused AdamW step, on a batch that is
already gathered; one thread, same precision. Run: python scripts/bench_step.py
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from tuner.data.folds import FoldData, fit_scaling
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import Precision
from tuner.spec.space import defaults, parse_space
from tuner.training.learner import Learner
from tuner.training.precision import trains_bf16

ROWS, FEATURES, WINDOW, BATCH = 4000, 8, 32, 64
BLOCKS, STEPS = 40, 10


class LSTMModel(nn.Module):
    """A network of one's own, as textbooks write it."""

    def __init__(self, input_size: int, hidden_size: int, output_size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, time, columns) to (batch, outputs)."""
        output: Tensor = self.fc(self.lstm(x)[0][:, -1])
        return output


def our_step(hidden: int, *, bf16: bool, own: bool) -> Callable[[], None]:
    """A step of the tuner: gathers the batch, trains with the default regularisers, thins out by L1."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(ROWS, FEATURES))
    first = np.arange(ROWS - WINDOW)
    fold = FoldData(
        rows=rows.astype(np.float32),
        window=WINDOW,
        first=first,
        answers=rng.normal(size=(len(first), 1)).astype(np.float32),
        labels=None,
        train=first,
        valid=first[:100],
        counted=np.ones(100, dtype=bool),
        class_weight=1.0,
        error_scale=np.ones(1, np.float32),
        features=fit_scaling(rows),
        targets=fit_scaling(rows),
    )
    params = defaults(parse_space({"hidden_size": hidden}))
    model = {"class": f"{__file__}:LSTMModel"} if own else {}
    spec = read_spec_dict({"study": {"name": "step"}, "data": {"path": "none.csv"}, "model": model})
    learner = Learner(spec, fold, params, key=(0, 0), precision=Precision(1 if bf16 else None))
    learner.network.train()
    order = torch.randperm(len(first))
    batches = iter([order[i % (len(order) - BATCH) :][:BATCH] for i in range(0, BATCH * STEPS * (BLOCKS + 2), BATCH)])
    return lambda: learner.step(next(batches))


def bare_step(hidden: int, *, bf16: bool, own: bool) -> Callable[[], None]:
    """The loop that a textbook would write."""
    model = LSTMModel(FEATURES, hidden, 1)
    lstm, head = model.lstm, model.fc
    lstm.batch_first = own
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, fused=True)
    x, y = torch.randn(BATCH if own else WINDOW, WINDOW if own else BATCH, FEATURES), torch.randn(BATCH, 1)

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            output = model(x) if own else head(lstm(x)[0][-1])
        loss = nn.functional.mse_loss(output.float(), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimizer.step()

    return step


def seconds(step: Callable[[], None]) -> float:
    """One step, mean over a block."""
    started = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - started) / STEPS


def main() -> None:
    torch.set_num_threads(1)
    print(f"batch {BATCH}, window {WINDOW}, {FEATURES} features, 1 layer; medians of {BLOCKS} blocks of {STEPS} steps")
    print("network  hidden  precision  ours [ms]  bare [ms]  ratio (quartiles)")
    kinds = [(False, False), *([(True, False)] if trains_bf16() else []), (False, True)]
    for hidden in (16, 32, 64, 128):
        for bf16, own in kinds:
            ours, bare = our_step(hidden, bf16=bf16, own=own), bare_step(hidden, bf16=bf16, own=own)
            seconds(ours), seconds(bare)
            pairs = [(seconds(ours), seconds(bare)) for _ in range(BLOCKS)]
            low, middle, high = statistics.quantiles([a / b for a, b in pairs], n=4)
            mine, theirs = (statistics.median(side) * 1e3 for side in zip(*pairs, strict=True))
            network, precision = "own" if own else "ours", "bf16" if bf16 else "fp32"
            ratio = f"{middle:5.3f} ({low:.3f} to {high:.3f})"
            print(f"{network:7}  {hidden:6}  {precision:9}  {mine:9.2f}  {theirs:9.2f}  {ratio}")


if __name__ == "__main__":
    main()
