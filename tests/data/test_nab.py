"""The Numenta Anomaly Benchmark: downloaded once from a server of our own, checked, kept; what is said if it cannot."""

import json
import socket
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import numpy as np
import pytest

from tests.data.reading import SHARED, needs_shared
from tests.making import refused
from tuner.data import nab
from tuner.loading.dataset import load_dataset
from tuner.reading.opening import open_file
from tuner.spec.file import read_spec_dict

TAXI = "realKnownCause/nyc_taxi"
SOURCE = f"nab:{TAXI}"
# labels/combined_windows.json, the part of one series
WINDOWS = [
    ["2014-10-30 15:30:00.000000", "2014-11-03 22:30:00.000000"],
    ["2014-11-25 12:00:00.000000", "2014-11-29 19:00:00.000000"],
    ["2014-12-23 11:30:00.000000", "2014-12-27 18:30:00.000000"],
    ["2014-12-29 21:30:00.000000", "2015-01-03 04:30:00.000000"],
    ["2015-01-24 20:30:00.000000", "2015-01-29 03:30:00.000000"],
]


def original(name: str, end: str = "") -> bytes:
    """The benchmark's file, made again from our copy of it with its labels."""
    lines = (SHARED / "NAB" / f"{name.replace('/', '__')}.csv").read_text().splitlines()
    return ("\n".join(line.rpartition(",")[0] for line in lines) + end).encode()


class Handler(SimpleHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        Handler.asked.append(self.path)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a server has: a series of two rows and its labels, with the hashes that belong to them."""
    folder = tmp_path / "server"
    labels = json.dumps({f"{TAXI}.csv": [["2014-07-01 00:30:00.000000", "2014-07-01 00:30:00.000000"]]}).encode()
    rows = b"timestamp,value\n2014-07-01 00:00:00,10844\n2014-07-01 00:30:00,8127"
    for path, content in ((nab.LABELS, labels), (f"data/{TAXI}.csv", rows)):
        put(folder / path, content, monkeypatch, path)
    monkeypatch.setenv(nab.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


def put(place: Path, content: bytes, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    monkeypatch.setitem(nab.HASHES, path, sha256(content).hexdigest())


@pytest.fixture
def address(files: Path) -> Iterator[str]:
    Handler.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(files)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def nowhere(files: Path) -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


def kept(tmp_path: Path) -> list[str]:
    return sorted(str(path.relative_to(tmp_path / "cache")) for path in (tmp_path / "cache").rglob("*.*"))


def test_a_series_is_downloaded_with_its_labels_and_kept(address, tmp_path) -> None:
    table = nab.read_nab(SOURCE, address)
    assert (table.name, table.where) == ("nyc_taxi", f"nab:{TAXI}")
    assert {name: column.tolist() for name, column in table.columns.items() if name != "timestamp"} == {
        "value": [10844, 8127],
        "label": [0, 1],
    }
    assert sorted(Handler.asked) == [f"/data/{TAXI}.csv", "/labels/combined_windows.json"]
    assert kept(tmp_path) == [f"nab-ea702d7/data/{TAXI}.csv", "nab-ea702d7/labels/combined_windows.json"]


def test_what_is_kept_needs_no_network(address, nowhere) -> None:
    first = nab.read_nab(SOURCE, address)
    again = nab.read_nab(SOURCE, nowhere)
    assert again.columns["label"].tolist() == first.columns["label"].tolist()
    assert len(Handler.asked) == 2


def test_a_file_put_by_hand_is_as_good(files, nowhere, tmp_path) -> None:
    message = refused(nab.read_nab, SOURCE, nowhere)
    assert "could not be downloaded" in message.what
    assert message.where == f"{nowhere}data/{TAXI}.csv"
    place = Path(message.hint.split("by hand: ")[1].splitlines()[0])
    assert place == tmp_path / "cache" / f"nab-ea702d7/data/{TAXI}.csv"
    for path in (nab.LABELS, f"data/{TAXI}.csv"):
        there = tmp_path / "cache" / "nab-ea702d7" / path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes((files / path).read_bytes())
    assert nab.read_nab(SOURCE, nowhere).columns["value"].tolist() == [10844, 8127]


@pytest.mark.parametrize("path", [nab.LABELS, f"data/{TAXI}.csv"])
def test_another_file_than_it_should_be_is_refused_and_not_kept(address, files, tmp_path, path) -> None:
    (files / path).write_bytes((files / path).read_bytes() + b" ")
    message = refused(nab.read_nab, SOURCE, address)
    assert "its SHA-256 differs" in message.what
    assert message.where == address + path
    assert not (tmp_path / "cache" / "nab-ea702d7" / path).exists()


def test_a_kept_file_that_was_changed_is_downloaded_again(address, tmp_path) -> None:
    nab.read_nab(SOURCE, address)
    (tmp_path / "cache" / "nab-ea702d7" / f"data/{TAXI}.csv").write_text("timestamp,value\n2014-07-01 00:00:00,1\n")
    assert nab.read_nab(SOURCE, address).columns["value"].tolist() == [10844, 8127]


def test_a_file_that_the_server_lacks_is_said(address, files) -> None:
    (files / nab.LABELS).unlink()
    assert "could not be downloaded" in refused(nab.read_nab, SOURCE, address).what


def test_a_folder_that_cannot_be_made_is_said(address, tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(nab.CACHE_VARIABLE, str(tmp_path / "file"))
    assert "could not be kept" in refused(nab.read_nab, SOURCE, address).what


def test_an_unknown_series_is_refused_with_the_nearest(nowhere) -> None:
    assert f"did you mean `{TAXI}`?" in refused(nab.read_nab, f"{SOURCE}s", nowhere).hint


# --- the real files


@needs_shared
@pytest.mark.parametrize(
    ("name", "end"), [(TAXI, ""), ("realTraffic/occupancy_6005", "\n"), ("realTweets/Twitter_volume_AAPL", "\n")]
)
def test_the_hashes_are_those_of_the_files_made_again(name, end) -> None:
    assert sha256(original(name, end)).hexdigest() == nab.HASHES[f"data/{name}.csv"]


@needs_shared
def test_the_taxi_series_is_read_with_all_rows_and_labels(address, files, monkeypatch) -> None:
    put(files / f"data/{TAXI}.csv", original(TAXI), monkeypatch, f"data/{TAXI}.csv")
    put(files / nab.LABELS, json.dumps({f"{TAXI}.csv": WINDOWS}).encode(), monkeypatch, nab.LABELS)
    table = nab.read_nab(SOURCE, address)
    expected = open_file(SHARED / "NAB" / "realKnownCause__nyc_taxi.csv").read("nyc_taxi")
    assert list(table.columns) == list(expected.columns)
    for name, column in expected.columns.items():
        np.testing.assert_array_equal(table.columns[name], column)

    # as a study has it: from what is kept now
    data = load_dataset(read_spec_dict({"study": {"name": "x"}, "data": {"source": f"nab:{TAXI}"}}))
    assert (len(data.series), data.rows, data.labelled) == (1, 10320, True)
    assert data.feature_names == ("value",)
    assert data.series[0].labels is not None
    assert data.series[0].labels.sum() == 1035
