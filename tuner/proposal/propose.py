"""Proposes studies of a data set, best first, each from a finding, and writes the study file that says why."""

import json
import math
import re
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from jinja2 import Environment, PackageLoader, StrictUndefined

from tuner.data.problems import make_problem, warn_of_held_events
from tuner.data.seasonality import Rhythm
from tuner.data.series import warn_of_idle_targets
from tuner.errors import UserError, counted
from tuner.loading.dataset import make_dataset
from tuner.proposal.pace import TRIALS, Pace, Timed, find_length, find_pace
from tuner.proposal.profile import ENOUGH_FILES, HOLDOUT, Profile, make_profile
from tuner.reading.table import DataTable
from tuner.spec.file import read_spec_dict
from tuner.spec.sections import DataSection, Kind, Scheme, Spec

ENOUGH_EVENTS = 8  # before the holdout, to learn them, with some in every fold
LONG_LEAD = 0.4  # of a series, to train and validate on
CLEAR_DRIFT = 1.0  # standard deviations
WINDOWS = (16, 24, 32, 48, 64, 96, 128)
SHORTEST_WINDOW = 8  # where there is no room for more
TINY = 1000  # rows
MANY = 8000  # rows; there small batches only cost time
WIDTH = 100  # characters of a comment


@dataclass(frozen=True)
class Proposal:
    """The choices of a study file that hang together."""

    kind: Kind
    metric: str
    scheme: Scheme
    folds: int
    holdout: float
    window: int

    def __str__(self) -> str:
        """The plan in one line."""
        goals = {
            "forecast": "forecast the next row and score anomalies by forecast error",
            "classify": "learn which rows are anomalous",
        }
        cuts = {"blocked": "blocked folds", "walk_forward": "walk-forward folds", "series": "folds of whole files"}
        return f"Plan: {goals[self.kind]}. {self.window}-row windows, {self.folds} {cuts[self.scheme]}."


def propose_study(
    tables: Sequence[DataTable], name: str, told: DataSection, timed: Timed | None = None
) -> tuple[Profile, Proposal, Pace, str]:
    """The data set's profile, the best study of it that can be run, at which pace, and its study file.

    Args:
        tables: the data.
        name: of the study.
        told: what is known of the data, with their path as the study file is to say it.
        timed: the seconds that a study takes, by its trials and its stride; asked where there are many rows.

    Raises:
        UserError: the data cannot be used, or do not suffice for any study.
    """
    spec, missing = read_spec_dict({"study": {"name": name}, "data": told.model_dump(exclude_unset=True)}), ""
    try:
        found = _profiled(tables, spec)
    except UserError as error:
        missing = f"{error.where}: {error.what}"
        spec = spec.model_copy(update={"data": spec.data.model_copy(update={"missing": "interpolate"})})
        found = _profiled(tables, spec)
    if told.every is None and (every := find_length(found)):
        told = told.model_copy(update={"every": every})
        spec = spec.model_copy(update={"data": spec.data.model_copy(update={"every": every})})
        found = _profiled(tables, spec)
    refusal: UserError | None = None
    for chosen in proposals(found):
        refused = refusal.what if refusal else ""
        spec = read_spec_dict(tomllib.loads(render_study_file(name, told, found, chosen, missing, refused)))
        try:
            data = make_dataset(tables, spec)
            problem = make_problem(spec, data)
            for fold in (*problem.split.folds, problem.split.last):
                problem.learnt(fold)
        except UserError as error:
            refusal = refusal or error
        else:
            pace = Pace()
            if timed is not None and found.rows >= MANY:
                pace = find_pace(timed(spec, problem), longest=min(chosen.window, found.event))
            idle = warn_of_idle_targets(data, difference=spec.task.difference)
            found = replace(found, warnings=(*found.warnings, *idle, *warn_of_held_events(problem)))
            return found, chosen, pace, render_study_file(name, told, found, chosen, missing, refused, pace)
    what = f"these data cannot be divided into folds: {refusal.what if refusal else 'nothing to try'}"
    raise UserError(what, where=str(told.path), hint="more rows are needed")


