"""Does tuning help? Run: python scripts/bench_trust.py run FOLDER [NAME…], then … table FOLDER

`run` searches 13 series of ../shared/data, of all families, as a user would: `tuner.init` writes the study file into
FOLDER/studies, `tuner.run` searches and scores the holdout. It takes an hour on two cores; it goes on where it was
interrupted, and leaves out what is finished.

`table` prints for each series the loss and the average precision on the holdout of the best trial, the most regularised
within one standard error, the default configuration and the regularisers at their least (means of three refits each),
and of rivals that are no network; then
- how often the best beats the defaults and the least, on the holdout, and how often its 95 % interval says so,
- how often cross-validated score and holdout score of the best lie within their combined standard error,
- the same comparison of the two rules, best and 1se.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, isfinite
from pathlib import Path

import numpy as np

from tuner.evaluation.holdout import Holdout, Score
from tuner.results.findings import Findings
from tuner.results.optimism import find_optimism
from tuner.results.selection import fold_values
from tuner.results.verdict import conclude
from tuner.search.study import findings
from tuner.storage.store import Store
from tuner.training.outcome import standard_error

DATA = Path(__file__).parents[2] / "shared" / "data"
SMALL = (
    "study.trials=16",
    "cv.folds=4",
    "search.finalists=3",
    "task.window=32",
    "space.hidden_size={low = 8, high = 32, log = true, default = 16}",
    "space.num_layers={low = 1, high = 2, default = 1}",
    "space.batch_size=128",
)
LARGE = (
    "study.trials=12",
    "cv.folds=3",
    "search.finalists=3",
    "task.window=24",
    "space.hidden_size={low = 8, high = 32, log = true, default = 16}",
    "space.num_layers=1",
    "space.batch_size=256",
)
NETWORKS = ("best", "1se", "default", "unregularised")
NAIVE = ("persistence", "seasonal naive", "logistic regression")


@dataclass(frozen=True)
class Series:
    """A series of the benchmark: its study's name, its file, and how the proposed study file is changed."""

    name: str
    file: str
    settings: Sequence[str]

    @property
    def family(self) -> str:
        return self.file.split("/")[0]


SERIES = (
    Series("occupancy", "NAB/realTraffic__occupancy_6005.csv", SMALL),
    Series("speed", "NAB/realTraffic__speed_6005.csv", SMALL),
    Series("rds_cpu", "NAB/realAWSCloudwatch__rds_cpu_utilization_cc0c53.csv", SMALL),
    Series("ec2_cpu", "NAB/realAWSCloudwatch__ec2_cpu_utilization_24ae8d.csv", SMALL),
    Series("valve1", "SKAB/valve1__*.csv", SMALL),
    Series("msl_m7", "NASA_MSL/M-7.csv", SMALL),
    Series("msl_c1", "NASA_MSL/C-1.csv", SMALL),
    Series("smap_p1", "NASA_SMAP/P-1.csv", LARGE),
    Series("asd_omi4", "ASD/omi-4.csv", LARGE),
    Series("kpi_cpu4", "donut_KPI/cpu4.csv", LARGE),
    Series("ecg", "TSB_UAD/MBA_ECG805_first20k.csv", LARGE),
    Series("eurusd", "finance_unlabelled/EURUSD_oanda_1min_2014-05.csv", LARGE),
    Series("taxi", "NAB/realKnownCause__nyc_taxi.csv", LARGE),
)


# --- running


def run(folder: Path, names: Sequence[str]) -> None:
    """Makes and runs the studies, or those named, one after the other."""
    (folder / "studies").mkdir(parents=True, exist_ok=True)
    finished = {findings.spec.study.name for findings in read(folder)}
    for series in SERIES:
        if series.name in finished or (names and series.name not in names):
            continue
        study = Path("studies") / f"{series.name}.toml"
        if not (folder / study).exists():
            tuner(folder, "init", str(DATA / series.file), "--out", str(study))
        settings = [argument for setting in series.settings for argument in ("--set", setting)]
        tuner(folder, "run", "--study", str(study), "--workers", "2", *settings)


def tuner(folder: Path, command: str, *arguments: str) -> None:
    """Runs a command of the tuner in the folder; what fails is said by the command, and the others go on."""
    done = subprocess.run([sys.executable, "-m", f"tuner.{command}", *arguments], cwd=folder, check=False)
    print(f"== {command} {' '.join(arguments[:2])}: {done.returncode}", flush=True)
    if done.returncode == 130:
        sys.exit(130)


