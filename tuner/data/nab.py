"""Series of the Numenta Anomaly Benchmark (Lavin & Ahmad 2015, ICMLA; MIT licence), downloaded once and kept.

The files are those of one commit of github.com/numenta/NAB. How each SHA-256 was checked: that of the labels, of
`nyc_taxi`, `occupancy_6005` and `Twitter_volume_AAPL` by making the file again, byte for byte, from its content; those
of the other three against two or more projects that pin the same file, independently of each other.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from tuner.errors import UserError, nearest
from tuner.reading.opening import open_file
from tuner.reading.table import DataTable

COMMIT = "ea702d75cc2258d9d7dd35ca8e5e2539d71f3140"
ADDRESS = f"https://raw.githubusercontent.com/numenta/NAB/{COMMIT}/"
LABELS = "labels/combined_windows.json"
HASHES = {
    LABELS: "1e1fbc4601321aad8d0f8b3784c8134299379f68f6c1f7777565f8ffd57ab6b1",
    "data/realKnownCause/nyc_taxi.csv": "d8fa6f7f0734bf5c8be12c52a94e20a82664c397d9dec4449156bd453d32856d",
    "data/realKnownCause/machine_temperature_system_failure.csv": (
        "92bf5b87fc7f9bba8ca0b7ec63ccaac8cb4a1371a258e8c29a10ae9c018d82a4"
    ),
    "data/realKnownCause/ambient_temperature_system_failure.csv": (
        "230b68ccca20f59d562afd5d24ad52939c9b784386bed0054018358bf9120581"
    ),
    "data/realKnownCause/ec2_request_latency_system_failure.csv": (
        "98378580aa80157e057c61d59d81daddccc6c65a2c0c800e3f01f603b8215c3f"
    ),
    "data/realTraffic/occupancy_6005.csv": "cd357d7820d675074270fd976d4af1fc1e7854ecb764783028cbcb18d980c91d",
    "data/realTweets/Twitter_volume_AAPL.csv": "826f5cf404c2890784a7824f7102fd00cb134a4948e12e44ec320d095cbbc217",
}
SERIES = tuple(path.removeprefix("data/").removesuffix(".csv") for path in HASHES if path != LABELS)
PREFIX = "nab:"
# where the files are kept, instead of the usual place for what can be downloaded again
CACHE_VARIABLE = "TUNER_CACHE"


def read_nab(source: str, address: str = ADDRESS) -> DataTable:
    """A series with the columns `timestamp`, `value` and `label`: 1 in the benchmark's windows around anomalies.

    Args:
        source: "nab:" and the name of one of `SERIES`.
        address: that the files are downloaded from, if they are not there yet.

    Raises:
        UserError: there is no such series, or its files are not there and cannot be had.
    """
    name = source.removeprefix(PREFIX)
    if name not in SERIES:
        raise UserError(
            f"there is no series `{name}` of the Numenta Anomaly Benchmark here",
            where="[data] source",
            hint=nearest(name, SERIES),
        )
    table = open_file(_file(f"data/{name}.csv", address)).read(Path(name).name)
    windows = json.loads(_file(LABELS, address).read_bytes())[f"{name}.csv"]
    time = table.columns["timestamp"]
    marked = np.zeros(len(time), dtype=np.int64)
    for first, last in windows:
        marked |= (time >= np.datetime64(first)) & (time <= np.datetime64(last))
    return replace(table, where=source, columns={**table.columns, "label": marked})


def _file(path: str, address: str) -> Path:
    """The downloaded file; the hash of one that is there already is checked too.

    Raises:
        UserError: it cannot be downloaded, is another than it should be, or cannot be kept.
    """
    import pooch
    from requests import RequestException

    pooch.get_logger().setLevel("ERROR")
    folder = Path(os.environ.get(CACHE_VARIABLE) or pooch.os_cache("tuner"))
    cache = pooch.Pooch(folder / f"nab-{COMMIT[:7]}", address, HASHES)
    place = cache.abspath / path
    try:
        return Path(cache.fetch(path))
    except RequestException as error:
        what = f"the file could not be downloaded: {type(error).__name__}"
    except ValueError:
        what = "what was downloaded is not the file that it should be: its SHA-256 differs"
    except OSError as error:
        what = f"the file could not be kept in {place.parent}: {error.strerror}"
    raise UserError(
        what,
        where=address + path,
        hint=f"give the command again with a network, or put the file there by hand: {place}\n"
        f"  (${CACHE_VARIABLE} names another folder than {folder})",
    )
