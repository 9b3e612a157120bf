"""The device and the arithmetic that networks are trained with."""

import torch
from torch import nn

from tuner.errors import UserError
from tuner.spec.sections import Precision

# Narrower networks spend their time elsewhere than in matrix products.
WIDE_ENOUGH = 32
# What a CPU can have to multiply matrices of bfloat16 by; the second alone trains 1.1 to 1.7 times as fast, measured.
INSTRUCTIONS = ("amx_bf16", "avx512_bf16")


def accelerator() -> str | None:
    """The GPU that torch can use here, by its name of the device; None if there is none."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


def device_fault(error: Exception, precision: Precision) -> UserError | None:
    """The message for a GPU that failed; None where a trial did: its network may be too large for the memory."""
    if precision.device == "cpu" or not isinstance(error, RuntimeError) or isinstance(error, torch.OutOfMemoryError):
        return None
    return UserError(
        f"the device {precision.device} failed: {next(iter(str(error).splitlines()), 'it does not say why')}",
        where="[train] device",
        hint='run the same command again, or a study of another name with `[train] device = "cpu"`',
    )


def instructions() -> str:
    """The widest vector instructions that torch uses on this processor, such as "AVX2"."""
    return torch.backends.cpu.get_cpu_capability()


def trains_bf16(device: str = "cpu") -> bool:
    """True where an LSTM can be trained in bfloat16: oneDNN has no kernels for a processor without AVX512."""
    lstm, x = nn.LSTM(1, 1).to(device), torch.ones(1, 1, 1, device=device)
    try:
        with torch.autocast(device, dtype=torch.bfloat16):
            lstm(x)[0].sum().backward()
    except RuntimeError:
        return False
    return True


def resolve_precision(wanted: str, device: str = "cpu") -> Precision:
    """The precision that `[train] precision` means on a device of this machine.

    "auto" asks the hardware: AMX or AVX512-BF16 on the CPU, or a GPU with bfloat16.
    """
    if wanted != "auto":
        return Precision(1 if wanted == "bf16" else None, device)
    if device == "cpu":
        # older releases of torch cannot tell
        capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        # oneDNN can be told to do without instructions that are there
        fast = any(capabilities.get(name) for name in INSTRUCTIONS) and trains_bf16()
    else:
        fast = device == "cuda" and torch.cuda.is_bf16_supported()
    return Precision(WIDE_ENOUGH if fast else None, device)
