"""Commands for the user to paste: quoted for a shell, they find the same study, in the same store."""

import shlex

DEFAULT_STORAGE = "sqlite:///studies/studies.db"
# What a study was asked for, `--set` and `--trials` included, beside its report.
STUDY_FILE = "study.toml"


def command(name: str, study: str, storage: str, *options: str) -> str:
    """A command on a study: `run` continues it, shows it if it is finished, or in another store runs it anew."""
    of = f"studies/{study}/{STUDY_FILE}" if name == "run" else study
    where = () if storage == DEFAULT_STORAGE else ("--storage", storage)
    return shlex.join(["python", "-m", f"tuner.{name}", "--study", of, *options, *where])
