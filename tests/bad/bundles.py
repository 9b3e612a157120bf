"""Bundles that cannot be read, and rows that one cannot score."""

from tests.bad.cases import Case

SCORE = ("score", "--bundle", "bundle", "--data", "new.csv", "--out", "scores.csv")
ROWS = "time,a,b\n" + "\n".join(f"2024-05-01 00:{minute:02}:00,{minute},1" for minute in range(20))


def bundle(says: str, *gone: str, **content: str | bytes) -> Case:
    """A bundle without these files, or with another content of `manifest`, `model` or `config`."""
    names = {"manifest": "manifest.json", "model": "model.safetensors", "config": "config.toml"}
    damaged = {f"bundle/{names[key]}": value for key, value in content.items()}
    return Case(says, SCORE, {"new.csv": ROWS, **damaged}, gone=tuple(f"bundle/{name}" for name in gone))


def scored(says: str, content: str | bytes, *more: str) -> Case:
    """Rows for a good bundle."""
    return Case(says, (*SCORE, *more), {"new.csv": content})


BUNDLES = {
    "no bundle": bundle("bundle: there is no bundle", "manifest.json", "model.safetensors", "config.toml"),
    "no manifest": bundle("the bundle has no manifest.json", "manifest.json"),
    "no weights": bundle("the bundle has no model.safetensors", "model.safetensors"),
    "no configuration": bundle("the bundle has no config.toml", "config.toml"),
    "weights cut off": bundle("bundle: the files do not match their checksum in manifest.json", model=b""),
    "other weights": bundle("do not match their checksum", model=b"\x00" * 64),
    "a pickle for weights": bundle("do not match their checksum", model=b"\x80\x04\x95\x00N."),
    "a configuration changed by hand": bundle("do not match their checksum", config="dropout = 0.9"),
    "a manifest cut off": bundle("this is not a manifest: the file is damaged", manifest=b'{"format": 1, "study"'),
    "a manifest that is no text": bundle("this is not a manifest: the file is damaged", manifest=b"\xff\xfe\x00"),
    "a manifest of another format": bundle("format 9 is not known", manifest='{"format": 9}'),
    "a manifest that is a list": bundle("this is not a manifest", manifest="[1]"),
    "rows without a column": scored("there is no column `b` available: time, a", "time,a\n2024-05-01,1\n2024-05-02,2"),
    "rows with words": scored(
        "`oops` is not a number (1 of 20 rows hold text) as in training, the bundle expects dates in `time`, and",
        ROWS.replace(",7,", ",oops,"),
    ),
    "rows out of order": scored("comes after", ROWS + "\n2024-04-01,1,1\n2024-03-01,1,1\n2024-02-07,1,1"),
    "rows without a time": scored("there is no column `time`", ROWS.replace("time,", "when,")),
    "rows that are not there": scored("the file cannot be read: No such file", ROWS, "--data", "none.csv"),
    "rows in a folder": scored("the file cannot be read: Is a directory", ROWS, "--data", "studies"),
    "no rows": scored("the file has no rows", "time,a,b\n"),
    "an empty file": scored("the file is empty", ""),
    "scores over their rows": scored("--out: the output would overwrite the data file", ROWS, "--out", "new.csv"),
    "a page over the rows": scored("--report: the output would overwrite the data", ROWS, "--report", "new.csv"),
    "a page over the scores": scored("the page would overwrite the scores", ROWS, "--report", "scores.csv"),
    "scores in no place": scored("cannot be written", ROWS, "--out", "data.csv/scores.csv"),
}
