"""The work of `export` on networks: trains them on all rows, and writes them in one of three forms."""

import shlex
from contextlib import closing
from pathlib import Path

import tomli_w
from rich.console import Console

from tuner.bundle.archive import FILES, bundle_files
from tuner.bundle.manifest import Manifest
from tuner.bundle.torch_export import onnx_graph, torch_file, torch_weights
from tuner.errors import UserError
from tuner.files import check_folder, write_folder, write_whole
from tuner.results.captions import describe_threshold
from tuner.results.configuration import Rule, chosen_configuration
from tuner.search.bundling import refit_all
from tuner.search.evaluate import MEMBERS
from tuner.search.study import findings, prepare
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
            hint = "use --force to replace it, or name another place"
            raise UserError("this already exists", where=str(path), hint=hint)
    with Store(storage, create=False) as store:
        stored = store.open(study)
        found = findings(stored)
        trial = found.chosen(rule).trial
        own, on_samples = found.spec.model.own, found.spec.on_samples
        if form != "bundle" and (own or on_samples):
            what = f"this network is a class of your own, `{own}`" if own else "this network answers samples, not rows"
            hint = "export with --bundle: its model.safetensors holds the state_dict of each network"
            if on_samples:
                hint = "export with --bundle, or call `tuner.tune` again and torch.save(found.model)"
            raise UserError(what, where=f"--format {form}", hint=hint)
        values = chosen_configuration(found, stored.environment(), rule)
        prepared, scores = prepare(stored.spec), stored.scores(trial.number)
        backend = LocalProcesses(min(cores(), MEMBERS))
        with closing(backend), show_events(progress, found.spec, found.facts) as notify:
            manifest, states = refit_all(prepared, found, rule, scores, backend, notify)
    if form == "bundle":
        write_folder(place, bundle_files(manifest, states, tomli_w.dumps(values)))
    elif isinstance(manifest, Manifest):
        if form == "onnx":
            write_whole(place, onnx_graph(manifest, values, states))
        else:
            write_whole(weights, torch_weights(manifest, states))
            write_whole(place, torch_file(manifest, values))
    limit = f", {describe_threshold(found, trial, manifest.threshold)}" if isinstance(manifest, Manifest) else ""
    console.print(f"{place}: trial {trial.number} of {study}{limit}", markup=False)
    networks = f"{manifest.networks.count} networks of {trial.outcome.weights:,} weights"
    seen = f"{found.facts.windows:,} samples" if on_samples else f"{found.facts.rows:,} rows"
    console.print(f"{networks}, refitted on {seen}")
    if form == "bundle":
        score = [
            "python",
            "-m",
            "tuner.score",
            "--bundle",
            str(place),
            "--data",
            f"FILE{'.npz' if on_samples else ''}",
            "--out",
            "FILE",
        ]
        console.print(f"next: {shlex.join(score)}", markup=False, soft_wrap=True)
