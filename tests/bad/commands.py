"""Command lines that cannot be obeyed."""

from tests.bad.cases import COMPARE, EXPORT, PATH, RUN, Case, command, rows

COMMANDS = {
    "no study": command("Missing option '--study'", "run"),
    "an option misspelt": command("--trials", "run", "--study", "small.toml", "--trails", "9"),
    "a word too many": command("unexpected extra argument", *RUN, "more"),
    "no trials": command("Invalid value for '--trials'", *RUN, "--trials", "0"),
    "trials in words": command("integer", *RUN, "--trials", "many"),
    "too many workers": command("Invalid value for '--workers'", *RUN, "--workers", "100000"),
    "a timeout in the past": command("Invalid value for '--timeout'", *RUN, "--timeout", "-1"),
    "a trial below 0": command("Invalid value for '--replay'", *RUN, "--replay", "-1"),
    "a key without a value": command("`patience` is not section.key=value write", *RUN, "--set", "patience"),
    "a key of no section": command("unknown section `trian`", *RUN, "--set", "trian.patience=5"),
    "a value out of range": command("[study] seed: -1 is not possible", *RUN, "--set", "study.seed=-1"),
    "half a range": command("'{low=1' is not a number", *RUN, "--set", "space.dropout={low=1"),
    "two values": command("[train] patience: '5\\nclip=6' is not", *RUN, "--set", "train.patience=5\nclip=6"),
    "no scheduler": command("no Dask scheduler answers", *RUN, "--cluster", "nonsense://x"),
    "an unknown format": command("'xml' is not one of", *EXPORT, "--format", "xml"),
    "an unknown rule": command("'2se' is not one of", *EXPORT, "--rule", "2se"),
    "a place for no file": command("cannot be written", *EXPORT, "--out", "data.csv/x.toml"),
    "a place that is a folder": command("studies: cannot be written: Is a directory", *EXPORT, "--out", "studies"),
    "export of no study": command("Missing option '--study'", "export", "--format", "json"),
    "a bundle over other things": command("the folder holds other things already", *EXPORT, "--bundle", "studies"),
    "a bundle over a file": command("there is a file of that name", *EXPORT, "--bundle", "data.csv"),
    "a bundle over another": command("bundle: this already exists use --force", *EXPORT, "--bundle", "bundle"),
    "a bundle in JSON": command("leave out --out and --format", *EXPORT, "--bundle", "new", "--format", "json"),
    "a bundle for ONNX": command("leave out --out and --format", *EXPORT, "--bundle", "new", "--format", "onnx"),
    "networks on a screen": command(
        "--format pytorch: networks are written to a file add --out model.py", *EXPORT, "--format", "pytorch"
    ),
    "a graph on a screen": command("add --out model.onnx", *EXPORT, "--format", "onnx"),
    "weights for code": command("take this name", *EXPORT, "--format", "pytorch", "--out", "net.pt"),
    "a graph over a file": command("data.csv: this already", *EXPORT, "--format", "onnx", "--out", "data.csv"),
    "weights over a file": Case(
        "data.pt: this already exists", (*EXPORT, "--format", "pytorch", "--out", "data.py"), {"data.pt": "mine"}
    ),
    "a path of no parameter": command("did you mean `weight_decay`?", *PATH, "weight_deca"),
    "a path of one value": command("`batch_size` has one possible value, 256", *PATH, "batch_size"),
    "a path of one point": command("--points", *PATH, "dropout", "--points", "1"),
    "a path of an unknown study": command("did you mean `small`?", "path", "--study", "smal", "--param", "dropout"),
    "a comparison with an unknown study": command("did you mean `small`?", *COMPARE, "smal"),
    "a comparison of one study": command("name at least two studies", *COMPARE),
    "a comparison with itself": command("name at least two studies", *COMPARE, "small"),
    "an unknown study to delete": command("did you mean `small`?", "delete", "--study", "smal", "--yes"),
    "init of nothing": command("Missing argument 'DATA'", "init"),
    "init of two files": command("2 names were given instead of one put a pattern in quotes", "init", "a", "b"),
    "init of what is not there": command("there is no such file did you mean `data.csv`?", "init", "date.csv"),
    "init of a folder": command("this is a folder", "init", "studies"),
    "init into no TOML": command("a study file ends in .toml", "init", "data.csv", "--out", "x.txt"),
    "init over a study file": command("the study file already exists", "init", "data.csv", "--out", "small.toml"),
    "init into too long a name": command("File name too long", "init", "data.csv", "--out", f"{'x' * 999}.toml"),
    "init of a name that is no text": command("characters that are no text", "init", "\udcff.csv"),
    "init of too few rows": Case("more rows are needed", ("init", "few.csv"), {"few.csv": rows(20, "{n},2")}),
    "init of short pieces": Case(
        "the series are too short to learn from", ("init", "short.csv"), {"short.csv": rows(5, "{n},2")}
    ),
    "init, forced, of what cannot be used": Case(
        "comes after", ("init", "bad.csv", "--out", "small.toml", "--force"), {"bad.csv": "time,a\n2,1\n1,2"}
    ),
}
