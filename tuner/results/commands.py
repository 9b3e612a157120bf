"""Commands for the user to paste: quoted for a shell, they find the same study, in the same store."""

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it loads numpy, which the options of a command need not wait for
    from tuner.results.findings import Findings

DEFAULT_STORAGE = "sqlite:///studies/studies.db"
# What a study was asked for, `--set` and `--trials` included, beside its report.
STUDY_FILE = "study.toml"


def command(name: str, findings: "Findings", *options: str, storage: str | None = None) -> str:
    """A command on the study in its store, or in another one: `run` continues it there, or runs it anew."""
    study, storage = findings.spec.study.name, storage or findings.storage
    of = f"studies/{study}/{STUDY_FILE}" if name == "run" else study
    where = () if storage == DEFAULT_STORAGE else ("--storage", storage)
    return shlex.join(["python", "-m", f"tuner.{name}", "--study", of, *options, *where])
