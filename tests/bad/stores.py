"""Stores that cannot be used, and studies in them that cannot go on."""

from tests.bad.cases import COMPARE, EXPORT, PATH, RUN, Case, command, rows, store

NONE = ("--storage", "sqlite:///no/studies.db")
STORES = {
    "none": command("there is no store run a study first", *EXPORT, *NONE),
    "none for a path": command("there is no store", *PATH, "dropout", *NONE),
    "none to compare": command("there is no store", *COMPARE, "other", *NONE),
    "none to delete from": command("there is no store", "delete", "--study", "small", "--yes", *NONE),
    "none to look at": command("there is no store", "status", *NONE),
    "none to show": command("there is no store", "dashboard", *NONE),
    "a folder": command("the store cannot be opened", *EXPORT, "--storage", "sqlite:///studies"),
    "a text file": command("its file is no SQLite database", *RUN, "--storage", "sqlite:///data.csv"),
    "a text file to look at": command("its file is no SQLite database", "status", "--storage", "sqlite:///data.csv"),
    "no URL to look at": command("this is not the URL of a database", "status", "--storage", "nonsense"),
    "no URL": command("this is not the URL of a database write it as sqlite:///FILE", *RUN, "--storage", "nonsense"),
    "an unknown database": command("Can't load plugin", *RUN, "--storage", "nosuchdb://user:secret@host/x"),
    "a port in words": command("not the URL of a database", *RUN, "--storage", "postgresql://user:secret@host:port/x"),
    "no driver": command("No module named", *RUN, "--storage", "mysql+pymysql://user:secret@host/x"),
    "no server": command(
        "postgresql+psycopg://user:***@127.0.0.1:1/x: the store cannot be opened: the database failed: connection",
        *(*RUN, "--storage", "postgresql+psycopg://user:secret@127.0.0.1:1/x"),
    ),
    "no server, the password an option": command(
        "the store cannot be opened",
        *(*RUN, "--storage", "postgresql+psycopg://127.0.0.1:1/x?user=user&password=secret"),
    ),
    "an option of no driver": command(
        "the store cannot be opened", *(*RUN, "--storage", "postgresql+psycopg://user:secret@127.0.0.1:1/x?pass=secret")
    ),
    "a password with an @": command(
        "--storage: the store cannot be opened: its URL has an `@` besides the one before the host in a user name or",
        *(*RUN, "--storage", "postgresql+psycopg://user:secret@secret@127.0.0.1:1/x"),
    ),
    "a user name with a slash": command(
        "`@` as %40, `:` as %3A and `/` as %2F", *(*RUN, "--storage", "postgresql+psycopg://us/er:secret@127.0.0.1:1/x")
    ),
    "in memory": command("cannot be kept in memory", *RUN, "--storage", "sqlite:///:memory:"),
    "in memory, by no name": command("cannot be kept in memory", *RUN, "--storage", "sqlite://"),
    "in memory, by an option": command(
        "cannot be kept in memory", *RUN, "--storage", "sqlite:///file:x?mode=memory&uri=true"
    ),
    "an unknown study": command("there is no study 'smal' did you mean `small`?", "export", "--study", "smal"),
    "an unfinished trial": command(
        "there is no finished trial 99 its finished trials are 0 to 23", *RUN, "--replay", "99"
    ),
    "another key": command("[cv] folds: `folds` was 2 when the study began and is 3 now", *RUN, "--set", "cv.folds=3"),
    "another seed": command(
        "`seed` was 0 when the study began and is 1 now put it back", *RUN, "--set", "study.seed=1"
    ),
    "another space": command("`dropout` was ", *RUN, "--set", "space.dropout=0.5"),
    "other data": Case("the data have changed since the study began", RUN, {"data.csv": rows(400, "0.{n}", "x")}),
    "another version of Optuna": store(
        "its tables are those of Optuna v1.3.0.a, and",
        "UPDATE alembic_version SET version_num = 'v1.3.0.a'",
    ),
    "an older version of the tuner": store(
        "another version of the tuner made it: its table tuner_outcomes has no column `curves`",
        "ALTER TABLE tuner_outcomes DROP COLUMN curves",
    ),
    "a newer version of the tuner": store(
        "another version of the tuner wrote it: [train]",
        "UPDATE tuner_studies SET spec = json_set(spec, '$.train.warmup', 5)",
    ),
    "without its row of the study": store("that the tuner did not write", "DELETE FROM tuner_studies"),
    "facts that are none": store("that the tuner did not write", "UPDATE tuner_studies SET facts = '{}'"),
    "a study file that is none": store("that the tuner did not write", "UPDATE tuner_studies SET spec = '[1]'"),
    "no JSON": store("that the tuner did not write (JSONDecodeError", "UPDATE tuner_studies SET spec = '{oops'"),
    "an attribute of no JSON": store("(JSONDecodeError", "UPDATE study_user_attributes SET value_json = 'oops'"),
    "an attribute of a trial of no JSON": store(
        "(JSONDecodeError", "UPDATE trial_user_attributes SET value_json = '{'"
    ),
    "a parameter of no kind": store("the tuner did not write", "UPDATE trial_params SET distribution_json = '{}'"),
    "an outcome of no JSON": store("(JSONDecodeError", "UPDATE tuner_outcomes SET outcome = 'gASVCgAAAAAAAAA='"),
    "an outcome that is none": store("the tuner did not write", "UPDATE tuner_outcomes SET outcome = '{\"state\": 1}'"),
    "no outcomes": store("the tuner did not write (LookupError: trial 0 is finished and", "DELETE FROM tuner_outcomes"),
    "curves that are none": store("the tuner did not write (ValueError", "UPDATE tuner_outcomes SET curves = x'00'"),
    "curves that are too short": store(
        "the best epoch of a trial is none of its epochs",
        "UPDATE tuner_outcomes SET outcome = json_set(outcome, '$.best_epoch', 99)",
    ),
    "another application": Case(
        "it belongs to another application, whose tables are notes", (*RUN, "--storage", "sqlite:///other.db")
    ),
    "a study of another tool": Case("'small' is a study of another tool", (*RUN, "--storage", "sqlite:///optuna.db")),
    "of other tools only": Case("there is no study 'small'", (*EXPORT, "--storage", "sqlite:///optuna.db")),
}
