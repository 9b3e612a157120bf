"""Files as people's tools write them are read as a practitioner would: the cases of `../shared/cases`, a test each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import CASES as SHARED_CASES
from tuner.loading.dataset import make_dataset
from tuner.loading.sources import read_tables
from tuner.spec.file import read_spec_dict

pytestmark = pytest.mark.skipif(not SHARED_CASES.exists(), reason="needs the case scripts in ../shared/cases")


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


def check(path: Path, found: Found) -> None:
    spec = read_spec_dict({"study": {"name": "x"}, "data": {"path": str(path), "missing": "interpolate"}})
    data = make_dataset(read_tables(spec.data), spec)
    assert f"{data.rows}/{len(data.series)}" == found.size
    assert data.time_names == tuple(filter(None, found.time.split("+")))
    assert data.feature_names == tuple(found.features.split("|"))
    assert data.label_name == found.label
    if found.label is not None:
        marks = [one.labels for one in data.series if one.labels is not None]
        assert 100 * sum(int(mark.sum()) for mark in marks) / data.rows == pytest.approx(found.share, abs=0.05)
    said = " ".join([*data.notes, *data.warnings])
    assert all(part in said for part in found.says)


CANDLE = "open|high|low|close|volume|quote_volume|count|taker_buy_volume|taker_buy_quote_volume"
CASES = {
    "pump_sensor": Found(
        *("sensor.csv", "timestamp", "sensor_00|sensor_01|sensor_51", "machine_status"),
        says=("BROKEN, RECOVERING = anomalous; normal: NORMAL", "clocks: the unnamed column", "empty: `sensor_15`"),
    ),
    "unnamed_index": Found("twice.csv", "date", "OT", "label", says=("counters or clocks: `Unnamed: 0`",)),
    "id_column": Found("ids.csv", "timestamp", "value", says=("counters or clocks: `id`", "constant: `sensor_id`")),
    "binance_header": Found("BTCUSDT.csv", "open_time", CANDLE, says=("`open_time` as the time", "`close_time`")),
    "epoch_named": Found("ep.csv", "timestamp_ms", "value", "label"),
    "yahoo_a3": Found(
        *("A3Benchmark-TS1.csv", "timestamps", "value|noise|seasonality1|seasonality2|seasonality3", "anomaly"),
        says=("named like a label: `changepoint`",),
    ),
    "skab_noise": Found("skabn.csv", "datetime", "Accelerometer1RMS|Current", "anomaly", says=("`changepoint`",)),
    "label_minus1": Found("sk.csv", "timestamp", "value", "anomaly", says=("-1 = anomalous; normal: 1",)),
    "label_yes_no": Found("yesno.csv", "timestamp", "value", "anomaly", says=("yes = anomalous; normal: no",)),
    "creditcard": Found(
        *("creditcard.csv", "Time", "V1|V2|Amount", "Class", 1.8, "1500/1"),
        says=("604 rows share the time of the row before; they keep their order",),
    ),
    "swat_plain": Found(
        *("swat.csv", "Timestamp", "FIT101|LIT101|MV101|AIT201", "Normal/Attack"),
        says=("Attack, A ttack = anomalous; normal: Normal", "day first"),
    ),
    "swat_decimal_comma": Found(
        *("swat.csv", "Timestamp", "FIT101|LIT101|MV101|P101", "Normal/Attack"),
        says=("Decimal comma", "Attack = anomalous"),
    ),
    "newest_first": Found("stock.csv", "Date", "Close|Volume", says=("turned round",)),
    "orange_newest_first": Found("temperatur.csv", "Datum", "Temperatur (Celsius)", says=("turned round",)),
    "occupancy_rownames": Found(
        *("datatraining.txt", "date", "Temperature|Humidity|Light|Occupancy"),
        says=("`Occupancy` may be an anomaly label", '`[data] label = "Occupancy"`'),
    ),
    "day_first_short": Found("short.csv", "Timestamp", "Value", says=("day first",)),
    "int_dates": Found("daily.csv", "date", "temp"),
    "household_power": Found("household.txt", "Date+Time", "Global_active_power|Voltage|Sub_metering_3", says=("`?`",)),
    "sentinel": Found("sentinel.csv", "time", "T|RH", says=("`-9999` (14 in `T`); `-999` (18 in `RH`)",)),
    "missing_marks": Found("marks.csv", "time", "a|b|c|d|e", says=("`(null)`",)),
    "darts_dst_local": Found("local.csv", "time", "load", says=("The clock goes back an hour",)),
    "metatrader": Found("EURUSD_M10.csv", "<DATE>+<TIME>", "<OPEN>|<HIGH>|<LOW>|<CLOSE>|<TICKVOL>|<SPREAD>"),
    "grafana_excel": Found("grafana.csv", "Time", 'node cpu {instance="a:9100"}|mem', says=("Left out line 1",)),
    "influx_annotated": Found("influx.csv", "_time", "_value", says=("Left out lines 1 to 3",)),
    "yfinance_multiheader": Found("msft.csv", "Date", "Close|High|Low|Open|Volume"),
    "airquality": Found("AirQualityUCI.csv", "Date+Time", "CO(GT)|PT08.S1(CO)|T|RH", says=("`-200`",)),
    "trailing_delimiter": Found("trailing.csv", "time", "value", "label"),
    "pipe_delimited": Found("pipe.csv", "time", "value", "label"),
    "utf16_excel": Found("excel.txt", "time", "value", "label"),
    "csv_gz": Found("data.csv.gz", "time", "value", "label"),
    "grafana_thousands": Found("thousands.csv", "Time", "Value"),
    "histdata_headless": Found(
        *("DAT_ASCII_EURUSD.csv", "column 1", "column 2|column 3|column 4|column 5"), says=("are made up",)
    ),
    "aiops_kpi": Found("kpi.csv", "timestamp", "value", "label", size="1500/3", says=("`KPI ID` to tell the series",)),
}
NAMES = {
    **{f"counter_{k:02d}": Found("", "timestamp", "value", says=("counters or clocks",)) for k in range(14)},
    **{f"label_{k:02d}": Found("", "timestamp", "value", name) for k, name in enumerate(
        ("Class", "class", "outlier", "is_outlier", "anomalous", "fault", "failure", "is_fraud", "ground_truth",
         "Anomaly_Label", "anomaly_flag", "isAnomaly", "is anomaly", "is_anomalous", "target", "y", "gt", "label_1")
    )},
    "label_18": Found("", "timestamp", "value|status", says=("`status` may be an anomaly label",)),
    **{f"words_{k:02d}": Found("", "timestamp", "value", "label", says=("= anomalous",)) for k in range(12)},
    **{f"clock_{k:02d}": Found("", name, "value") for k, name in enumerate(
        ("open_time", "timestamps", "epoch", "time_ms", "t", "utc", "datetime_utc", "TimeStamp_ns", "date_time",
         "Datum", "时间", "ts_ms", "time_stamp", "event_time", "created_at", "@timestamp", "_time", "DateTime (UTC)")
    )},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_case(case: str, case_files: Callable[[str], Path]) -> None:
    check(case_files(case) / CASES[case].file, CASES[case])


@pytest.mark.parametrize("name", NAMES)
def test_names_of_counters_clocks_and_labels_and_words_of_labels(name: str, case_files: Callable[[str], Path]) -> None:
    check(case_files("siblings_names") / f"{name}.csv", NAMES[name])
