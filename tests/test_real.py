"""The whole way, small, on real series: look, search, export. The series lie beside the project, not in it."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.processes import run

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
SERIES = {
    "univariate": "NAB/realAWSCloudwatch__rds_cpu_utilization_cc0c53.csv",
    "files": "SKAB/valve1__*.csv",
    "multivariate": "ASD/omi-1.csv",
    "gaps": "finance_unlabelled/EURUSD_oanda_1min_2014-05.csv",
}
SMALL = (
    "train.max_epochs=1",
    "cv.folds=2",
    "search.finalists=1",
    "search.repeats=1",
    "space.hidden_size=8",
    "space.num_layers=1",
    "space.batch_size=512",
)

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real series are not here: {DATA}")


def tuner(command: str, *arguments: str, folder: Path) -> str:
    """Standard output of a command; it must succeed."""
    done = run(folder, command, *arguments)
    assert done.status == 0, done.err
    return done.out


@pytest.mark.parametrize("series", SERIES)
def test_real_series_from_look_to_export(series: str, tmp_path: Path) -> None:
    tuner("init", str(DATA / SERIES[series]), "--out", "studies/real.toml", folder=tmp_path)
    overrides = [part for setting in SMALL for part in ("--set", setting)]
    lines = tuner("run", "--study", "real", "--trials", "3", "--json", *overrides, folder=tmp_path).splitlines()
    result = json.loads(lines[-1])
    assert (result["trials"], result["failed"]) == (3, 0)
    exported = tomllib.loads(tuner("export", "--study", "real", folder=tmp_path))
    assert exported["parameters"] == result["best"]["params"]
    assert exported["score"]["value"] == result["best"]["value"]
