"""Commands for the user to paste: quoted for a shell, they find the same study, in the same store."""

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it loads numpy, which the options of a command need not wait for
    from tuner.results.findings import Findings

DEFAULT_STORAGE = "sqlite:///studies/studies.db"
# What a study was asked for, `--set` and `--trials` included, beside its report.
STUDY_FILE = "study.toml"


def run_command(findings: "Findings", *options: str, storage: str | None = None) -> str:
    """The command that continues the study, or shows it once it is finished; in another store it runs it anew."""
    return _command("run", f"studies/{findings.spec.study.name}/{STUDY_FILE}", storage or findings.storage, options)


def command(name: str, findings: "Findings", *options: str) -> str:
    """Another command on the study."""
    return _command(name, findings.spec.study.name, findings.storage, options)


def _command(name: str, study: str, storage: str, options: tuple[str, ...]) -> str:
    where = () if storage == DEFAULT_STORAGE else ("--storage", storage)
    return shlex.join(["python", "-m", f"tuner.{name}", "--study", study, *options, *where])
