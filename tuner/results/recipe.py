"""A configuration as the lines to paste into a training loop of one's own."""

import math
from collections.abc import Mapping
from typing import Any

from tuner.data.folds import Scaling
from tuner.spec.sections import Spec
from tuner.spec.space import Value
from tuner.training.budget import DECAY, WARM_UP

# Numbers of a scaling that are written out.
MOST_COLUMNS = 12


def write_recipe(
    spec: Spec,
    make: str,
    params: Mapping[str, Value],
    *,
    steps: int,
    batches: int,
    inputs: Scaling,
    answers: Scaling | None,
) -> str:
    """The recipe, Python lines.

    Args:
        spec: of the study.
        make: the call that makes the network.
        params: of the configuration.
        steps: of the optimiser.
        batches: of an epoch.
        inputs, answers: the scaling of the training rows, and of their answers unless they are classes.
    """
    number = {name: f"{float(value):.4g}" for name, value in params.items() if not isinstance(value, str)}
    shares = [f"{name}={number[name]}" for name in ("input_dropout", "recurrent_dropout") if float(params[name]) > 0]
    lines = [f"model = {make}"]
    if "dropout" not in make and float(params["dropout"]) > 0:
        shares.append(f"dropout={number['dropout']}")
    if shares:
        lines.append(f"tuner.regularise(model, {', '.join(shares)})")
    optimizer = "AdamW" if spec.train.optimizer == "adamw" else "Adam"
    lines += [
        "matrices = [p for p in model.parameters() if p.ndim > 1]",
        "others = [p for p in model.parameters() if p.ndim <= 1]  # biases and gains",
        f'groups = [{{"params": matrices, "weight_decay": {number["weight_decay"]}}}, '
        '{"params": others, "weight_decay": 0.0}]',
        f"optimizer = torch.optim.{optimizer}(groups, lr={number['learning_rate']})",
    ]
    if float(params["l1"]) > 0:
        lines.append(f"optimizer = tuner.ProximalL1(optimizer, strength={number['l1']})")
    rate = f"min((step + 1) / {WARM_UP}, (1 + max(0, step + 1 - {WARM_UP}) / {DECAY}) ** -0.5)"
    lines += [
        f"schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: {rate})  # after each batch",
        f"# {steps:,} steps in batches of {params['batch_size']}: {math.ceil(steps / batches)} epochs",
        f"# before each step: torch.nn.utils.clip_grad_norm_(model.parameters(), {spec.train.clip:g})",
    ]
    if float(params["jitter"]) > 0:
        lines.append(f"# in training: x = x + {number['jitter']} * torch.randn_like(x), after scaling")
    if inputs.bound is not None:
        lines += _scaling("x", inputs)
    if answers is not None and answers.bound is not None:
        lines += _scaling("y", answers)
    return "\n".join(lines)


def call(name: str, args: Mapping[str, Any]) -> str:
    """A call with keyword arguments, as Python writes it."""
    return f"{name}({', '.join(f'{key}={_short(value)}' for key, value in args.items())})"


def _short(value: Any) -> str:  # noqa: ANN401 (whatever an argument is)
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def _scaling(name: str, scaling: Scaling) -> list[str]:
    if len(scaling.mean) > MOST_COLUMNS:
        return [f"# {name}: subtract the mean of the training rows, divide by their deviation, column by column"]
    mean, deviation = ([float(f"{value:.6g}") for value in values] for values in (scaling.mean, scaling.deviation))
    return [f"{name} = ({name} - torch.tensor({mean})) / torch.tensor({deviation})"]
