"""Proposes studies of a data set, best first, each from a finding."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from tuner.data.seasonality import Rhythm
from tuner.proposal.profile import Profile
from tuner.spec.sections import CvSection, Kind, MetricName, Scheme

ENOUGH_EVENTS = 10  # to learn them, with some in every fold
ENOUGH_FILES = 5  # labelled ones to learn their events; any to divide them whole
LONG_LEAD = 0.4  # of a series, to train and validate on
CLEAR_DRIFT = 1.0  # standard deviations
WINDOWS = (16, 24, 32, 48, 64, 96, 128)
SHORTEST_WINDOW = 8  # where there is no room for more
TINY = 1000  # rows
MANY = 8000  # rows; there small batches only cost time
HOLDOUT = float(CvSection.model_fields["holdout"].default)


@dataclass(frozen=True)
class Proposal:
    """The choices of a study file that hang together."""

    kind: Kind
    metric: MetricName
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


def proposals(found: Profile) -> Iterator[Proposal]:
    """Everything worth trying, best first: rows or events may not suffice for the first choice."""
    learnable = found.events >= ENOUGH_EVENTS or found.labelled_files >= ENOUGH_FILES
    detection: list[tuple[Kind, MetricName]] = [("classify", "average_precision"), ("classify", "loss")]
    forecast: tuple[Kind, MetricName] = ("forecast", "loss")
    schemes: list[Scheme] = ["walk_forward" if found.drift > CLEAR_DRIFT else "blocked", "blocked"]
    if found.files >= ENOUGH_FILES:
        schemes.insert(0, "series")
    holdouts = [HOLDOUT]
    if LONG_LEAD <= found.lead < 1 - HOLDOUT:
        # a long event can fill whole blocks: leave all events to the holdout, and learn from what lies before
        holdouts.append(math.ceil(100 * (1 - found.lead)) / 100)
    tasks = [*(detection if learnable else []), forecast]
    for (kind, metric), scheme, folds, holdout in product(tasks, dict.fromkeys(schemes), (5, 4, 3, 2), holdouts):
        if holdout != HOLDOUT and (kind == "classify" or scheme == "series"):
            continue
        # rows that a fold validates on
        room = found.typical if scheme == "series" else found.typical * (1 - holdout) / folds
        most = max((rows for rows in WINDOWS if rows <= room / 2), default=SHORTEST_WINDOW)
        yield Proposal(kind, metric, scheme, folds, holdout, min(wanted_window(found, kind), most))


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
