"""Nothing is lost: after kill -9 at any moment the same command goes on and ends in the same study.

Moments are drawn anew each time, and printed; TUNER_KILLS is how many (20 by default), TUNER_SEED repeats a run.
"""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Command, alive, forked, run, start, wait_until
from tests.studies import dump, write_small
from tuner.search.sampler import START_UP

# enough for every sampler to choose some: a Gaussian process begins after 6, TPE after 12
TRIALS = 15
assert max(START_UP.values()) < TRIALS - 2
SAMPLERS = ("tpe", "gp")
KILLS = int(os.environ.get("TUNER_KILLS", "20"))
SEED = int(os.environ.get("TUNER_SEED", str(random.randrange(2**32))))

# what is seen in the database when a phase begins for trial n; the kill follows at once, or a random while later
PHASES = {
    "ask": "SELECT count(*) > {n} FROM trials",
    "train": "SELECT count(*) > {n} FROM trials",
    "commit": "SELECT count(*) > {n} FROM tuner_outcomes",
    "refit": "SELECT count(*) > {n} FROM tuner_refits",
    "tell": "SELECT count(*) > 0 FROM trials JOIN trial_user_attributes USING (trial_id) WHERE number = {n}",
}
VICTIMS = ("coordinator", "worker", "all")


def arguments(sampler: str) -> tuple[Any, ...]:
    keys = ("--set", "search.lag=3", "--set", f"search.sampler={sampler}")
    return ("--study", "small.toml", "--workers", 2, "--trials", TRIALS, *keys)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The study uninterrupted, by sampler."""
    dumps = {}
    for sampler in SAMPLERS:
        folder = tmp_path_factory.mktemp(sampler)
        write_small(folder)
        assert run(folder, "run", *arguments(sampler)).status == 0
        dumps[sampler] = dump(folder)
    return dumps


def rows(folder: Path, query: str) -> list[Any]:
    """What a query of the store gives now; nothing while there is no store yet."""
    path = folder / "studies" / "studies.db"
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.1)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []  # its tables are being made


def outcomes(folder: Path) -> dict[tuple[int, int], tuple[Any, ...]]:
    """What is committed of each trained trial and repeat, its duration included: trained again, it would differ."""
    return {row[:2]: row for row in rows(folder, "SELECT trial, repeat, outcome FROM tuner_outcomes")}


def seen(folder: Path, query: str) -> Callable[[], bool]:
    return lambda: any(value for (value,) in rows(folder, query))


def kill(command: Command, victim: str, rng: random.Random) -> bool:
    """SIGKILL to the coordinator, to one of its workers, or to all of them; whether the coordinator lives on."""
    workers = sorted(forked() - {command.pid})
    if victim == "worker":
        # there may be none yet, or none any more
        with suppress(IndexError, ProcessLookupError):
            os.kill(rng.choice(workers), signal.SIGKILL)
        return True
    for pid in [command.pid, *(workers if victim == "all" else [])]:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    command.wait()
    return False


@pytest.mark.parametrize("moment", range(KILLS))
def test_after_a_kill_the_same_command_ends_in_the_same_study(expected, tmp_path, moment) -> None:
    rng = random.Random(SEED + moment)
    phase = list(PHASES)[moment % len(PHASES)]
    victim, sampler = VICTIMS[moment % len(VICTIMS)], SAMPLERS[moment % len(SAMPLERS)]
    number = rng.randrange(TRIALS - 1)
    delay = rng.uniform(0.0, 0.1) if phase == "train" else 0.0
    print(f"TUNER_SEED={SEED} moment {moment}, {sampler}: {victim} killed in {phase} of {number}, {delay:.3f} s later")
    write_small(tmp_path)

    command = start(tmp_path, "run", *arguments(sampler))
    condition = seen(tmp_path, PHASES[phase].format(n=number))
    wait_until(lambda: condition() or command.ended)
    time.sleep(delay)
    goes_on = kill(command, victim, rng)
    committed = outcomes(tmp_path)
    wait_until(lambda: not forked() or goes_on, 2)

    if goes_on:
        assert command.wait().status == 0, "the run goes on without its worker"
    assert run(tmp_path, "run", *arguments(sampler)).status == 0
    assert dump(tmp_path) == expected[sampler]
    assert {trial: row for trial, row in outcomes(tmp_path).items() if trial in committed} == committed
    assert rows(tmp_path, "SELECT count(*) FROM trials WHERE state = 'RUNNING'") == [(0,)]
    wait_until(lambda: not forked(), 2)
