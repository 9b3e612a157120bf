"""The work of `export` on networks: trains them on all rows, and writes them in one of three forms."""

import shlex
from contextlib import closing
from pathlib import Path

import tomli_w
from rich.console import Console

from tuner.bundle.archive import FILES, bundle_files
from tuner.bundle.torch_export import onnx_graph, torch_file, torch_weights
from tuner.errors import UserError
from tuner.files import check_folder, write_folder, write_whole
from tuner.results.captions import describe_threshold
from tuner.results.configuration import Rule, chosen_configuration
from tuner.search.bundling import refit_all
from tuner.search.evaluate import MEMBERS
from tuner.search.study import findings
from tuner.search.workers import LocalProcesses
from tuner.storage.store import Store
from tuner.terminal import cores
from tuner.terminal.display import show_events


def export_networks(
    study: str, rule: Rule, storage: str, form: str, place: Path, console: Console, progress: Console, *, force: bool
) -> None:
    """Trains the trial that the rule chooses on all rows, and writes its networks.

    Args:
        study: of the store.
        rule: which trial is chosen.
        storage: the store's address.
        form: "bundle", "pytorch" (a Python file with its weights beside it) or "onnx".
        place: where to write that.
        console: told what was written.
        progress: shows the training.
        force: whether what is there may be replaced.

    Raises:
        UserError: something is there already, or is not what it would be replaced by; a network of the user's own class
            is wanted as anything but a bundle.
    """
    weights = place.with_suffix(".pt")
    if form == "bundle":
        check_folder(place, FILES)
    elif form == "pytorch" and weights == place:
        raise UserError("the weights would take this name", where=str(place), hint="name a Python file: --out NAME.py")
    for path in (place, *([weights] if form == "pytorch" else [])):
        if path.exists() and not force and not (path.is_dir() and not any(path.iterdir())):
            raise UserError(
                "this already exists", where=str(path), hint="use --force to replace it, or name another place"
            )
    with Store(storage, create=False) as store:
        stored = store.open(study)
        found = findings(stored)
        if found.spec.on_samples:
            what = "networks of series are exported, and this study learns from samples"
            hint = "call `tuner.tune` with the same samples: `found.model` is the network, to be saved by torch.save"
            raise UserError(what, where=study, hint=hint)
        if form != "bundle" and found.spec.model.own is not None:
            what = f"this network is a class of your own, `{found.spec.model.own}`"
            hint = "export with --bundle: its model.safetensors holds the state_dict of each network"
            raise UserError(what, where=f"--format {form}", hint=hint)
        values = chosen_configuration(found, stored.environment(), rule)
        backend = LocalProcesses(min(cores(), MEMBERS))
        with closing(backend), show_events(progress, found.spec, found.facts) as notify:
            manifest, states = refit_all(stored, found, rule, backend, notify)
    match form:
        case "bundle":
            write_folder(place, bundle_files(manifest, states, tomli_w.dumps(values)))
        case "pytorch":
            write_whole(weights, torch_weights(manifest, states))
            write_whole(place, torch_file(manifest, values))
        case "onnx":
            write_whole(place, onnx_graph(manifest, values, states))
    trial = found.chosen(rule).trial
    limit = describe_threshold(found, trial, manifest.threshold)
    console.print(f"{place}: trial {trial.number} of {study}, {limit}", markup=False)
    networks = f"{manifest.networks.count} networks of {trial.outcome.weights:,} weights"
    console.print(f"{networks}, refitted on {found.facts.rows:,} rows")
    if form == "bundle":
        score = ["python", "-m", "tuner.score", "--bundle", str(place), "--data", "FILE", "--out", "FILE"]
        console.print(f"next: {shlex.join(score)}", markup=False, soft_wrap=True)
