"""Further forms of data files: all rows of values are read, other lines are left out and said, or it is asked."""

import bz2
import io
import lzma
import math
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.data.reading import read, refusal
from tuner.reading.opening import open_file
from tuner.spec.sections import Reading

ROWS = 60
TIMES = [datetime(2024, 1, 9) + row * timedelta(hours=3) for row in range(ROWS)]
VALUES = [round(20 + 5 * math.sin(row / 4), 3) for row in range(ROWS)]
COMMAS = str.maketrans(",.", ".,")


def rows(line: Callable[[datetime, float], str] = lambda time, value: f"{time},{value}") -> list[str]:
    return [line(time, value) for time, value in zip(TIMES, VALUES, strict=True)]


def text(*lines: str) -> bytes:
    return "\n".join([*lines, ""]).encode()


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, one in files.items():
            archive.writestr(name, one)
    return content.getvalue()


PLAIN = text("time,value", *rows())
FORMS = {
    "several lines of names": text(
        '"TOA5","CR1000","12345"', '"TIMESTAMP","value"', '"TS","Deg C"', *rows(lambda t, v: f'"{t}",{v}')
    ),
    "a line of units": text("time,value", "s,°C", *rows()),
    "names in a remark": text("# station 5", "#time,value", *rows()),
    "facts above": text("Station;Berlin", "Latitude;52.5", "", "time;value", *rows(lambda t, v: f"{t};{v}")),
    "a delimiter at the end": text("time,value,", *rows(lambda t, v: f"{t},{v},")),
    "names again": text("time,value", *rows()[:30], "time,value", *rows()[30:]),
    "a remark between": text("time,value", *rows()[:30], "# restarted", ",", "", *rows()[30:]),
    "remarks below": text("time,value", *rows(), "", "Source: X, 2024", "Average,20.1", "made by a tool"),
    "columns of blanks": text("time    value", *rows(lambda t, v: f"  {t:%Y-%m-%dT%H:%M}   {v:9.3f}")),
    "a table of Markdown": text("| time | value |", "|---|---|", *rows(lambda t, v: f"| {t} | {v} |")),
    "tildes": text("time~value", *rows(lambda t, v: f"{t}~{v}")),
    "lines of a Mac": PLAIN.replace(b"\n", b"\r"),
    "UTF-16 without a mark": PLAIN.decode().encode("utf-16-be"),
    "bz2": bz2.compress(PLAIN),
    "xz": lzma.compress(PLAIN),
    "zip": zipped({"data/a.csv": PLAIN, "__MACOSX/._a.csv": b"x"}),
    "quoted decimal commas": text('"time";"value"', *rows(lambda t, v: f'"{t}";"{v}"'.translate(COMMAS))),
    "units in cells": text("time;value", *rows(lambda t, v: f"{t};{v} °C".translate(COMMAS))),
    "AM and PM": text("time,value", *rows(lambda t, v: f"{t:%m/%d/%Y %I:%M %p},{v}")),
    "Uhr": text("time;value", *rows(lambda t, v: f"{t:%d.%m.%Y %H:%M} Uhr;{str(v).translate(COMMAS)}")),
    "intervals": text(
        "time;value", *rows(lambda t, v: f"{t:%d.%m.%Y %H:%M} - {t + timedelta(hours=3):%d.%m.%Y %H:%M};{v}")
    ),
    "fourteen digits": text("time,value", *rows(lambda t, v: f"{t:%Y%m%d%H%M%S},{v}")),
    "microseconds since 1970": text(
        "time,value", *rows(lambda t, v: f"{(t - datetime(1970, 1, 1)) // timedelta(microseconds=1)},{v}")
    ),
    "newest first": text("time,value", *rows()[::-1]),
    "rows that came late": text("time,value", *rows()[:20], *rows()[21:23], rows()[20], *rows()[23:]),
    "rows twice": text("time,value", *rows()[:20], *rows()[19:]),
    "zones that change": text(
        "time,value", *rows(lambda t, v: f"{t}+00:00,{v}" if t.day < 12 else f"{t + timedelta(hours=1)}+01:00,{v}")
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_read(tmp_path: Path, form: str) -> None:
    (tmp_path / "data").write_bytes(FORMS[form])
    found = read(tmp_path / "data")
    assert (found.rows, len(found.series)) == (ROWS, 1)
    assert found.feature_names == ("value",)
    np.testing.assert_array_equal(found.series[0].time, np.array(TIMES, dtype="datetime64[ns]"))
    np.testing.assert_allclose(found.series[0].features[:, 0], VALUES)


@pytest.mark.parametrize(
    ("form", "said"),
    [("names again", "line 32"), ("a remark between", "lines 32 to 33"), ("remarks below", "lines 63 to 65")],
)
def test_lines_that_are_no_data_are_named(tmp_path: Path, form: str, said: str) -> None:
    (tmp_path / "data").write_bytes(FORMS[form])
    assert f"Left out {said}" in " ".join(read(tmp_path / "data").notes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (text("time,value", *rows(), "2024-01-17 00:00:00"), "1 value where the header names 2 columns"),
        (text(*rows(lambda t, v: f"{t.day},{v}")), "[data] names"),
        (text("time,value", *rows(lambda t, v: f"05/01/2024 {t.hour + t.day / 100:05.2f},{v}")), "[data] dates"),
        (text("time,city,value", *rows(lambda t, v: f"{t},Z,{v}")).replace(b"Z", b"Z\xfcrich"), "[data] encoding"),
        (text("time,value", *rows(), rows()[-1].rsplit(",")[0] + ",9"), "keep one row a time"),
        (zipped({"a": PLAIN, "b": PLAIN}), "several files: `a`, `b`"),
        (zipped({"xl/workbook.xml": b"x"}), "an Excel workbook"),
        (b'{"time": 1, "value": 2}\n', "a JSON file"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (b"\x1f\x8b\x08\x00", "the compressed file is damaged"),
    ],
)
def test_what_cannot_be_known_is_asked_for(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "data").write_bytes(content)
    assert said in str(refusal(tmp_path / "data"))


def test_what_is_told_is_heeded(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(text(*rows(lambda t, v: f"{v * 1000:,.0f}!7".replace(",", "."))))
    told = Reading(delimiter="!", names=("a", "b"), decimal=",", missing_marks=("7",))
    table = open_file(tmp_path / "data", told).read("x")
    np.testing.assert_allclose(table.columns["a"], np.round(np.array(VALUES) * 1000))
    assert np.isnan(table.columns["b"]).all()
