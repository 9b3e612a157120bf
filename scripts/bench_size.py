"""What a long run, a large table and a full store cost: memory, file handles, the log's size, and time to begin.

- long: 300 short trials with four workers: resident memory and open files of the coordinator and of its workers after
  every 50 trials, and the greatest size of SQLite's write-ahead log.
- large: a CSV file of 200,000 rows and 20 columns, one trial of one epoch with two workers: the peak of the resident
  memory of each process, by the kernel's own count (VmHWM).
- full: a store of 50 studies with 200 trials each: the wall time until `status` has answered, and until `run` has
  begun a trial of a new study, and of one that goes on; each the median of three. The studies are copies of one that
  was run.

Run: python scripts/bench_size.py [long] [large] [full]
"""

import argparse
import json
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from optuna.storages._rdb.models import BaseModel
from sqlalchemy import RowMapping, Table, create_engine, insert, select

from tuner.storage.schema import Base, StudyRow

LONG, WORKERS, EVERY = 300, 4, 50
ROWS, COLUMNS = 200_000, 20
STUDIES, TRIALS, ROUNDS = 50, 200, 3
FIRST = "study-0"
RUNNING = "SELECT count(*) FROM trials JOIN studies USING (study_id) WHERE study_name = ? AND state = 'RUNNING'"
SHORT = """
[study]
trials = {trials}
[data]
path = "data.csv"
[task]
window = 6
[cv]
folds = 2
[train]
max_epochs = 3
patience = 3
[search]
lag = 4
finalists = 2
[space]
hidden_size = 4
num_layers = 1
batch_size = 256
"""
WIDE = """
[study]
trials = 1
[data]
path = "data.csv"
[task]
window = 32
[cv]
folds = 5
[train]
max_epochs = 1
[space]
batch_size = 512
"""


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the tuner, whose workers end with it."""
    line = [sys.executable, "-m", *arguments]
    with (folder / "out.log").open("wb") as log:
        process = subprocess.Popen(line, cwd=folder, stdout=log, stderr=log)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait()


def callback(process: subprocess.Popen[bytes], look: Callable[[], None], seconds: float) -> None:
    """Looks again and again until the process has ended, and sees that it ended well."""
    while process.poll() is None:
        look()
        time.sleep(seconds)
    if process.returncode:
        sys.exit(f"the run ended with status {process.returncode}")


def family(parent: int) -> list[int]:
    """A process, the server that it has workers forked from, and these."""
    children = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            if b"multiprocessing.forkserver" in (folder / "cmdline").read_bytes():
                children[int(stat[1])].append(int(folder.name))
        except OSError:  # it has ended
            continue
    servers = sorted(children[parent])
    return [parent, *servers, *sorted(worker for server in servers for worker in children[server])]


def mebibytes(pid: int, field: str) -> float:
    """VmRSS or VmHWM of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) / 1024


