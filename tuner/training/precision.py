"""The device and the arithmetic that networks are trained with."""

import torch
from torch import nn

from tuner.spec.sections import FLOAT32, Precision

# Narrower networks spend their time elsewhere than in matrix products.
WIDE_ENOUGH = 32
# What a CPU can have to multiply matrices of bfloat16 by; the second alone trains 1.1 to 1.7 times as fast, measured.
INSTRUCTIONS = ("amx_bf16", "avx512_bf16")


def best_device() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def instructions() -> str:
    """The widest vector instructions that torch uses on this processor, such as "AVX2"."""
    return torch.backends.cpu.get_cpu_capability()


def trains_bf16() -> bool:
    """True where an LSTM can be trained in bfloat16: oneDNN has no kernels for a processor without AVX512."""
    device = best_device()
    lstm, x = nn.LSTM(1, 1).to(device), torch.ones(1, 1, 1, device=device)
    try:
        with torch.autocast(device.type, dtype=torch.bfloat16):
            lstm(x)[0].sum().backward()
    except RuntimeError:
        return False
    return True


def resolve_precision(wanted: str) -> Precision:
    """The precision that `[train] precision` means on this machine.

    "auto" asks the hardware: AMX or AVX512-BF16 on the CPU, or a GPU with bfloat16.
    """
    if wanted == "fp32":
        return FLOAT32
    if wanted == "bf16":
        return Precision(1)
    if torch.cuda.is_available():
        return Precision(WIDE_ENOUGH) if torch.cuda.is_bf16_supported() else FLOAT32
    # older releases of torch cannot tell
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    fast = any(capabilities.get(name) for name in INSTRUCTIONS)
    # oneDNN can be told to do without instructions that are there
    return Precision(WIDE_ENOUGH) if fast and trains_bf16() else FLOAT32
