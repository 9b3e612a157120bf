"""Which search finds a good network sooner: the tuner, or the loop that a user would write?

Run: python scripts/bench_search.py [--series NAME …] [--seeds N …] [--rivals NAME …] [--out FOLDER] (see --help)

Three contestants search the same space on the same rows of real series, forecasting one step ahead; each is a fresh
process, one after the other, in an order that rotates with the seed:

- ours: `python -m tuner.run` with two workers and the study file's own defaults;
- plain: the loop of `plain_loop.py`, sequential, with all threads of the machine;
- mended: the same loop with what an expert would mend: two processes, folds in lock-step, pruning by epoch.

A neutral judge (`judge_search.py`) then trains every incumbent afresh and scores it on the holdout. A rival sets a
threshold: the judged loss of its last incumbent, plus that loss's standard error over 20 blocks of the holdout, and
once more without it. Our time is that since process start, imports included, at which an incumbent first reaches the
threshold. Three times of the rival's are set against it: when it first had an incumbent as good, which it could not
know; when it had its last incumbent, whose quality the threshold is; and when its search ended.

Runs and judgements are kept in FOLDER as JSON lines: what is there is not run again. Start afresh, with another folder,
when the code has changed.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomli_w
from judge_search import (
    CASES,
    SMALL,
    Case,
    Judgement,
    Run,
    Settings,
    Trial,
    add_line,
    as_run,
    judge_all,
    key_of,
    read_lines,
)
from plain_loop import BATCH, FOLDS, HOLDOUT, HORIZON, PATIENCE, WINDOW, Job, make_space, read_table

from tuner.data.problems import make_problem
from tuner.loading.dataset import load_dataset
from tuner.spec.file import read_spec

HERE = Path(__file__).resolve().parent
RIVALS = ("plain", "mended")
WORKERS = 2
CONSTANTS = {
    "batch_size": BATCH,
    "normalization": "none",
    "input_dropout": 0.0,
    "recurrent_dropout": 0.0,
    "jitter": 0.0,
    "time_shift": 0,
    "synthetic": 0.0,
}


@dataclass(frozen=True)
class Ratio:
    """How many times sooner we were; `censored` if we never got there, so that it is lower still."""

    value: float
    censored: bool

    def __str__(self) -> str:
        return f"{'<' if self.censored else ''}{self.value:.2f}"


def write_study(case: Case, seed: int, epochs: int, path: Path) -> None:
    """The study file of our own search: what all contestants share, all else by default."""
    # rows are taken as evenly spaced and as all normal, which is how the rivals take them
    data = {"path": case.path, "time": "", "label": "", "features": list(case.features), "target": case.target}
    study = {
        "study": {"seed": seed, "metric": "loss"},
        "data": data,
        "task": {"kind": "forecast", "window": WINDOW, "horizon": HORIZON},
        "cv": {"scheme": "blocked", "folds": FOLDS, "holdout": HOLDOUT},
        "train": {"max_epochs": epochs, "patience": PATIENCE},
        "space": {**{name: dict(line) for name, line in make_space(case.hidden, case.layers).items()}, **CONSTANTS},
    }
    path.write_text(tomli_w.dumps(study))
    spec = read_spec(path)
    ours = len(make_problem(spec, load_dataset(spec)).split.development)
    theirs = read_table(case.path, case.features, case.target).development
    if ours != theirs:
        sys.exit(f"{case.file}: {ours} windows lie before our holdout, {theirs} before that of the rivals")


def command(contestant: str, case: Case, seed: int, settings: Settings, scratch: Path) -> list[str]:
    """How a contestant is started; what it reads is written to the empty folder `scratch`."""
    if contestant == "ours":
        study = scratch / "study.toml"
        write_study(case, seed, settings.epochs, study)
        options = f"--workers {WORKERS} --trials {settings.trials} --json --storage sqlite:///{scratch / 'studies.db'}"
        return [sys.executable, "-m", "tuner.run", "--study", str(study), *options.split()]
    journal = str(scratch / "journal.log") if contestant == "mended" else None
    searched = case.path, case.features, case.target, case.hidden, case.layers
    job = Job(*searched, seed, settings.trials, settings.epochs, journal)
    (scratch / "job.json").write_text(json.dumps(asdict(job)))
    return [sys.executable, str(HERE / "plain_loop.py"), str(scratch / "job.json")]


@contextmanager
def started(line: Sequence[str], cap: float | None, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own group, interrupted after `cap` seconds; nothing of it outlives the context."""
    with (folder / "errors.log").open("w") as log:
        process = subprocess.Popen(
            line, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
    timer = threading.Timer(cap or 0, process.send_signal, [signal.SIGINT])
    timer.daemon = True
    if cap is not None:
        timer.start()
    try:
        yield process
    finally:
        timer.cancel()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def race(name: str, seed: int, contestant: str, settings: Settings) -> Run:
    """Lets one contestant search."""
    with tempfile.TemporaryDirectory(prefix="bench_search_") as scratch:
        folder = Path(scratch)
        line = command(contestant, CASES[name], seed, settings, folder)
        trials = []
        began = time.monotonic()
        with started(line, settings.cap, folder) as process:
            for text in process.stdout or ():
                event = json.loads(text)
                if event.get("event", "trial") == "trial":
                    trials.append(as_trial(event, time.monotonic() - began))
            status = process.wait()
            end = time.monotonic() - began
        if status not in (0, 130) or (status == 130 and settings.cap is None):
            sys.exit(f"{contestant} ended with status {status}:\n{(folder / 'errors.log').read_text()}")
    return Run(name, seed, contestant, settings, tuple(trials), end)


def as_trial(event: Mapping[str, Any], at: float) -> Trial:
    """A line of any contestant's output; ours says `epoch` for what the others call `epochs`."""
    params = {name: value for name, value in event["params"].items() if name not in CONSTANTS}
    return Trial(at, event["state"], event["value"], params, event["epoch"] if "epoch" in event else event["epochs"])


def race_all(series: Sequence[str], seeds: Sequence[int], settings: Mapping[str, Settings], file: Path) -> list[Run]:
    """Every contestant on every series from every seed, without those that `file` holds already."""
    known, contestants = [as_run(line) for line in read_lines(file)], list(settings)
    runs = []
    for seed in seeds:
        turn = seed % len(contestants)
        for name in series:
            for contestant in contestants[turn:] + contestants[:turn]:
                wanted = (name, seed, contestant, settings[contestant])
                run = next((r for r in known if (r.series, r.seed, r.contestant, r.settings) == wanted), None)
                if run is None:
                    run = race(*wanted)
                    add_line(file, asdict(run))
                    print(f"{name}, seed {seed}, {contestant}: {run.end:.1f} s, {len(run.trials)} trials", flush=True)
                runs.append(run)
    return runs


def reached(run: Run, judgements: Mapping[str, Judgement], threshold: float) -> float | None:
    """When an incumbent of the run was first judged to be as good as the threshold."""
    good = [trial.at for trial in run.incumbents if judgements[key_of(run.series, trial)].loss <= threshold]
    return good[0] if good else None


def compare(ours: Run, rival: Run, judgements: Mapping[str, Judgement]) -> tuple[list[str], list[Ratio]]:
    """The table's cells and the ratios: to the rival's threshold, then to its exact last loss; each by the rival's time
    to get there first, to its last incumbent, and to its end."""
    incumbent = rival.incumbents[-1]
    last = judgements[key_of(rival.series, incumbent)]
    cells, ratios = [], []
    for threshold in (last.loss + last.error, last.loss):
        mine, theirs = (reached(run, judgements, threshold) for run in (ours, rival))
        cells += [f"{threshold:.4f}", seconds(theirs, rival.end), seconds(mine, ours.end)]
        for time_of_rival in (theirs or rival.end, incumbent.at, rival.end):
            ratios.append(Ratio(time_of_rival / (mine or ours.end), censored=mine is None))
            cells.append(str(ratios[-1]))
    return cells, ratios


def seconds(at: float | None, end: float) -> str:
    return f">{end:.1f}" if at is None else f"{at:.1f}"


def median(ratios: Sequence[Ratio]) -> str:
    """The lower median; where we never got there counts as the least of ratios."""
    ranked = statistics.median_low([0.0 if ratio.censored else ratio.value for ratio in ratios])
    return f"{ranked:.2f}" if ranked else "never"


def print_runs(runs: Sequence[Run], judgements: Mapping[str, Judgement]) -> None:
    print(f"\n{'series':15} seed  contestant  trials  complete  seconds  cross-validated  holdout ± SE")
    for run in runs:
        head = f"{run.series:15} {run.seed:4}  {run.contestant:10}  {len(run.trials):6}"
        complete = sum(trial.state == "COMPLETE" for trial in run.trials)
        last = run.incumbents[-1] if run.incumbents else None
        judged = None if last is None else judgements[key_of(run.series, last)]
        scores = f"{last.value:15.4f}  {judged.loss:.4f} ± {judged.error:.4f}" if last and judged else "none"
        print(f"{head}  {complete:8}  {run.end:7.1f}  {scores}")


def print_ratios(runs: Sequence[Run], judgements: Mapping[str, Judgement]) -> None:
    by = {(run.series, run.seed, run.contestant): run for run in runs}
    half = ("theirs [s]", "ours [s]", "first/ours", "last/ours", "end/ours")
    columns = ("loss + SE", *half, "loss", *half)
    print("\ntimes to the rival's last judged loss plus its standard error, and to that loss; ratios above 1 are ours")
    print(f"{'series':15} seed  rival   " + "  ".join(f"{column:>11}" for column in columns))
    found: dict[str, list[list[Ratio]]] = {}
    for (series, seed, contestant), run in by.items():
        if contestant == "ours" or not run.incumbents:
            continue
        cells, ratios = compare(by[series, seed, "ours"], run, judgements)
        found.setdefault(contestant, []).append(ratios)
        print(f"{series:15} {seed:4}  {contestant:6}  " + "  ".join(f"{cell:>11}" for cell in cells))
    for contestant, rows in found.items():
        medians = [median(ratios) for ratios in zip(*rows, strict=True)]
        censored = [sum(row[at].censored for row in rows) for at in (0, 3)]
        print(
            f"{contestant}: medians over {len(rows)} runs (first, last, end): plus SE {', '.join(medians[:3])}; exact "
            f"{', '.join(medians[3:])}; never reached by us: {censored[0]} and {censored[1]}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--series", nargs="+", choices=CASES, default=list(SMALL))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, default=list(RIVALS))
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "bench_search")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--trials-ours", type=int, default=40)
    parser.add_argument("--trials-plain", type=int, default=15)
    parser.add_argument("--trials-mended", type=int, default=15)
    parser.add_argument("--seconds-ours", type=float, help="interrupt our search after so long")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the search under way is ended too
    settings = {
        "ours": Settings(asked.trials_ours, asked.epochs, asked.seconds_ours),
        **{rival: Settings(getattr(asked, f"trials_{rival}"), asked.epochs, None) for rival in asked.rivals},
    }
    asked.out.mkdir(parents=True, exist_ok=True)
    runs = race_all(asked.series, asked.seeds, settings, asked.out / "runs.jsonl")
    judgements = judge_all(runs, asked.out / "judged.jsonl")
    print_runs(runs, judgements)
    print_ratios(runs, judgements)


if __name__ == "__main__":
    main()
