"""Reading study files: TOML and `--set` overrides in, a Spec or one clear refusal out."""

import tomllib
from collections.abc import Mapping, Sequence
from os.path import expanduser
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tuner.errors import UserError, nearest
from tuner.spec.metric import METRICS
from tuner.spec.sections import Section, Spec
from tuner.spec.space import PARAMETERS, parse_space

SECTIONS = tuple(Spec.model_fields)
# Bytes of a study file; more is another file that was named by mistake.
MOST_BYTES = 1_000_000
# The built-in studies stand in the package where it is installed, and beside it in a checkout.
BUILT_IN = tuple(above / "studies" for above in Path(__file__).parents[1:3])


def study_path(study: str) -> Path:
    """The study file that `--study` means: a path if it has a separator or ends in .toml, else studies/STUDY.toml.

    Where that file is not there, a built-in study of this name.
    """
    if "/" in study or "\\" in study or study.endswith(".toml"):
        return Path(study)
    own = Path("studies") / f"{study}.toml"
    built_in = {path.stem: path for folder in BUILT_IN for path in folder.glob("*.toml")}
    return built_in[study] if study in built_in and not own.exists() else own


def read_spec(path: Path, overrides: Sequence[str] = ()) -> Spec:
    """The Spec of the study file at `path`, with `section.key=value` overrides applied.

    Raises:
        UserError: the file cannot be read or is not TOML, or a key is unknown or impossible.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        text = raw.decode("utf-8-sig") if len(raw) <= MOST_BYTES else ""
    except FileNotFoundError:
        known = sorted(found.stem for found in path.parent.glob("*.toml"))
        hint = nearest(path.stem, known) if known else "write one with `python -m tuner.init DATA.csv`"
        raise UserError("there is no such study file", where=str(path), hint=hint) from None
    except (OSError, ValueError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, ValueError) else error.strerror
        raise UserError(
            f"the study file cannot be read: {reason}", where=str(path), hint="name a file of TOML in UTF-8"
        ) from None
    if len(raw) > MOST_BYTES:
        raise UserError(
            "this is too long for a study file", where=str(path), hint="name the data in it as `[data] path`"
        )
    try:
        sections = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also numbers too long to read
        hint = 'write [section] on a line, and below it lines such as key = 5 or key = "word"'
        raise UserError(f"this is not TOML: {error}", where=str(path), hint=hint) from None
    for override in overrides:
        sections = _override(sections, override)
    if isinstance(study := sections.setdefault("study", {}), dict):
        study.setdefault("name", path.stem)
    try:
        return resolved(read_spec_dict(sections), path.parent)
    except UserError as error:
        raise UserError(error.what, where=f"{path} {error.where}", hint=error.hint) from None


def resolved(spec: Spec, folder: Path) -> Spec:
    """The same Spec with absolute paths of data and network: relative ones start from the study file's folder."""

    def absolute(path: str) -> str:
        return str((folder / expanduser(path)).absolute())  # noqa: PTH111 (Path raises for an unknown user)

    data, model = spec.data, spec.model
    if data.path is not None:
        data = data.model_copy(update={"path": absolute(data.path)})
    if model.own is not None and model.own.rpartition(":")[0].endswith(".py"):
        model = model.model_copy(update={"own": absolute(model.own)})
    return spec.model_copy(update={"data": data, "model": model})


def read_spec_dict(sections: Mapping[str, Any]) -> Spec:
    """The Spec that nested plain values (a parsed study file, or `Spec.to_dict()`) describe.

    Raises:
        UserError: a section or key is unknown, or a value is impossible.
    """
    for name, section in sections.items():
        if name not in SECTIONS:
            homes = _homes()
            hint = f"`{name}` belongs in [{homes[name]}]" if name in homes else nearest(name, SECTIONS)
            raise UserError(f"unknown section `{name}`", where=f"[{name}]", hint=hint)
        if not isinstance(section, Mapping):
            raise UserError(f"`{name}` must be a section", where=f"[{name}]", hint=f"write it as [{name}]")
    space = parse_space(sections.get("space", {}), _homes())
    try:
        spec = Spec.model_validate({"data": {}} | dict(sections) | {"space": space})
    except ValidationError as error:
        raise _refusal(error.errors()[0]) from None
    _check_together(spec)
    return spec


