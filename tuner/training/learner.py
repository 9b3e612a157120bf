"""One network being trained on one fold: its batches and its steps."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from tuner.data.folds import FoldData
from tuner.data.series import Ints
from tuner.model.building import build_network, predict
from tuner.model.optim import Adam, clip_gradient, proximal_l1
from tuner.model.own_loss import each_loss
from tuner.spec.sections import FLOAT32, Precision, Spec
from tuner.spec.space import Value
from tuner.training.augment import jitter, synthesise, time_shift
from tuner.training.budget import learning_rate_factor
from tuner.training.seeding import Stream

# Windows a forward pass in evaluation: enough to fill the kernels, few enough for the cache.
EVALUATION_BATCH = 1024


class Learner:
    """A network, its optimiser and its random stream, on the data of one fold.

    Args:
        spec: seed, task, optimiser and clipping.
        fold: scaled rows, answers, and the windows to train on.
        params: a value for each parameter of the space.
        key: of the random stream, beside the study's seed.
        precision: of the network.
    """

    def __init__(
        self,
        spec: Spec,
        fold: FoldData,
        params: Mapping[str, Value],
        *,
        key: Sequence[int],
        precision: Precision = FLOAT32,
    ) -> None:
        device = torch.device(precision.device)
        self._rows = torch.from_numpy(fold.rows).to(device)
        self._first = torch.from_numpy(fold.first).to(device)
        self._answers = torch.from_numpy(fold.answers).to(device)
        self._train = torch.from_numpy(fold.train).to(device)
        self._offsets = torch.arange(fold.window, device=device)[:, None]
        self._lengths = None if fold.lengths is None else torch.from_numpy(fold.lengths).to(device)
        self._error_scale = torch.from_numpy(fold.error_scale).to(device)
        self._class_weight = torch.tensor(fold.class_weight, device=device)
        self._stream = Stream((spec.study.seed, *key), device)
        self._device, self.bf16 = device, precision.is_bf16(int(params["hidden_size"]))
        self._classify, self._has_classes = spec.task.kind == "classify", fold.has_classes
        self._own_loss = spec.train.given
        self._clip = spec.train.clip
        self._l1 = float(params["l1"])
        self._jitter = float(params["jitter"])
        self._time_shift = int(params["time_shift"])
        self._synthetic = float(params["synthetic"])
        batches = -(-len(fold.train) // int(params["batch_size"]))
        # a pass over the windows in batches of nearly equal size: none is so small that batch normalisation fails
        self.batches = max(1, min(batches, len(fold.train) // 2))
        self.steps = 0
        self._passing = self._passes()
        with self._stream.drawn():
            self.network = build_network(spec.model, fold.rows.shape[1], fold.answers.shape[1], params).to(device)
        self._learning_rate = float(params["learning_rate"])
        self._optimizer = Adam(self.network, spec.train.optimizer, self._learning_rate, float(params["weight_decay"]))

    def train(self, steps: int) -> None:
        """Takes so many steps, going on where it stopped: passes over the training windows in new random orders."""
        self.network.train()
        with self._stream.drawn():
            for batch in islice(self._passing, steps):
                self.step(batch)

    def _passes(self) -> Iterator[Tensor]:
        """The batches, (n,) windows each, without end."""
        while True:
            order = self._train[torch.randperm(len(self._train)).to(self._device)]
            yield from order.tensor_split(self.batches)

    def step(self, batch: Tensor) -> None:
        """Takes an optimiser step on the windows numbered in `batch`, (batch,)."""
        rows = self._first[batch] + self._offsets
        if self._synthetic > 0:
            rows = synthesise(rows, self._first[self._train], self._synthetic)
        if self._time_shift > 0:
            rows = time_shift(rows, self._time_shift)
        x, lengths = self._gather(rows, batch)
        if self._jitter > 0:
            x = jitter(x, self._jitter)
        loss = self._loss(self._forward(x, lengths), self._answers[batch], "mean")
        self._optimizer.learning_rate = self._learning_rate * learning_rate_factor(self.steps)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        clip_gradient(self._optimizer, self._clip)
        self._optimizer.step()
        if self._l1 > 0:
            proximal_l1(self._optimizer, self._l1)
        self.steps += 1

    @torch.inference_mode()
    def evaluate(self, windows: Ints) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Outputs, (n, outputs), and losses, (n,), in the study's unit, of the windows in evaluation mode."""
        self.network.eval()
        outputs, losses = [], []
        for part in torch.split(torch.from_numpy(windows).to(self._device), EVALUATION_BATCH):
            output = self._forward(*self._gather(self._first[part] + self._offsets, part))
            outputs.append(output)
            scaled = output * self._error_scale, self._answers[part] * self._error_scale
            losses.append(self._loss(*scaled, "none").reshape(len(part), -1).mean(dim=1))
        return torch.cat(outputs).cpu().numpy(), torch.cat(losses).cpu().numpy()

    def _gather(self, rows: Tensor, windows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Maps row numbers (length, batch) of windows (batch,) to sequences (length, batch, features).

        Where windows differ in length, with the length of each, (batch,); what is beyond is 0.
        """
        if self._lengths is None:
            return self._rows.index_select(0, rows.reshape(-1)).view(*rows.shape, self._rows.shape[1]), None
        lengths = self._lengths[windows]
        rows = torch.minimum(rows[: int(lengths.max())], self._first[windows] + lengths - 1)
        beyond = torch.arange(len(rows), device=self._device)[:, None] >= lengths
        return self._rows[rows].masked_fill(beyond[..., None], 0.0), lengths

    def _forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        if not self.bf16:
            return predict(self.network, x, lengths)
        with torch.autocast(self._device.type, dtype=torch.bfloat16):
            output = predict(self.network, x, lengths)
        return output.float()

    def _loss(self, output: Tensor, answer: Tensor, reduction: str) -> Tensor:
        if self._own_loss is not None:
            if self._has_classes:
                answer = answer.argmax(dim=1)
            return self._own_loss(output, answer) if reduction == "mean" else each_loss(self._own_loss, output, answer)
        if self._has_classes:  # answers hold the weights of classes
            return F.cross_entropy(output, answer, reduction=reduction)
        if self._classify:
            return F.binary_cross_entropy_with_logits(
                output, answer, reduction=reduction, pos_weight=self._class_weight
            )
        return F.mse_loss(output, answer, reduction=reduction)

    def weights(self) -> dict[str, Tensor]:
        """A copy of the network's state."""
        return {name: tensor.detach().to("cpu", copy=True) for name, tensor in self.network.state_dict().items()}
