"""The machine of a study, as far as its numbers depend on it: versions, the processor and the precision."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pkgutil import resolve_name

from tuner.errors import UserError
from tuner.spec.sections import Precision, Spec
from tuner.spec.space import ends

PACKAGES = ("torch", "numpy", "optuna", "scikit-learn", "pandas", "scipy")


@dataclass(frozen=True)
class Machine:
    """The machine of a worker.

    Attributes:
        precision: of a study that begins here.
        bf16: whether it can train in bfloat16 at all.
        environment: versions, processor and device, by name.
    """

    precision: Precision
    bf16: bool
    environment: Mapping[str, str]

    def refuse(self, spec: Spec, precision: Precision) -> None:
        """Refuses a study whose widest networks use bfloat16, where there is none.

        Raises:
            UserError: they do.
        """
        widest = max(int(size) for size in ends(spec.space["hidden_size"]))
        if precision.is_bf16(widest) and not self.bf16:
            raise UserError(
                "the study trains in bfloat16, for which this processor has no LSTM (it takes AVX512 or a GPU)",
                where=spec.study.name,
                hint='run it on a machine that has, or a study of another name with `[train] precision = "fp32"`',
            )


def probe(precision: str) -> Machine:
    """Describes what this process runs on, with `[train] precision` as it stands in the study file."""
    # here: it loads torch, which a coordinator does without
    from tuner.training.precision import best_device, instructions, resolve_precision, trains_bf16

    model = platform.processor() or platform.machine()
    environment = {
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "tuner": resolve_name("tuner:__version__"),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{model} {instructions()}",
        "device": best_device().type,
    }
    return Machine(resolve_precision(precision), trains_bf16(), environment)
