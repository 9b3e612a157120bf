"""What may change a study's numbers besides its file and data: versions and the processor."""

import platform
from importlib.metadata import version

from tuner.training.precision import best_device

PACKAGES = ("torch", "numpy", "optuna", "scikit-learn", "pandas", "scipy")


def environment() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on, the processor and the device."""
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "tuner": version("tuner"),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "device": best_device().type,
    }


def _processor() -> str:
    import torch

    instructions = torch.backends.cpu.get_cpu_capability()
    model = platform.processor() or platform.machine()
    return f"{model} {instructions}"
