"""What `tuner.tune` found: the chosen configuration, and a network that was refitted with it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tomli_w
import torch
from torch import nn

from tuner.bundle.archive import FILES, bundle_files
from tuner.data.folds import FoldData
from tuner.data.sequences import read_sequences
from tuner.errors import UserError
from tuner.files import check_folder, write_folder, write_whole
from tuner.model.building import build_network
from tuner.model.own import own_network
from tuner.report.page import study_page
from tuner.results.configuration import chosen_configuration
from tuner.results.findings import Findings
from tuner.results.recipe import call, write_recipe
from tuner.results.selection import Selection, Summary, Trial, steps_of_runs
from tuner.results.verdict import conclude
from tuner.search.bundling import refit_all
from tuner.search.evaluate import MEMBERS
from tuner.search.events import ignore
from tuner.search.jobs import Refit, Shared, do_here
from tuner.search.study import Prepared
from tuner.search.workers import LocalProcesses
from tuner.spec.sections import Spec
from tuner.spec.space import Constant, Value
from tuner.terminal import cores
from tuner.training.budget import refit_steps
from tuner.training.scaling import answer, scale_inside


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
    _prepared: Prepared = field(repr=False)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, in their order."""
        return self._findings.trials

    def predict(self, x: Any) -> npt.NDArray[np.float32]:  # noqa: ANN401 (whatever `tuner.tune` takes)
        """The network's outputs for sequences as `tuner.tune` takes them, (n, outputs).

        Raises:
            UserError: these are no sequences, or none that the network can answer.
        """
        return answer([self.model], read_sequences(x), self._prepared.widths[0])

    def save(self, folder: str | Path) -> Path:
        """Writes a bundle for `tuner.load` and `python -m tuner.score`, and says where; one that is there is replaced.

        It holds not `model` alone: more networks are trained like it, from other random streams, whose mean counts.

        Raises:
            UserError: the place holds something else or cannot be written, or a network cannot be trained.
        """
        check_folder(Path(folder), FILES)
        with closing(LocalProcesses(min(cores(), MEMBERS))) as backend:
            manifest, weights = refit_all(self._prepared, self._findings, "shipped", None, backend, ignore)
        values = chosen_configuration(self._findings, dict(self._findings.environment), "shipped")
        write_folder(Path(folder), bundle_files(manifest, weights, tomli_w.dumps(values)))
        return Path(folder)

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
    params, spec = chosen.trial.params, prepared.spec
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
        _prepared=prepared,
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
