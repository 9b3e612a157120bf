"""Does a second worker double the pace, what does the coordinator take, and does memory stay flat?

Run: python scripts/bench_workers.py [ROUNDS [TRIALS EPOCHS]]

Pace: the study `anomaly` with 48 random trials of 4 epochs and no pruner, so that one and two workers train exactly the
same, run in turns; from the first trial's beginning to the last one's end, where one of two workers has nothing left to
do, which weighs more the fewer and longer the trials are. Printed: trials a minute, their ratio, and
the processor time of the coordinator, store included, as a share of the wall time. The same share of `anomaly` as it
stands, with its sampler, pruner, repeats and holdout, on two workers. Memory: 200 trials of one epoch; the resident
memory of the coordinator and of its workers after 40, 80, … trials.
"""

import sys
import tempfile
import time
from contextlib import closing
from multiprocessing import active_children
from pathlib import Path
from statistics import median
from typing import Any

from tuner.search.events import Event, Notify, Started, Told, ignore
from tuner.search.study import prepare, run
from tuner.search.workers import LocalProcesses
from tuner.spec.file import read_spec, read_spec_dict
from tuner.spec.sections import Spec
from tuner.storage.store import Store


class Clock:
    """Notes when each trial began and was told: wall and processor time of this process."""

    def __init__(self) -> None:
        self.starts: list[tuple[float, float]] = []
        self.ends: list[tuple[float, float]] = []

    def __call__(self, event: Event) -> None:
        now = time.perf_counter(), time.process_time()
        match event:
            case Started():
                self.starts.append(now)
            case Told():
                self.ends.append(now)


def weigh(event: Event) -> None:
    """Prints the resident memory after every 40 trials."""
    match event:
        case Told(number) if (number + 1) % 40 == 0:
            workers = " ".join(f"{resident(child.pid):.0f}" for child in active_children())
            print(
                f"after {number + 1:3} trials: coordinator {resident(None):.0f} MiB, workers {workers} MiB", flush=True
            )


def resident(pid: int | None) -> float:
    """The resident memory of a process (None: this one) in MiB."""
    status = Path(f"/proc/{pid or 'self'}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def make_spec(trials: int, epochs: int, **space: Any) -> Spec:  # noqa: ANN401 (TOML values)
    lines = read_spec(Path("studies/anomaly.toml")).to_dict()
    return read_spec_dict(
        {
            **lines,
            "study": {**lines["study"], "trials": trials},
            "train": {**lines["train"], "max_epochs": epochs, "patience": epochs},
            "search": {"sampler": "random", "pruner": "none", "lag": 4},
            "space": {**lines["space"], **space},
        }
    )


def search(spec: Spec, workers: int, notify: Notify) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(LocalProcesses(workers)) as backend,
        Store(f"sqlite:///{folder}/studies.db", create=True) as store,
    ):
        run(prepare(spec), store, notify, backend)


def pace(spec: Spec, workers: int) -> tuple[float, float]:
    """Trials a minute, and the coordinator's share of the wall time."""
    clock = Clock()
    search(spec, workers, clock)
    seconds, cpu = (end - start for start, end in zip(clock.starts[0], clock.ends[-1], strict=True))
    return 60 * len(clock.ends) / seconds, cpu / seconds


def share_of_all(spec: Spec) -> float:
    """The coordinator's share of the wall time of a whole search with two workers, their start included."""
    wall, cpu = time.perf_counter(), time.process_time()
    search(spec, 2, ignore)
    return (time.process_time() - cpu) / (time.perf_counter() - wall)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    trials, epochs = (int(text) for text in sys.argv[2:4]) if len(sys.argv) > 3 else (48, 4)
    spec = make_spec(trials, epochs)
    ratios, shares = [], []
    for _ in range(rounds):
        (one, _), (two, share) = pace(spec, 1), pace(spec, 2)
        ratios.append(two / one)
        shares.append(share)
        print(
            f"{one:.1f} trials a minute with one worker, {two:.1f} with two: {two / one:.2f}; {share:.1%}", flush=True
        )
    print(f"medians: {median(ratios):.2f} times the pace; the coordinator takes {median(shares):.1%} of the wall time")
    whole = share_of_all(read_spec(Path("studies/anomaly.toml")))
    print(f"of `anomaly` as it stands the coordinator takes {whole:.1%} of the wall time", flush=True)
    search(make_spec(200, 1, hidden_size=8, num_layers=1), 2, weigh)


if __name__ == "__main__":
    main()
