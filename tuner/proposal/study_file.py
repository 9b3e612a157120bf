"""The text of a study file: every key with the finding that chose its value, in the words of the template."""

import json
import re
import textwrap

from jinja2 import Environment, PackageLoader, StrictUndefined

from tuner.errors import counted
from tuner.proposal import propose
from tuner.proposal.profile import Profile
from tuner.proposal.propose import Proposal, signal_of, wanted_window
from tuner.spec.sections import StudySection

WIDTH = 100  # characters of a comment


def study_file(name: str, path: str, found: Profile, chosen: Proposal, missing: str = "", refused: str = "") -> str:
    """The text of a study file.

    Args:
        name: of the study.
        path: of the data, as the study file is to say it.
        found: the findings in the data.
        chosen: the choices of the study.
        missing: the message about missing values, empty if none are missing.
        refused: the message about a better proposal, empty if none was refused.
    """
    environment = Environment(
        loader=PackageLoader("tuner.proposal", ""),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (TOML, not HTML)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    environment.filters |= {"comment": _comment, "counted": counted, "toml": _toml}
    return environment.get_template("study.toml.j2").render(
        name=name,
        path=path,
        trials=StudySection.model_fields["trials"].default,
        found=found,
        chosen=chosen,
        signal=signal_of(found, chosen.kind),
        wanted=wanted_window(found, chosen.kind),
        missing=missing,
        refused=refused,
        limits=propose,
    )


def _comment(text: str) -> str:
    """The text as lines of a comment; none for an empty one."""
    # names of files may hold what TOML does not allow
    text = re.sub(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]", "?", " ".join(text.split()))
    lines = textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
    return "".join(f"{line}\n" for line in lines)


def _toml(value: object) -> str:
    """Text, a number, a truth value or a list of texts, which JSON and TOML write alike; a long list over lines."""
    text = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, tuple) or len(text) < WIDTH - 12:
        return text
    return "[\n" + "".join(f"    {_toml(item)},\n" for item in value) + "]"
