"""The tuner from Python: the examples of its docstrings, run as they stand."""

import doctest

import pytest

import tuner
from tests.bundles import make_frame, write_bundle
from tests.processes import fresh
from tests.studies import write_small
from tuner.errors import UserError


def run_examples(name: str) -> None:
    """Runs the examples in the docstring of a function of `tuner`; the first that differs fails."""
    (test,) = doctest.DocTestFinder(recurse=False).find(getattr(tuner, name), name, globs={})
    assert len(test.examples) > 2
    doctest.DebugRunner().run(test)


def test_the_example_of_load_runs(here) -> None:
    make_frame(20).to_csv("data.csv", index=False)
    write_bundle(here / "bundle", dated=True)
    run_examples("load")


@pytest.mark.parametrize("name", ["ProximalL1", "check", "regularise"])
def test_the_examples_on_ones_own_network_run(name) -> None:
    run_examples(name)


def test_the_example_of_run_study_runs(here) -> None:
    write_small(here)
    run_examples("run_study")
    assert (here / "studies" / "studies.db").exists()


def test_a_study_is_run_from_its_file_continued_and_stored_where_wanted(here) -> None:
    path = write_small(here)
    store = f"sqlite:///{here}/mine.db"
    first = tuner.run_study(path, trials=1, workers=1, storage=store)
    assert [trial.number for trial in first.trials] == [0]
    again = tuner.run_study(str(path), trials=2, workers=1, storage=store)
    assert again.spec.study.trials == 2
    assert again.trials[0].outcome == first.trials[0].outcome
    assert not (here / "studies").exists()


def test_mistakes_are_user_errors(here) -> None:
    with pytest.raises(UserError, match="there is no bundle"):
        tuner.load("none")
    with pytest.raises(UserError, match="no such study file"):
        tuner.run_study("none.toml")
    with pytest.raises(UserError, match="unknown section"):
        tuner.run_study({"study": {"name": "x"}, "dta": {}})
    with pytest.raises(UserError, match="greater than or equal to 1"):
        tuner.run_study({"study": {"name": "x"}, "data": {"source": "market"}}, trials=0)
    assert list(here.iterdir()) == []


def test_importing_it_is_light(here) -> None:
    done = fresh(
        here, "-c", "import sys, tuner; print(sorted({'torch', 'pandas', 'numpy', 'optuna'} & set(sys.modules)))"
    )
    assert done.wait().out.strip() == "[]"