def _profiled(tables: Sequence[DataTable], spec: Spec) -> Profile:
    return make_profile(make_dataset(tables, spec), named=spec.data.target is not None)


def proposals(found: Profile) -> Iterator[Proposal]:
    """Everything worth trying, best first: rows or events may not suffice for the first choice."""
    learnable = found.seen >= ENOUGH_EVENTS or _has_labelled_files(found)
    detection: list[tuple[Kind, str]] = [("classify", "average_precision"), ("classify", "loss")]
    forecast: tuple[Kind, str] = ("forecast", "loss")
    schemes: list[Scheme] = ["walk_forward" if found.drift > CLEAR_DRIFT else "blocked", "blocked"]
    if found.files >= ENOUGH_FILES:
        schemes.insert(0, "series")
    holdouts = [HOLDOUT]
    if LONG_LEAD <= found.lead < 1 - HOLDOUT:
        # a long event can fill whole blocks: leave all events to the holdout, and learn from what lies before
        holdouts.append(math.ceil(100 * (1 - found.lead)) / 100)
    tasks = [*(detection if learnable and not found.named else []), forecast]
    for (kind, metric), scheme, folds, holdout in product(tasks, dict.fromkeys(schemes), (5, 4, 3, 2), holdouts):
        if holdout != HOLDOUT and (kind == "classify" or scheme == "series"):
            continue
        # rows that a fold validates on
        room = found.typical if scheme == "series" else found.typical * (1 - holdout) / folds
        most = max((rows for rows in WINDOWS if rows <= room / 2), default=SHORTEST_WINDOW)
        yield Proposal(kind, metric, scheme, folds, holdout, min(wanted_window(found, kind), most))


def _has_labelled_files(found: Profile) -> bool:
    """Are there events in as many files as are left of enough ones?"""
    return found.files >= ENOUGH_FILES and found.labelled_files >= ENOUGH_FILES - 1


def signal_of(found: Profile, kind: Kind) -> Rhythm:
    """The rhythm that a window is to hold: of the changes where they are what is forecast."""
    return found.change if kind == "forecast" and found.persistent else found.level


def wanted_window(found: Profile, kind: Kind) -> int:
    """Rows of a window if there is room: whole periods, or without a rhythm that fits, three times the memory."""
    signal = signal_of(found, kind)
    if signal.period is not None and signal.period <= WINDOWS[-1]:
        return -(-WINDOWS[0] // signal.period) * signal.period
    # there the autocorrelation of a first-order process is down to 5 %
    return next((rows for rows in WINDOWS if rows >= 3 * signal.memory), WINDOWS[-1])


def render_study_file(
    name: str,
    told: DataSection,
    found: Profile,
    chosen: Proposal,
    missing: str = "",
    refused: str = "",
    pace: Pace = Pace(),  # noqa: B008 (a frozen value)
) -> str:
    """The text of a study file.

    Args:
        name: of the study.
        told: what is known of the data, with their path as the study file is to say it.
        found: the findings in the data.
        chosen: the choices of the study.
        missing: the message about missing values, empty if none are missing.
        refused: the message about a better proposal, empty if none was refused.
        pace: what keeps the study to about an hour.
    """
    environment = Environment(
        loader=PackageLoader("tuner.proposal", ""),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (TOML, not HTML)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"comment": _comment, "counted": counted, "toml": _toml}
    return environment.get_template("study.toml.j2").render(
        name=name,
        told=told,
        reading={**told.reading.model_dump(exclude_none=True), **found.reading},
        pace=pace,
        usual_trials=TRIALS,
        found=found,
        chosen=chosen,
        signal=signal_of(found, chosen.kind),
        wanted=wanted_window(found, chosen.kind),
        missing=missing,
        refused=refused,
        enough=(ENOUGH_EVENTS, ENOUGH_FILES),
        learnable=found.seen >= ENOUGH_EVENTS or _has_labelled_files(found),
        windows=(WINDOWS[0], WINDOWS[-1]),
        drifts=found.drift > CLEAR_DRIFT,
        usual_holdout=HOLDOUT,
        large=found.rows >= MANY,
        small=found.rows < TINY,
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
