"""Study files that cannot be used."""

from tests.bad.cases import command, keys, study

STUDY_FILES = {
    "missing": command("no such study file did you mean `small`?", "run", "--study", "smal.toml"),
    "missing, by its name": command("studies/nowhere.toml: there is no such study file", "run", "--study", "nowhere"),
    "missing, and its folder": command("no such study file write one with", "run", "--study", "no/such.toml"),
    "a folder": command("the study file cannot be read: Is a directory", "run", "--study", "studies/"),
    "a name that is too long": command("File name too long", "run", "--study", "x" * 999),
    "endless": command("too long for a study file", "run", "--study", "/dev/zero"),
    "latin-1": study(
        "bad.toml: the study file cannot be read: it is not UTF-8", "[study]\nname = 'ä'".encode("latin-1")
    ),
    "UTF-16": study("it is not UTF-8 text", "[study]".encode("utf-16")),
    "binary": study("this is not TOML", bytes(range(64))),
    "not TOML": study("this is not TOML: Expected ']'", "[study\nname = 1"),
    "nested without end": study("this is not TOML", b"a = " + b"[" * 5000),
    "a key twice": study("this is not TOML: Cannot overwrite a value", "[study]\nseed = 1\nseed = 2"),
    "empty": study("the study has neither `path` nor `source`", ""),
    "two data": study("the study has both `path` and `source`", '[data]\npath = "a"\nsource = "market"'),
    "an unknown section": keys("unknown section `trian` did you mean `train`?", "[trian]\npatience = 5"),
    "a key without a section": keys("`patience` belongs in [train]", "patience = 5"),
    "a section that is none": keys("`train` must be a section write it as [train]", "train = 5"),
    "an array of sections": keys("`cv` must be a section", "[[cv]]\nfolds = 3"),
    "an unknown key": keys("[train] patiense: unknown key `patiense` did you mean `patience`?", "train.patiense = 5"),
    "a parameter in a section": keys("`dropout` belongs in [space]", "train.dropout = 0.5"),
    "an unknown parameter": keys("unknown parameter `dropuot` did you mean `dropout`?", "space.dropuot = 0.1"),
    "dropout of everything": keys("[space] dropout: 1.0 lies outside 0 to 0.95 choose", "space.dropout = 1.0"),
    "a key of another section": keys("`folds` belongs in [cv]", "train.folds = 5"),
    "text for a number": keys("[study] trials: '10' is not possible", 'study.trials = "10"'),
    "no precision": keys("[study] min_precision: 0.0 is not possible", "study.min_precision = 0.0"),
    "a precision above 1": keys("[study] min_precision: 1.1 is not possible", "study.min_precision = 1.1"),
    "a share of everything": keys("[study] flag_share: 1.0 is not possible", "study.flag_share = 1.0"),
    "two thresholds": keys("two rules for one threshold remove", "study = {min_precision = 0.5, flag_share = 0.1}"),
    "truth for a number": keys("bad.toml [train] patience: True is not possible", "train.patience = true"),
    "a date for text": keys("[study] name: datetime.date(2024, 1, 1) is not possible", "study.name = 2024-01-01"),
    "a number for a column": keys("[data] label: 5 is not possible: it should be a valid string", "data.label = 5"),
    "no trials": keys("[study] trials: 0 is not possible", "study.trials = 0"),
    "too many trials": keys("less than or equal to 1000000", "study.trials = 10_000_000"),
    "one fold": keys("[cv] folds: 1 is not possible", "cv.folds = 1"),
    "a holdout of everything": keys("[cv] holdout: 1.0 is not possible: it should be less than 1", "cv.holdout = 1.0"),
    "a holdout of nan": keys("[cv] holdout: nan is not possible", "cv.holdout = nan"),
    "an embargo back in time": keys("[cv] embargo: -1 is not possible", "cv.embargo = -1"),
    "an endless gap": keys("[data] max_gap: inf is not possible: it should be a finite number", "data.max_gap = inf"),
    "a gap of one step": keys("[data] max_gap: 1.0 is not possible", "data.max_gap = 1.0"),
    "a window of nothing": keys("[task] window: 0 is not possible", "task.window = 0"),
    "a window beyond 64 bits": keys("[task] window: 1000000", "task.window = 1_000_000_000_000_000_000_000"),
    "no horizon": keys("a forecast must look ahead", "task.horizon = 0"),
    "an unknown kind": keys("it should be 'forecast', 'classify' or 'regress'", 'task.kind = "cluster"'),
    "a series that is not scaled": keys("series are always scaled", "task.scale = false"),
    "values of samples, but a table": keys("values of samples are learnt from an .npz file", 'task.kind = "regress"'),
    "an unknown metric": keys("it should be 'loss', 'average_precision' or 'f1'", 'study.metric = "auc"'),
    "an unknown scheme": keys("'blocked', 'walk_forward' or 'series'", 'cv.scheme = "kfold"'),
    "an unknown sampler": keys("it should be 'auto', 'gp', 'tpe' or 'random'", 'search.sampler = "cmaes"'),
    "a pruner of samples": keys("it compares samples, which epochs are not", 'search.pruner = "wilcoxon"'),
    "an unknown optimiser": keys("it should be 'adamw' or 'adam'", 'train.optimizer = "sgd"'),
    "no clipping": keys("[train] clip: 0 is not possible", "train.clip = 0"),
    "a lag of nothing": keys("[search] lag: 0 is not possible", "search.lag = 0"),
    "a horizon of a label": keys("`horizon` belongs to a forecast", 'task = {kind = "classify", horizon = 2}'),
    "a difference of a label": keys("`difference` belongs to a", 'task = {kind = "classify", difference = true}'),
    "a target beside a label": keys("`target` belongs to a", 'data.target = "x"\ntask.kind = "classify"'),
    "no features": keys("[data] features: it is empty name a column", "data.features = []"),
    "a network that is not there": keys("[model] class: ", 'model.class = "none.py:Net"'),
    "a network without a class": keys("own.py` names no class write", 'model.class = "own.py"'),
    "a network of no module": keys("a module that is not there", 'model.class = "no.such:Net"'),
    "a network that is a number": keys("`pi` is no class or function", 'model.class = "math:pi"'),
    "a network without its width": keys(
        "Linear needs `in_features`, `out_features`", 'model.class = "torch.nn:Linear"'
    ),
    "an output a step": keys(
        "Linear gives (3, 32, 1)", 'model = {class = "torch.nn:Linear", args = {in_features = 1, out_features = 1}}'
    ),
    "constants for our network": keys("`args` belongs to a network of one's own", "model.args = {heads = 3}"),
    "cells of another network": keys("`cell` belongs to our", 'model = {class = "torch.nn:LSTM", cell = "gru"}'),
    "an unknown cell": keys("it should be 'lstm' or 'gru'", 'model.cell = "rnn"'),
    "an unknown source": study("no source `markets` did you mean `market`?", 'data.source = "markets"'),
    "no session": study("no source `market:0` did you mean `market`?", 'data.source = "market:0"'),
    "a path with a zero byte": study("a?b: there is no such file", r'data.path = "a\u0000b"'),
    "a path that is too long": study("this cannot be looked up: File name too long", f'data.path = "{"x" * 999}"'),
}

NAMES = {
    f"the name {name[:20]!r}": keys("cannot be a study's name use 1 to 64 letters", f'study.name = "{name}"')
    for name in ("../x", "/etc/passwd", "..", ".", "", "a/b", r"a\\b", r"a\u0000b", r"a\nb", "a b", "x" * 65, "ä", "-x")
} | {
    f"the name {name!r}": keys("is the place of another file", f'study.name = "{name}"')
    for name in ("small.toml", "studies.db", "studies.db-wal", "studies.db.small.lock")
}