def query(path: Path, statement: str, *values: str) -> int:
    """A number from a store that may not be there yet."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return int(connection.execute(statement, values).fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def write_series(folder: Path, rows: int, columns: int) -> None:
    generator = np.random.default_rng(0)
    noise = 0.3 * generator.normal(size=(rows, columns))
    values = np.sin(np.arange(rows)[:, None] / np.linspace(5, 50, columns)) + noise
    frame = pd.DataFrame(values, columns=[f"x{number}" for number in range(columns)])
    frame.to_csv(folder / "data.csv", index=False, float_format="%.5f")


def long(folder: Path) -> None:
    write_series(folder, 400, 1)
    (folder / "long.toml").write_text(SHORT.format(trials=LONG))
    store, log, shown = folder / "studies" / "studies.db", folder / "studies" / "studies.db-wal", EVERY
    largest = 0
    with started(folder, "tuner.run", "--study", "long.toml", "--workers", str(WORKERS)) as process:

        def look() -> None:
            nonlocal shown, largest
            largest = max(largest, log.stat().st_size if log.exists() else 0)
            if query(store, "SELECT count(*) FROM trials WHERE state <> 'RUNNING'") >= shown:
                pids = family(process.pid)
                memory = " ".join(f"{mebibytes(pid, 'VmRSS'):.0f}" for pid in pids)
                files = " ".join(str(len([*Path(f"/proc/{pid}/fd").iterdir()])) for pid in pids)
                print(
                    f"after {shown:3} trials: {memory} MiB; open files {files} (coordinator, server, workers)",
                    flush=True,
                )
                shown += EVERY

        callback(process, look, 0.02)
    print(f"write-ahead log: at most {largest / 2**20:.1f} MiB; store {store.stat().st_size / 2**20:.1f} MiB")


def large(folder: Path) -> None:
    write_series(folder, ROWS, COLUMNS)
    (folder / "large.toml").write_text(WIDE)
    print(f"{ROWS:,} rows of {COLUMNS} columns, {(folder / 'data.csv').stat().st_size / 2**20:.0f} MiB as CSV")
    peaks: dict[int, float] = defaultdict(float)
    began = time.monotonic()
    with started(folder, "tuner.run", "--study", "large.toml", "--workers", "2") as process:

        def look() -> None:
            for pid in family(process.pid):
                try:
                    peaks[pid] = mebibytes(pid, "VmHWM")
                except (OSError, IndexError):  # it has ended
                    continue

        callback(process, look, 0.5)
    # in the order in which they were first seen, the coordinator first
    print(f"peaks: {', '.join(f'{peak:.0f}' for peak in peaks.values())} MiB (coordinator, server, workers)")
    print(f"the whole run, with its repeats and refits: {time.monotonic() - began:.0f} s")


def full(folder: Path) -> None:
    write_series(folder, 400, 1)
    study = SHORT.format(trials=TRIALS)
    (folder / f"{FIRST}.toml").write_text(study)
    with started(folder, "tuner.run", "--study", f"{FIRST}.toml") as process:
        callback(process, lambda: None, 0.1)
    store = folder / "studies" / "studies.db"
    copy(store, STUDIES - 1)
    studies, trials = (query(store, f"SELECT count(*) FROM {table}") for table in ("studies", "trials"))  # noqa: S608
    print(f"{studies} studies, {trials:,} trials")
    answers, begins, continues = [], [], []
    for number in range(ROUNDS):
        began = time.monotonic()
        with started(folder, "tuner.status") as process:
            callback(process, lambda: None, 0.01)
        answers.append(time.monotonic() - began)
        (folder / f"new-{number}.toml").write_text(study)
        begins.append(begin(folder, f"new-{number}", TRIALS))
        (folder / f"study-{number + 1}.toml").write_text(study)
        continues.append(begin(folder, f"study-{number + 1}", TRIALS + 9))
    for what, times in (("status", answers), ("run, new", begins), ("run, going on", continues)):
        print(f"{what}: {statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f})")


def begin(folder: Path, name: str, trials: int) -> float:
    """Seconds until a run has begun a trial."""
    began = time.monotonic()
    with started(folder, "tuner.run", "--study", f"{name}.toml", "--trials", str(trials)) as process:
        while not query(folder / "studies" / "studies.db", RUNNING, name):
            if process.poll() is not None:
                sys.exit(f"{name} ended: {(folder / 'out.log').read_text()}")
            time.sleep(0.01)
        return time.monotonic() - began


def copy(store: Path, times: int) -> None:
    """Copies the one study of a store, row by row, under other names and ids, in Optuna's tables and in ours."""
    engine = create_engine(f"sqlite:///{store}")
    with engine.begin() as connection:
        (uuid,) = connection.scalars(select(StudyRow.uuid))
        for table in (*BaseModel.metadata.sorted_tables, *Base.metadata.sorted_tables):
            rows = connection.execute(select(table)).mappings().all()
            if rows and table.name not in ("version_info", "alembic_version"):
                for number in range(1, times + 1):
                    connection.execute(insert(table), [moved(table, row, uuid, number) for row in rows])
    engine.dispose()


def moved(table: Table, row: RowMapping, uuid: str, number: int) -> dict[str, Any]:
    """A row of copy `number`: Optuna's ids moved on by millions, the study's name and UUID replaced."""
    copy = {}
    for column in table.columns:
        value = row[column.name]
        is_id = column.name == "id" if table.name.startswith("tuner_") else column.primary_key or column.foreign_keys
        if isinstance(value, str | dict):
            text = json.dumps(value).replace(uuid, f"{uuid}-{number}").replace(FIRST, f"study-{number}")
            value = json.loads(text)
        elif isinstance(value, int) and is_id:
            value += number * 1_000_000
        copy[column.name] = value
    return copy


PARTS = {"long": long, "large": large, "full": full}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="|".join(PARTS))
    for part in parser.parse_args().parts or PARTS:
        print(f"\n{part}", flush=True)
        with tempfile.TemporaryDirectory(prefix="bench_size_") as folder:
            PARTS[part](Path(folder))


if __name__ == "__main__":
    main()
