"""Files in the forms that people's tools write, made by the scripts of ../shared/cases, read as CASES.md there says."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bundles import make_manifest, make_weights
from tests.data.reading import read
from tuner.bundle.archive import bundle_files, read_bundle
from tuner.bundle.scorer import Scorer
from tuner.data.sources import read_tables
from tuner.errors import UserError
from tuner.files import write_folder
from tuner.proposal.profile import Profile
from tuner.proposal.propose import propose_study
from tuner.spec.sections import DataSection

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="needs the scripts of ../shared/cases")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Writes the files of a case, once, and gives their folder."""
    folders: dict[str, Path] = {}

    def write(case: str) -> Path:
        if case not in folders:
            folders[case] = tmp_path_factory.mktemp(case)
            subprocess.run([sys.executable, CASES / f"{case}.py"], cwd=folders[case], check=True)
        return folders[case]

    return write


def proposed(path: Path, **keys: Any) -> Profile:
    """What `init` finds in a file."""
    data = DataSection(path=str(path), **keys)
    return propose_study(read_tables(data), "case", path.name)[0]


@pytest.mark.parametrize(
    ("case", "file", "time", "features", "said"),
    [
        ("day_first_short", "short.csv", "Timestamp", "Value", "day first"),
        ("score_day_first", "jan.csv", "Date", "value", "day first"),
        ("int_dates", "daily.csv", "date", "temp", "read as dates, the first one as 2020-01-01"),
        ("swat_plain", "swat.csv", "Timestamp", "FIT101 LIT101 MV101 AIT201", "day first"),
        ("swat_decimal_comma", "swat.csv", "Timestamp", "FIT101 LIT101 MV101 P101", "Decimal comma"),
        ("household_power", "household.txt", "Date Time", "Global_active_power Voltage Sub_metering_3", "`?` (12"),
        ("sentinel", "sentinel.csv", "time", "T RH", "`-9999` (14 in `T`); `-999` (18 in `RH`)"),
        ("missing_marks", "marks.csv", "time", "a b c d e", "`(null)` (13 in `e`)"),
        ("newest_first", "stock.csv", "Date", "Close Volume", "newest row comes first"),
        ("darts_dst_local", "local.csv", "time", "load", "goes back an hour (2024-10-27)"),
        ("metatrader", "EURUSD_M10.csv", "<DATE> <TIME>", "<OPEN> <HIGH> <LOW> <CLOSE> <TICKVOL> <SPREAD>", ""),
        ("grafana_excel", "grafana.csv", "Time", 'node§cpu§{instance="a:9100"} mem', "Left out line 1"),
        ("influx_annotated", "influx.csv", "_time", "_value", "Left out lines 1 to 3"),
        ("yfinance_multiheader", "msft.csv", "Date", "Close High Low Open Volume", ""),
        ("airquality", "AirQualityUCI.csv", "Date Time", "CO(GT) PT08.S1(CO) T RH", "`-200` (14"),
        ("trailing_delimiter", "trailing.csv", "time", "value", ""),
        ("pipe_delimited", "pipe.csv", "time", "value", ""),
        ("utf16_excel", "excel.txt", "time", "value", ""),
        ("csv_gz", "data.csv.gz", "time", "value", ""),
        ("orange_newest_first", "temperatur.csv", "Datum", "Temperatur§(Celsius)", "Decimal comma"),
        ("grafana_thousands", "thousands.csv", "Time", "Value", "2,047,085,770.234"),
        ("histdata_headless", "DAT_ASCII_EURUSD.csv", "column§1", "column§2 column§3 column§4 column§5", "made up"),
    ],
)
def test_a_case_is_read(written: Any, case: str, file: str, time: str, features: str, said: str) -> None:
    found = proposed(written(case) / file)
    assert (found.rows, found.series) == (1488 if case == "score_day_first" else 1200, 1)
    assert found.time == tuple(name.replace("§", " ") for name in time.split())
    assert set(found.features) == {name.replace("§", " ") for name in features.split()}
    assert said in " ".join(found.notes)


def test_marks_of_missing_values_have_no_rhythm(written: Any) -> None:
    assert proposed(written("sentinel") / "sentinel.csv").level.period == 24


