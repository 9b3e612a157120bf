"""The text of a study file: every key with the finding that chose its value."""

import json
import re
import textwrap

from tuner.errors import counted
from tuner.proposal.profile import Profile
from tuner.proposal.propose import (
    CLEAR_DRIFT,
    ENOUGH_EVENTS,
    ENOUGH_FILES,
    HOLDOUT,
    MANY,
    TINY,
    WINDOWS,
    Proposal,
    signal_of,
    wanted_window,
)
from tuner.spec.sections import StudySection

WIDTH = 100  # characters

Line = tuple[str, object, str]  # key, value, comment


def study_file(name: str, path: str, found: Profile, chosen: Proposal, missing: str = "", refused: str = "") -> str:
    """The text of a study file.

    Args:
        name: of the study.
        path: of the data, as the study file is to say it.
        found: what the data look like.
        chosen: what the study is to do.
        missing: what was said of missing values, empty if none are missing.
        refused: what was said of a better proposal, empty if none was refused.
    """
    sections = {
        "study": _study(name, found, chosen),
        "data": _data(path, found, chosen, missing),
        "task": _task(found, chosen),
        "cv": _cv(found, chosen, refused),
        "space": _space(found),
    }
    head = (
        f"Written by `python -m tuner.init`. {summary(found)} Keys left out have a default; those here can be changed."
    )
    blocks = [f"[{section}]\n" + "\n".join(map(_written, lines)) for section, lines in sections.items() if lines]
    return "\n\n".join([_comment(head), *blocks]) + "\n"


def summary(found: Profile) -> str:
    """The data set in one sentence."""
    sizes = [
        counted(found.files, "file"),
        f"{found.series:,} series",
        counted(found.rows, "row"),
        f"{counted(len(found.features), 'column')} of numbers",
    ]
    if found.label is None:
        return f"Found {', '.join(sizes)}, no labels."
    share = found.anomalous / found.rows
    return f"Found {', '.join(sizes)}, {counted(found.events, 'event')} ({share:.1%} of the rows are anomalous)."


def _study(name: str, found: Profile, chosen: Proposal) -> list[Line]:
    if chosen.metric == "average_precision":
        why = "how far anomalous rows rank before normal ones; every fold has both"
    elif found.label is not None and chosen.kind == "forecast":
        why = "the forecast error: the events are too few to score detection in every fold"
    elif chosen.kind == "forecast":
        why = "the mean squared error of the forecast, in variances of the target"
    else:
        why = "not average_precision, which needs anomalous and normal rows in every fold"
    return [
        ("name", name, ""),
        ("trials", StudySection.model_fields["trials"].default, "a total that can be raised later"),
        ("metric", chosen.metric, why),
    ]


def _data(path: str, found: Profile, chosen: Proposal, missing: str) -> list[Line]:
    lines: list[Line] = [("path", path, " ".join(found.notes))]
    if found.time is not None:
        lines.append(("time", found.time, ""))
    if found.label is not None:
        lines.append(("label", found.label, "1 where a row is anomalous"))
    lines.append(("features", found.features, "what the network sees"))
    if chosen.kind == "forecast":
        why = "the first feature; name the columns that you want forecast"
        if found.label is not None:
            rest = " (on/off signals are left out)" if len(found.targets) < len(found.features) else ""
            why = f"an anomaly shows as a forecast error in any of these{rest}"
        lines.append(("target", found.targets, why))
    if missing:
        lines.append(("missing", "interpolate", f"{missing}; with `refuse` such data are not read"))
    return lines