def read(folder: Path) -> list[Findings]:
    """The studies of the folder that were scored on the holdout, in the order of `SERIES`."""
    path = (folder / "studies" / "studies.db").absolute()
    if not path.exists():
        return []
    with Store(f"sqlite:///{path}", create=False) as store:
        known = store.names()
        found = [findings(store.open(series.name)) for series in SERIES if series.name in known]
    return [one for one in found if one.holdout is not None and len(one.trials) == one.spec.study.trials]


# --- the table


def table(folder: Path) -> None:
    """Prints what was found."""
    found = read(folder)
    families = {series.name: series.family for series in SERIES}
    precisions = (*NETWORKS, "PCA")
    heads = ["series", "family", "windows", *(f"loss, {name}" for name in (*NETWORKS, "naive"))]
    heads += [*(f"AP, {name}" for name in precisions), "did tuning help"]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for one in found:
        name = one.spec.study.name
        cells = [name, families[name], str(report(one).windows)]
        naive = next((score for rival in NAIVE if (score := report(one).score(rival))), None)
        cells += [
            shown(None if score is None else score.loss) for score in (*(pick(one, rival) for rival in NETWORKS), naive)
        ]
        cells += [
            shown(None if score is None else score.average_precision)
            for score in (pick(one, rival) for rival in precisions)
        ]
        print(f"| {' | '.join(cells)} | {re.split('[:.]', conclude(one)[0])[0]} |")
    print()
    for other in ("default", "unregularised", *NAIVE, "PCA"):
        compare(found, "best", other)
    print("\nthe two rules, where they differ:")
    compare([one for one in found if report(one).score("1se")], "best", "1se")
    for rule in ("best", "1se"):
        pairs = [(pick(one, rule), pick(one, "default")) for one in found]
        ratios = [mine.loss / theirs.loss for mine, theirs in pairs if mine and theirs and mine.loss and theirs.loss]
        print(f"loss of {rule} over that of default: {np.median(ratios):.3f} in the median, {max(ratios):.3f} at worst")
    print()
    agree(found)


def compare(found: Sequence[Findings], one: str, other: str) -> None:
    """How often a model is better than another, and how often its interval, in the study's metric, is clear of zero."""
    pairs = [(first, second) for each in found if (first := pick(each, one)) and (second := pick(each, other))]
    losses = [(first.loss, second.loss) for first, second in pairs]
    lower = [first < second for first, second in losses if first is not None and second is not None]
    if lower:
        print(f"loss of {one} below {other}: {sum(lower)} of {len(lower)}")
    precisions = [(first.average_precision, second.average_precision) for first, second in pairs]
    higher = [first > second for first, second in precisions if first is not None and second is not None]
    if higher:
        print(f"average precision of {one} above {other}: {sum(higher)} of {len(higher)}")
    clear = [(each, score.difference_interval) for each in found if (score := pick(each, other))]
    signs = [np.sign(range_) * (-1 if each.spec.metric.maximise else 1) for each, range_ in clear if range_ is not None]
    better, worse = (sum((sign == side).all() for sign in signs) for side in (1, -1))
    if signs:
        print(f"  by an interval clear of zero: {one} better in {better}, worse in {worse} of {len(signs)}")


def agree(found: Sequence[Findings]) -> None:
    """How often the cross-validated and the holdout score of the best agree within their combined standard error."""
    inside: list[bool] = []
    comparable: list[bool] = []
    for one in found:
        best, scored, optimism = one.summary.best, report(one).scores[0], find_optimism(one)
        assert best is not None and optimism is not None  # noqa: S101 (there is a report)
        folds = fold_values(best.trial)
        se = standard_error(folds.tolist(), one.facts.test_to_train)
        if scored.value is not None and scored.se is not None and isfinite(se):
            inside.append(abs(best.mean - scored.value) <= hypot(se, scored.se))
            comparable.append(optimism.value is not None)
    among = [agrees for agrees, fair in zip(inside, comparable, strict=True) if fair]
    print(f"the holdout lies within the combined standard error in {sum(inside)} of {len(inside)} studies,")
    print(f"in {sum(among)} of {len(among)} of those whose folds and holdout are comparable")


def report(one: Findings) -> Holdout:
    assert one.holdout is not None  # noqa: S101 (only such are read)
    return one.holdout


def pick(one: Findings, name: str) -> Score | None:
    """A model's score; that of the best for `1se` where both rules choose one trial."""
    return report(one).score(name) or (report(one).scores[0] if name == "1se" else None)


def shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", folder, *names]:
            run(Path(folder), names)
        case ["table", folder]:
            table(Path(folder))
        case _:
            sys.exit(__doc__)
