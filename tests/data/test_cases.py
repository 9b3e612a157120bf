"""Files as people's tools write them are read as a practitioner would: the cases of `../shared/cases`, a test each."""

import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tuner.data.dataset import make_dataset
from tuner.data.sources import read_tables
from tuner.spec.file import read_spec_dict

SHARED = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="needs the case scripts in ../shared/cases")


@dataclass(frozen=True)
class Found:
    """What is found in a file: `size` is rows/series, `share` that of anomalous rows in percent."""

    file: str
    time: str
    features: str
    label: str | None = None
    share: float = 4.0
    size: str = "1200/1"
    says: tuple[str, ...] = ()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a case's files, written once."""
    folders: dict[str, Path] = {}

    def write(case: str) -> Path:
        if case not in folders:
            folders[case] = tmp_path_factory.mktemp(case)
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folders[case])
                patch.syspath_prepend(str(SHARED))
                patch.setattr(sys, "argv", [case])
                runpy.run_path(str(SHARED / f"{case}.py"))
        return folders[case]

    return write


def check(path: Path, found: Found) -> None:
    spec = read_spec_dict({"study": {"name": "x"}, "data": {"path": str(path), "missing": "interpolate"}})
    data = make_dataset(read_tables(spec.data), spec)
    assert f"{data.rows}/{len(data.series)}" == found.size
    assert data.time_names == tuple(filter(None, found.time.split("+")))
    assert data.feature_names == tuple(found.features.split())
    assert data.label_name == found.label
    if found.label is not None:
        marks = [one.labels for one in data.series if one.labels is not None]
        assert 100 * sum(int(mark.sum()) for mark in marks) / data.rows == pytest.approx(found.share, abs=0.05)
    said = " ".join([*data.notes, *data.warnings])
    assert all(part in said for part in found.says)


CANDLE = "open high low close volume quote_volume count taker_buy_volume taker_buy_quote_volume"
CASES = {
    "pump_sensor": Found(
        *("sensor.csv", "timestamp", "sensor_00 sensor_01 sensor_51", "machine_status"),
        says=("BROKEN, RECOVERING = anomalous; normal: NORMAL", "clocks: the unnamed column", "empty: `sensor_15`"),
    ),
    "unnamed_index": Found("twice.csv", "date", "OT", "label", says=("counters or clocks: `Unnamed: 0`",)),
    "id_column": Found("ids.csv", "timestamp", "value", says=("counters or clocks: `id`", "constant: `sensor_id`")),
    "binance_header": Found("BTCUSDT.csv", "open_time", CANDLE, says=("`open_time` as the time", "`close_time`")),
    "epoch_named": Found("ep.csv", "timestamp_ms", "value", "label"),
    "yahoo_a3": Found(
        *("A3Benchmark-TS1.csv", "timestamps", "value noise seasonality1 seasonality2 seasonality3", "anomaly"),
        says=("named like a label: `changepoint`",),
    ),
    "skab_noise": Found("skabn.csv", "datetime", "Accelerometer1RMS Current", "anomaly", says=("`changepoint`",)),
    "label_minus1": Found("sk.csv", "timestamp", "value", "anomaly", says=("-1 = anomalous; normal: 1",)),
    "label_yes_no": Found("yesno.csv", "timestamp", "value", "anomaly", says=("yes = anomalous; normal: no",)),
    "aiops_kpi": Found("kpi.csv", "timestamp", "value", "label", size="1500/3", says=("`KPI ID` to tell the series",)),
}
NAMES = {
    **{f"counter_{k:02d}": Found("", "timestamp", "value", says=("counters or clocks",)) for k in range(14)},
    **{f"label_{k:02d}": Found("", "timestamp", "value", name) for k, name in enumerate(
        ("Class", "class", "outlier", "is_outlier", "anomalous", "fault", "failure", "is_fraud", "ground_truth",
         "Anomaly_Label", "anomaly_flag", "isAnomaly", "is anomaly", "is_anomalous", "target", "y", "gt", "label_1")
    )},
    "label_18": Found("", "timestamp", "value status", says=("`status` may be an anomaly label",)),
    **{f"words_{k:02d}": Found("", "timestamp", "value", "label", says=("= anomalous",)) for k in range(12)},
    **{f"clock_{k:02d}": Found("", name, "value") for k, name in enumerate(
        ("open_time", "timestamps", "epoch", "time_ms", "t", "utc", "datetime_utc", "TimeStamp_ns", "date_time",
         "Datum", "时间", "ts_ms", "time_stamp", "event_time", "created_at", "@timestamp", "_time", "DateTime (UTC)")
    )},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_case(case: str, written: Callable[[str], Path]) -> None:
    check(written(case) / CASES[case].file, CASES[case])


@pytest.mark.parametrize("name", NAMES)
def test_names_of_counters_clocks_and_labels_and_words_of_labels(name: str, written: Callable[[str], Path]) -> None:
    check(written("siblings_names") / f"{name}.csv", NAMES[name])