def _task(found: Profile, chosen: Proposal) -> list[Line]:
    events = f"{counted(found.events, 'event')} in {counted(found.labelled_files, 'file')}"
    if chosen.kind == "classify":
        why = f"{events}: enough to learn which rows are anomalous"
    elif found.label is None:
        why = "there are no labels to learn"
    elif found.events < ENOUGH_EVENTS and found.labelled_files < ENOUGH_FILES:
        why = (
            f"{events}: too few to learn them (that takes {ENOUGH_EVENTS}, or {ENOUGH_FILES} labelled files), so the "
            "network learns the normal course, and a row is as anomalous as its forecast is wrong"
        )
    else:
        why = f"{events}: they lie so that no division into folds lets them be learnt"
    lines: list[Line] = [("kind", chosen.kind, why), ("window", chosen.window, _why_window(found, chosen))]
    if chosen.kind == "forecast":
        lines.append(("horizon", 1, "rows ahead"))
        if found.persistent:
            why = (
                f"forecasting no change errs only {found.no_change:.1%} as much as forecasting the mean: so the "
                "network forecasts the change since the window's last row, and doing nothing is persistence"
            )
            lines.append(("difference", True, why))
    return lines


def _why_window(found: Profile, chosen: Proposal) -> str:
    signal = signal_of(found, chosen.kind)
    what = "signal" if signal is found.level else "change from row to row"
    parts = []
    if signal.period is not None:
        parts.append(f"the {what} repeats every {signal.period} rows (autocorrelation {signal.strength:.2f})")
    if signal.period is None or signal.period > WINDOWS[-1]:
        rows = counted(signal.memory, "row")
        limits = f"at least {WINDOWS[0]}, at most {WINDOWS[-1]}"
        parts.append(f"the autocorrelation of the {what} falls below 1/e after {rows}: three times that, {limits}")
    elif signal.period < WINDOWS[0]:
        parts.append(f"whole periods, at least {WINDOWS[0]} rows")
    if chosen.window < wanted_window(found, chosen.kind):
        parts.append(f"shortened, as half of the rows lie in series of at most {found.typical:,}")
    return "; ".join(parts)


def _cv(found: Profile, chosen: Proposal, refused: str) -> list[Line]:
    level = f"the level moves by {found.drift:.1f} standard deviations from the first third of a series to the last"
    why = {
        "series": f"{counted(found.files, 'file')}: each fold validates on whole series",
        "walk_forward": f"{level}: each fold trains on what came before",
        "blocked": f"{level}: past and future are alike, so each block validates once",
    }[chosen.scheme]
    if chosen.scheme == "blocked" and found.drift > CLEAR_DRIFT:
        why = f"{level}, but validating on later rows only was refused"
    lines: list[Line] = [
        ("scheme", chosen.scheme, why),
        ("folds", chosen.folds, f"not the first choice: {refused}" if refused else ""),
    ]
    if chosen.holdout != HOLDOUT:
        lines.append(("holdout", chosen.holdout, f"it takes all events: the first {found.lead:.0%} hold none"))
    return lines


def _space(found: Profile) -> list[Line]:
    lines: list[Line] = []
    if len(found.features) == 1:
        lines.append(("input_dropout", 0.0, "fixed: with one column it would blank whole windows"))
    if found.rows >= MANY:
        lines.append(
            ("batch_size", 256, f"{counted(found.rows, 'row')} are many: larger batches than usual, for speed")
        )
    if found.rows < TINY:
        sizes = {"low": 4, "high": 16, "log": True, "default": 8}
        lines.append(("hidden_size", sizes, f"{counted(found.rows, 'row')} are few: a smaller network than usual"))
    return lines


def _written(line: Line) -> str:
    key, value, comment = line
    return f"{_comment(comment)}\n{key} = {_toml(value)}" if comment else f"{key} = {_toml(value)}"


def _comment(text: str) -> str:
    # names of files may hold what TOML does not allow
    text = re.sub(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]", "?", text)
    return textwrap.fill(text, width=WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _toml(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
        case tuple():
            # spaces in a name must not end a line
            items = ", ".join(_toml(item).replace(" ", "\0") for item in value)
            lines = textwrap.wrap(items, WIDTH - 4, break_long_words=False, break_on_hyphens=False)
            text = "\n    ".join(lines).replace("\0", " ")
            return f"[{text}]" if len(lines) == 1 else f"[\n    {text},\n]"
        case _:
            return json.dumps(value, ensure_ascii=False)  # text, numbers, truth and lists read alike in TOML