def test_rows_that_begin_with_their_name(written: Any) -> None:
    found = proposed(written("occupancy_rownames") / "datatraining.txt")
    assert (found.rows, found.series, found.time) == (1200, 1, ("date",))
    assert {"Temperature", "Humidity", "Light"} <= set(found.features)


def test_rows_at_one_time_keep_their_order(written: Any) -> None:
    found = proposed(written("creditcard") / "creditcard.csv")
    assert (found.rows, found.series) == (1500, 1)


def test_an_order_that_is_not_heeded_is_warned_of(written: Any) -> None:
    notes = " ".join(read(written("newest_first") / "stock.csv", time="", features=["Close"]).notes)
    assert "the rows are taken as they stand" in notes


FORMS = [
    *(f"{name}.csv" for name in ("dec_all", "dec_tab", "dec_thousand", "thousand_space", "thousand_apostrophe")),
    *("unicode_minus.csv", "currency.csv", "fortran.csv", "blank_row.csv"),
    *(f"preamble_{number}.csv" for number in range(8)),
    *(f"tail_{number}.csv" for number in range(6)),
    *(f"mark_{number:02d}.csv" for number in range(22)),
    *(f"delimiter_{number}.csv" for number in range(4)),
    *(f"encoding_{number}.csv" for number in range(3)),
]


@pytest.mark.parametrize("file", FORMS)
def test_a_form_of_text_is_read(written: Any, file: str) -> None:
    found = proposed(written("siblings_syntax") / file)
    form = file.split("_")[0]
    assert (found.rows, found.series, found.label) == (1200, 1, "label")
    assert form == "delimiter" or found.time == ("time",)
    expected = {"delimiter": {"value"}, "encoding": {"l (µm)"}, "preamble": {"value"}, "tail": {"value"}}
    expected |= {"mark": {"value"}, "blank": {"value"}}
    assert expected.get(form, {"a", "b"}) <= set(found.features)
    table = read_tables(DataSection(path=str(written("siblings_syntax") / file)))[0]
    column = next(table.columns[name] for name in ("a", "value", "l (µm)") if name in table.columns)
    scale = 1000 if "thousand" in file else 1
    shift = 20 if "minus" in file else 0
    assert np.nanmedian(column) == pytest.approx(scale * (20.2 - shift), abs=0.5 * scale)


@pytest.mark.parametrize(("file", "encoding"), [("encoding_3.csv", "gbk"), ("encoding_4.csv", "shift_jis")])
def test_an_encoding_that_does_not_tell_is_asked_for(written: Any, file: str, encoding: str) -> None:
    path = written("siblings_syntax") / file
    with pytest.raises(UserError, match=r"not UTF-8 text\n.*\[data\] encoding"):
        proposed(path)
    assert proposed(path, encoding=encoding).features == ("温度",)


@pytest.mark.parametrize("file", ["feb.csv", "feb_iso.csv", "feb_newest.csv", "feb.csv.gz"])
def test_new_files_are_scored_as_the_study_read_its_own(written: Any, tmp_path: Path, file: str) -> None:
    """All of February 1 to 5 reads month first too."""
    table = read_tables(DataSection(path=str(written("score_day_first") / "jan.csv")))[0]
    manifest = make_manifest(features=("value",), targets=("value",), time="Date")
    columns = manifest.columns.model_copy(update={"step": 30 * 60e9})
    manifest = manifest.model_copy(update={"columns": columns, "reading": table.reading})
    assert table.reading.dates == "day-first"
    write_folder(tmp_path / "bundle", bundle_files(manifest, make_weights(manifest), "[study]\n"))
    parts = list(Scorer(read_bundle(tmp_path / "bundle")).score_file(written("score_day_first") / file))
    score = np.concatenate([part.score for part in parts])
    text = [stamp for part in parts for stamp in part.text.to_pylist()]
    first = manifest.task.window
    missing = slice(len(score) - first, None) if "newest" in file else slice(0, first)
    assert len(score) == 212
    assert np.isnan(score[missing]).all()
    assert np.isfinite(np.delete(score, np.arange(212)[missing])).all()
    begins = {"feb.csv": "01/02/2024 00:00", "feb_newest.csv": "2024-02-05 09:30:00"}
    assert text[0] == begins.get(file, "2024-02-01 00:00:00")
