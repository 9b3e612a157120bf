"""What `--replay` found."""

from dataclasses import asdict

from rich.console import Console

from tuner.search.replay import Replay
from tuner.terminal.progress import print_json


def print_replay(console: Console, replay: Replay, *, as_json: bool) -> None:
    """Whether a trial came out the same; if not, how far off, and what may be why."""
    if as_json:
        print_json({"event": "replay", **asdict(replay)})
        return
    if replay.identical:
        console.print(f"trial {replay.number}: bit-identical over {replay.epochs[0]} epochs")
        return
    then, now = replay.epochs
    lasted = f", and {now} epochs instead of {then}" if then != now else ""
    console.print(f"trial {replay.number} differs: its validation curve by at most {replay.distance:.3g}{lasted}")
    for change in replay.changed:
        console.print(f"not as it was: {change}", markup=False)
    if not replay.changed:
        console.print("versions, processor and data are as they were: this should not be")
