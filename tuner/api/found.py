"""What `tuner.tune` found: the chosen configuration, and a network that was refitted with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from tuner.data.folds import FoldData
from tuner.data.sequences import read_sequences
from tuner.errors import UserError
from tuner.files import write_whole
from tuner.model.building import build_network, takes_lengths
from tuner.model.own import own_network
from tuner.report.page import study_page
from tuner.results.findings import Findings
from tuner.results.recipe import call, write_recipe
from tuner.results.selection import Selection, Summary, Trial, steps_of_runs
from tuner.results.verdict import conclude
from tuner.search.events import ignore
from tuner.search.jobs import Refit, Shared, do_here
from tuner.search.study import Prepared
from tuner.spec.sections import Spec
from tuner.spec.space import Constant, Value
from tuner.training.budget import refit_steps
from tuner.training.scaling import scale_inside

# Sequences of a forward pass.
BATCH = 1024


@dataclass(frozen=True)
class Found:
    """What `tuner.tune` found.

    Attributes:
        study: its name in the store; `python -m tuner.export --study NAME` and the other commands take it.
        params: of the chosen configuration: the best, if it is clearly better than the defaults, else these.
        params_1se: of the strongest regularisation that is about as good, within one standard error.
        model: the network, refitted on all samples, in evaluation mode. Raw sequences in, (n, time, columns); out come
            values in the units of `y`, (n, k), or the logits of `classes`, (n, classes).
        classes: what the columns of its output stand for; empty for values.
        recipe: the lines to paste into a training loop of one's own.
        verdict: whether tuning helped, and how good it is, as sentences.
        summary: the figures of the search.
    """

    study: str
    params: dict[str, Value]
    params_1se: dict[str, Value]
    model: nn.Module = field(repr=False)
    classes: npt.NDArray[Any]
    recipe: str = field(repr=False)
    verdict: tuple[str, ...]
    summary: Summary = field(repr=False)
    _findings: Findings = field(repr=False)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, in their order."""
        return self._findings.trials

    def predict(self, x: Any) -> npt.NDArray[np.float32]:  # noqa: ANN401 (whatever `tuner.tune` takes)
        """The network's outputs for sequences as `tuner.tune` takes them, (n, outputs).

        Raises:
            UserError: these are no sequences.
        """
        sequences = read_sequences(x)
        parts = [torch.from_numpy(part) for part in np.split(sequences.steps, sequences.first[1:])]
        outputs = []
        with torch.inference_mode():
            for at in range(0, len(parts), BATCH):
                lengths = torch.from_numpy(sequences.lengths[at : at + BATCH])
                batch = pad_sequence(parts[at : at + BATCH], batch_first=True)
                told = (lengths,) if takes_lengths(type(self.model).forward) else ()
                found = self.model(batch, *told)
                while isinstance(found, tuple | list):
                    found = found[0]
                outputs.append(found.reshape(len(batch), -1))
        return torch.cat(outputs).numpy()

    def report(self, path: str | Path = "report.html") -> Path:
        """Writes the report, a page that needs nothing else, and says where.

        Raises:
            UserError: the place cannot be written.
        """
        write_whole(Path(path), study_page(self._findings))
        return Path(path)


def refit_chosen(prepared: Prepared, found: Findings, classes: npt.NDArray[Any]) -> Found:
    """Trains the chosen configuration on all samples, here.

    Args:
        prepared: the study's data.
        found: what it found.
        classes: of the answers, in order.

    Raises:
        UserError: no trial has completed.
    """
    if found.summary.shipped is None or found.summary.one_se is None:
        reason = next((trial.outcome.reason for trial in found.trials), "")
        what = "no trial has completed" + (f": {reason.strip().splitlines()[-1]}" if reason else "")
        raise UserError(what, where=prepared.spec.study.name, hint="give it more time, or look at the network")
    chosen = found.summary.shipped
    data = prepared.problem.whole()
    steps = refit_steps(steps_of_runs(chosen.trial), prepared.folds, data)
    params, spec = chosen.trial.params, _with_given(found.spec, prepared.spec)
    with _threads():
        refitted = do_here(Refit(params, steps, 0), Shared(spec, (data,), found.facts.precision), ignore)
    network = build_network(spec.model, *prepared.widths, params)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in refitted.weights.items()})
    return Found(
        study=spec.study.name,
        params=_searched(spec, chosen),
        params_1se=_searched(spec, found.summary.one_se),
        model=scale_inside(network.eval(), data.features, data.targets),
        classes=classes if prepared.problem.classify else classes[:0],
        recipe=_recipe(spec, prepared, data, chosen, steps),
        verdict=conclude(found),
        summary=found.summary,
        _findings=found,
    )


def _with_given(spec: Spec, given: Spec) -> Spec:
    """A study as it is stored, with what was given from Python."""
    sections = ("study", "model", "train")
    return spec.model_copy(
        update={name: getattr(spec, name).with_given(getattr(given, name).given) for name in sections}
    )


@contextmanager
def _threads() -> Iterator[None]:
    """Leaves the number of torch's threads as it was."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _searched(spec: Spec, chosen: Selection) -> dict[str, Value]:
    """The parameters of a trial that were searched."""
    return {name: value for name, value in chosen.trial.params.items() if not isinstance(spec.space[name], Constant)}


def _recipe(spec: Spec, prepared: Prepared, data: FoldData, chosen: Selection, steps: int) -> str:
    params, widths = chosen.trial.params, prepared.widths
    if spec.model.own is None:
        shape = {name: params[name] for name in ("hidden_size", "num_layers", "dropout")}
        made = call(f"torch.nn.{spec.model.cell.upper()}", {"input_size": widths[0], **shape, "batch_first": True})
        made += f"  # and torch.nn.Linear({params['hidden_size']}, {widths[1]}) on its last step"
    else:
        own = own_network(spec.model)
        made = call(own.name, own.arguments(spec.model.args, *widths, params))
    batches = -(-len(data.train) // int(params["batch_size"]))
    return write_recipe(spec, made, params, steps=steps, batches=batches, inputs=data.features, answers=data.targets)