def _check_together(spec: Spec) -> None:
    data, task, name = spec.data, spec.task, spec.study.name
    if name.endswith(".toml") or name.startswith("studies.db"):
        raise UserError(
            f"`studies/{name}` is the place of another file, not of this study's folder",
            where="[study] name",
            hint="choose a name without .toml or studies.db",
        )
    if (data.path is None) == (data.source is None):
        fault = "neither `path` nor `source`" if data.path is None else "both `path` and `source`"
        raise UserError(f"the study has {fault}", where="[data]", hint="give exactly one of them")
    if spec.study.metric not in METRICS and not spec.on_samples:
        *first, last = map(repr, METRICS)
        allowed = f"{', '.join(first)} or {last}"
        what = f"{_brief(spec.study.metric)} is not possible: it should be {allowed}"
        raise UserError(what, where="[study] metric")
    if spec.model.own is None and spec.model.args:
        raise UserError("`args` belongs to a network of one's own", where="[model] args", hint="name it as `class`")
    if spec.model.own is not None and spec.model.cell != "lstm":
        raise UserError("`cell` belongs to our network", where="[model] cell", hint="remove `cell` or `class`")
    if spec.study.min_precision is not None and spec.study.flag_share is not None:
        fault = "`min_precision` and `flag_share` are two rules for one threshold"
        raise UserError(fault, where="[study]", hint="remove one of them")
    if task.kind == "classify" and (task.horizon or task.difference):
        key = "horizon" if task.horizon else "difference"
        raise UserError(f"`{key}` belongs to a forecast", where=f"[task] {key}", hint=f"remove `{key}`")
    if task.kind == "classify" and data.target is not None:
        raise UserError(
            "`target` belongs to a forecast",
            where="[data] target",
            hint="name the anomaly column as `label` instead",
        )
    if task.kind == "forecast" and task.horizon == 0:
        raise UserError("a forecast must look ahead", where="[task] horizon", hint="set `horizon` to 1 or more")


def _override(sections: Mapping[str, Any], override: str) -> dict[str, Any]:
    key, equals, text = override.partition("=")
    section, dot, name = key.strip().partition(".")
    if not (equals and dot and section and name):
        raise UserError(
            f"`{override}` is not section.key=value", where="--set", hint="write for example train.patience=5"
        )
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        read = {}
    # a bare word is taken as text, so that shells need no nested quotes
    value = read["value"] if len(read) == 1 else text.strip()
    table = sections.get(section, {})
    return {**sections, section: {**table, name: value} if isinstance(table, Mapping) else table}


def _refusal(detail: ErrorDetails) -> UserError:
    """One validation error as a sentence: which key, why not, and the nearest right one."""
    section, *keys = (str(part) for part in detail["loc"])
    where = " ".join([f"[{section}]", *keys[:1]])
    match detail["type"]:
        case "extra_forbidden":
            home = _homes().get(keys[0])
            hint = f"`{keys[0]}` belongs in [{home}]" if home else nearest(keys[0], _keys(section))
            return UserError(f"unknown key `{keys[0]}`", where=where, hint=hint)
        case "missing":
            return UserError(f"`{keys[0] if keys else section}` is missing", where=where, hint="add it")
        case "too_short":
            return UserError("it is empty", where=where, hint="name a column, or leave the key out")
        case "string_pattern_mismatch":
            return UserError(
                f"{_brief(detail['input'])} cannot be a study's name",
                where=where,
                hint="use 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit",
            )
    message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return UserError(f"{_brief(detail['input'])} is not possible: it {message}", where=where)


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _keys(section: str) -> list[str]:
    if section == "space":
        return list(PARAMETERS)
    model = Spec.model_fields[section].annotation
    fields = model.model_fields if isinstance(model, type) and issubclass(model, Section) else {}
    return [field.alias or name for name, field in fields.items()]


def _homes() -> dict[str, str]:
    """The section that each key belongs in."""
    return {key: section for section in SECTIONS for key in _keys(section)}
