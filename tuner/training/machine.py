"""The machine of a study, as far as its numbers depend on it: versions, the processor and the precision."""

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pkgutil import resolve_name

from tuner.errors import UserError
from tuner.spec.sections import Precision, Spec
from tuner.spec.space import defaults, ends

PACKAGES = ("torch", "numpy", "optuna", "scikit-learn", "pandas", "scipy")
# Steps that are timed to choose a device; the soonest counts, as the first ones warm up.
TIMED_STEPS = 5


@dataclass(frozen=True)
class Machine:
    """The machine of a worker.

    Attributes:
        precision: of a study that begins here.
        bf16: whether it can train in bfloat16 at all.
        environment: versions, processor and device, by name.
        gpu: which one torch can use: "cuda" or "mps", if any.
    """

    precision: Precision
    bf16: bool
    environment: Mapping[str, str]
    gpu: str | None = None

    def refuse(self, spec: Spec, precision: Precision) -> None:
        """Refuses a study whose device is not here, or whose widest networks use bfloat16, where there is none.

        Raises:
            UserError: it is not, or they do.
        """
        if precision.device not in ("cpu", self.gpu):
            what = f"the study trains on the device {precision.device}, which PyTorch cannot use here"
            hint = 'run it on a machine that has one, or a study of another name with `[train] device = "cpu"`'
            raise UserError(what, where=spec.study.name, hint=hint)
        widest = max(int(size) for size in ends(spec.space["hidden_size"]))
        if precision.is_bf16(widest) and not self.bf16:
            what = "the study trains in bfloat16, for which this processor has no LSTM (it takes AVX512 or a GPU)"
            hint = 'run it on a machine that has, or a study of another name with `[train] precision = "fp32"`'
            raise UserError(what, where=spec.study.name, hint=hint)


def probe(spec: Spec, columns: int) -> Machine:
    """Describes what this process runs on, and what `[train]` device and precision mean here for so many columns."""
    # here: it loads torch, which a coordinator does without
    from tuner.training.precision import accelerator, instructions, resolve_precision, trains_bf16

    gpu = accelerator()
    device: str = spec.train.device
    if device == "auto":
        # narrow networks are done on the CPU before a GPU has begun
        device = "cpu" if gpu is None else min("cpu", gpu, key=lambda name: _step_seconds(spec, columns, name))
    model = platform.processor() or platform.machine()
    environment = {
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "tuner": resolve_name("tuner:__version__"),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{model} {instructions()}",
        "device": device,
    }
    is_here = device in ("cpu", gpu)
    precision = resolve_precision(spec.train.precision, device) if is_here else Precision(None, device)
    return Machine(precision, is_here and trains_bf16(device), environment, gpu)


def _step_seconds(spec: Spec, columns: int, device: str) -> float:
    """The time that a device takes to differentiate the study's default network, on a batch of zeros."""
    import torch

    from tuner.model.building import build_network, predict

    torch.set_num_threads(1)  # as workers train
    params, seconds = defaults(spec.space), []
    network = build_network(spec.model, columns, 1, params).to(device)
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    x = torch.zeros(spec.task.window, int(params["batch_size"]), columns, device=device)
    for _ in range(TIMED_STEPS):
        started = time.perf_counter()
        gradients = torch.autograd.grad(predict(network, x).sum(), weights, allow_unused=True)
        torch.stack([one.sum() for one in gradients if one is not None]).sum().item()  # waits for the device
        seconds.append(time.perf_counter() - started)
    return min(seconds)
