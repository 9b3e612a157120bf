"""Text in the forms that people's tools write, made by the scripts of ../shared/cases, is read, and scored alike."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bundles import make_manifest, make_weights
from tests.conftest import CASES
from tests.data.reading import read
from tuner.bundle.archive import bundle_files, read_bundle
from tuner.bundle.scorer import Scorer
from tuner.data.series import Dataset
from tuner.errors import UserError
from tuner.files import write_folder
from tuner.loading.sources import read_tables
from tuner.spec.sections import DataSection

pytestmark = pytest.mark.skipif(not CASES.exists(), reason="needs the scripts of ../shared/cases")


def found_in(path: Path, **keys: Any) -> Dataset:
    return read(path, missing="interpolate", **keys)


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
def test_a_form_of_text_is_read(case_files: Any, file: str) -> None:
    found = found_in(case_files("siblings_syntax") / file)
    form = file.split("_")[0]
    assert (found.rows, len(found.series), found.label_name) == (1200, 1, "label")
    assert form == "delimiter" or found.time_names == ("time",)
    expected = {"delimiter": {"value"}, "encoding": {"l (µm)"}, "preamble": {"value"}, "tail": {"value"}}
    expected |= {"mark": {"value"}, "blank": {"value"}}
    assert expected.get(form, {"a", "b"}) <= set(found.feature_names)
    table = read_tables(DataSection(path=str(case_files("siblings_syntax") / file)))[0]
    column = next(table.columns[name] for name in ("a", "value", "l (µm)") if name in table.columns)
    scale = 1000 if "thousand" in file else 1
    shift = 20 if "minus" in file else 0
    assert np.nanmedian(column) == pytest.approx(scale * (20.2 - shift), abs=0.5 * scale)


@pytest.mark.parametrize(("file", "encoding"), [("encoding_3.csv", "gbk"), ("encoding_4.csv", "shift_jis")])
def test_an_encoding_that_does_not_tell_is_asked_for(case_files: Any, file: str, encoding: str) -> None:
    path = case_files("siblings_syntax") / file
    with pytest.raises(UserError, match=r"not UTF-8 text\n.*\[data\] encoding"):
        found_in(path)
    assert found_in(path, encoding=encoding).feature_names == ("温度",)


@pytest.mark.parametrize("file", ["feb.csv", "feb_iso.csv", "feb_newest.csv", "feb.csv.gz"])
def test_new_files_are_scored_as_the_study_read_its_own(case_files: Any, tmp_path: Path, file: str) -> None:
    """All of February 1 to 5 reads month first too."""
    table = read_tables(DataSection(path=str(case_files("score_day_first") / "jan.csv")))[0]
    manifest = make_manifest(features=("value",), targets=("value",), time="Date")
    columns = manifest.columns.model_copy(update={"step": 30 * 60e9})
    manifest = manifest.model_copy(update={"columns": columns, "reading": table.reading})
    assert table.reading.dates == "day-first"
    write_folder(tmp_path / "bundle", bundle_files(manifest, make_weights(manifest), "[study]\n"))
    parts = list(Scorer(read_bundle(tmp_path / "bundle")).score_file(case_files("score_day_first") / file))
    score, text = (np.concatenate([part[name] for part in parts]) for name in ("score", "time"))
    first = manifest.task.window
    missing = slice(len(score) - first, None) if "newest" in file else slice(0, first)
    assert len(score) == 212
    assert np.isnan(score[missing]).all()
    assert np.isfinite(np.delete(score, np.arange(212)[missing])).all()
    begins = {"feb.csv": "01/02/2024 00:00", "feb_newest.csv": "2024-02-05 09:30:00"}
    assert text[0] == begins.get(file, "2024-02-01 00:00:00")
