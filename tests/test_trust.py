"""What is read from files and stores is never run: no pickles, no unsafe loaders, and the code says where it reads."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tuner"

# loaders that run what they read, or can
UNSAFE = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "cloudpickle.load", "cloudpickle.loads", "joblib.load"),
    *("torch.load", "torch.jit.load", "numpy.load", "np.load", "pandas.read_pickle", "pd.read_pickle", "shelve.open"),
    *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "marshal.load", "marshal.loads"),
    *("dill.load", "dill.loads", "eval", "exec", "compile", "__import__", "os.system", "os.popen"),
}
# from our own parent, through a pipe of its own; from our own coordinator, by a scheduler that pickles all it sends;
# our own template, whose values are numbers, checked names and JSON literals
TRUSTED = {
    *(("search/workers.py", "pickle.loads"), ("search/dask.py", "pickle.loads")),
    ("bundle/torch_export.py", "exec"),
}


def calls(tree: ast.AST) -> Iterator[str]:
    """The dotted names of all that is called, under the names that the imports give."""
    whole: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            whole |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if any(ast.unparse(keyword) == "allow_pickle=False" for keyword in node.keywords):
                continue
            name = ast.unparse(node.func)
            yield whole.get(name, name)


def used(names: set[str]) -> set[tuple[str, str]]:
    return {
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in PACKAGE.rglob("*.py")
        for name in calls(ast.parse(path.read_text()))
        if name in names
    }


def test_nothing_is_unpickled_but_what_a_worker_gets_from_its_coordinator() -> None:
    assert used(UNSAFE) == TRUSTED


@pytest.mark.parametrize(
    "code", ["import pickle\npickle.loads(x)", "from torch import load\nload(x)", "eval(x)", "np.load(x)"]
)
def test_such_a_loader_would_be_found(code) -> None:
    assert UNSAFE & set(calls(ast.parse(code)))


def test_durations_and_deadlines_never_read_the_clock_on_the_wall() -> None:
    clocks = {"time.time", "datetime.now", "datetime.datetime.now", "datetime.utcnow", "date.today", "time.localtime"}
    # each says when something was, and nothing is reckoned from it
    assert {path for path, _ in used(clocks)} <= {"storage/lock.py", "storage/store.py", "storage/stored_study.py"}
