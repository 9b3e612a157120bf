"""Times the textbook's LSTM under `tuner.tune` and under the shortest honest program on Optuna, and counts their lines.

Usage: python scripts/bench_textbook.py [REPEATS]
"""

import ast
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
PROGRAMS = ("textbook_tuner.py", "textbook_optuna.py")


def lines(path: Path) -> int:
    """The lines of code, without blank ones and the docstring."""
    text = path.read_text()
    doc = ast.parse(text).body[0].end_lineno or 0
    return sum(1 for line in text.splitlines()[doc:] if line.strip())


def main(repeats: int = 3) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(repeats):
        for name in PROGRAMS:  # one after the other, so that both meet the same machine
            with tempfile.TemporaryDirectory() as folder:
                began = time.monotonic()
                done = subprocess.run(
                    [sys.executable, SCRIPTS / name], cwd=folder, capture_output=True, text=True, check=True
                )
                seconds[name].append(time.monotonic() - began)
            print(f"{name}: {seconds[name][-1]:.1f} s, {done.stdout.splitlines()[-1][:150]}", flush=True)
    for name in PROGRAMS:
        print(f"{name}: {lines(SCRIPTS / name)} lines, median of {repeats}: {statistics.median(seconds[name]):.1f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
