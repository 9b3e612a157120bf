"""Which arithmetic a network is trained in."""

import torch

# Narrower networks spend their time elsewhere than in matrix products.
WIDE_ENOUGH = 64


def best_device() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def resolve_precision(wanted: str) -> int | None:
    """The hidden size from which on networks train in bfloat16; None for never.

    "auto" asks the hardware: AMX on the CPU, or a GPU with bfloat16. Resolved once when a study is created, and stored,
    as it changes results.
    """
    if wanted == "fp32":
        return None
    if wanted == "bf16":
        return 1
    if torch.cuda.is_available():
        return WIDE_ENOUGH if torch.cuda.is_bf16_supported() else None
    # older releases of torch cannot tell
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return WIDE_ENOUGH if capabilities.get("amx_bf16") else None
