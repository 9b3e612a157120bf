"""Data files that cannot be used."""

from tests.bad.cases import Case, data, keys, rows, study

DATA_FILES = {
    "missing": study("there is no such file did you mean `data.csv`?", 'data.path = "dat.csv"'),
    "in brackets": study("none[/a].csv: there is no such file", 'data.path = "none[/a].csv"'),
    "a pattern of none": study("*.xyz: there is no such file", 'data.path = "*.xyz"'),
    "a folder": study("this is a folder name a file", 'data.path = "."'),
    "a device": study("/dev/zero: there is no such file", 'data.path = "/dev/zero"'),
    "empty": data("bad.csv: the file is empty", ""),
    "blank": data("the file is empty", "\n \n"),
    "a header only": data("the file has no rows", "a,b\n"),
    "no header": data("the first line holds values (1.5, 2, 3), not the columns' names", "1.5,2,3\n4,5,6"),
    "binary": data("this is not a text file", bytes(range(256)) * 9),
    "latin-1": data("bad.csv:3: this is not UTF-8 text", "a,b\n1,2\nä,3".encode("latin-1")),
    "ragged": data("bad.csv:3: 3 values where the header names 2 columns", "a,b\n1,2\n1,2,3"),
    "an open quote": data("a quotation mark is out of place", 'a,b\n1,2\n"1,2\n3,4'),
    "a column twice": data("two columns are called `a` rename one", "a,b,a\n1,2,3"),
    "a control character in a name": data("the name of column 2 holds a control character", "a,\x1b[31mb\n1,2\n3,4"),
    "text only": data("no column holds numbers to learn from; there are `a`, `b`", rows(9, "x,y")),
    "text among numbers": data("bad.csv:3 a: `oops` is not a number (1 of 3", "a\n1\noops\n3"),
    "a date for a feature": data("the column holds dates", "t,a\n2024-01-01,1\n2024-01-02,2", 'data.features = "t"'),
    "constant": data("every feature is constant: `a`, `b`", rows(9, "1,2")),
    "a constant target": data("the target `b` never changes", rows(9, "{n},2"), 'data.target = "b"'),
    "missing values": data("1 of 3 values are missing or infinite", "a\n1\nNaN\n3"),
    "infinity": data("bad.csv:4 a: 2 of 4 values are missing or infinite", "a\n1\n2\ninf\n-inf"),
    "beyond 32 bits": data("1 of 3 values are missing or infinite", "a\n1\n1e39\n3"),
    "no complete row": data("every row lacks a value", "a,b\n1,\n,2\n3,", 'data.missing = "interpolate"'),
    "no date": data("`yesterday` is not a date that can be", "time,a\n2024-01-01,1\nyesterday,2", 'data.time = "time"'),
    "a missing time": data("the time is missing", "time,a\n2024-01-01,1\n,2", 'data.time = "time"'),
    "unsorted": data("the time 2024-01-01 comes after 2024-01-02", "time,a\n2024-01-02,1\n2024-01-01,2"),
    "a time twice": data("the time 2024-01-01 stands here twice", "time,a\n2024-01-01,1\n2024-01-01,2"),
    "no such column": data(
        "no column `tmie` in bad.csv did you mean `time`?", "time,a\n1,2\n2,3", 'data.time = "tmie"'
    ),
    "a column in two parts": data(
        "`a` is the label already", "a,b\n1,2\n0,3", 'data.label = "a"\ndata.features = ["a"]'
    ),
    "a feature twice": data("`a` is named twice", "a,b\n1,2\n0,3", 'data.features = ["a", "a"]'),
    "no label": data("`2` is no label labels are 0 or 1", "a,label\n1,0\n2,2", 'data.label = "label"'),
    "a missing label": data("the label is missing", "a,label\n1,0\n2,", 'data.label = "label"'),
    "labels that none are": data(
        'kind = "classify" needs a label column, and none was', rows(90, "{n},2"), 'task.kind = "classify"'
    ),
    "a metric without labels": data(
        'metric = "f1" needs a label column, and none was', rows(90, "{n},2"), 'study.metric = "f1"'
    ),
    "nothing anomalous": data(
        "needs anomalous rows, and no row is labelled so", rows(90, "{n},0", "a,label"), 'study.metric = "f1"'
    ),
    "folds of one class": data(
        "average_precision needs anomalous and normal rows in every fold; anomalous ones by fold: 2, 0",
        "\n".join(["a,label", *(f"{n},{int(n in (5, 6))}" for n in range(90))]),
        'study.metric = "average_precision"\ncv.folds = 2',
    ),
    "a fold without an event to learn": data(
        "a fold has no anomalous window to learn from",
        "\n".join(["a,label", *(f"{n},{int(n in (5, 6))}" for n in range(90))]),
        'task.kind = "classify"\ncv.folds = 2',
    ),
    "a window longer than a series": keys(
        "no series has the 401 rows that a window needs; the longest has 400", "task.window = 400"
    ),
    "a window longer than the holdout": keys("fits in the holdout", "cv.holdout = 0.05"),
    "a window longer than the rest": keys("fits before the holdout", "cv.holdout = 0.95"),
    "more folds than rows": data("do not suffice for 100 folds after purging", rows(90, "{n},2"), "cv.folds = 100"),
    "an embargo of everything": keys("do not suffice for 5 folds after purging", "cv = {embargo = 400, holdout = 0}"),
    "fewer series than folds": keys("1 series are too few for 5 folds", 'cv.scheme = "series"'),
    "files that differ": Case(
        "two.csv: there is no column `b`, which one.csv has",
        files={
            "bad.toml": 'data.path = "[ot][nw][eo].csv"\ndata.features = ["a", "b"]',
            "one.csv": "a,b\n1,2",
            "two.csv": "a\n1",
        },
    ),
    "1,001 columns": data(
        "1,001 columns are more than the 1,000 that can",
        "\n".join([",".join(f"c{n}" for n in range(1001)), ",".join(["1"] * 1001), ",".join(["2"] * 1001)]),
    ),
    "no Parquet": Case(
        "this is not a Parquet file", files={"bad.toml": 'data.path = "bad.parquet"', "bad.parquet": "a,b\n1,2"}
    ),
}
