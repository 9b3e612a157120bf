"""`compare` on real small studies: its table, its page, and what it refuses."""

import pytest

from tests.processes import run
from tests.studies import SMALL, write_small


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three studies: two on the same folds, one on others."""
    folder = tmp_path_factory.mktemp("compare")
    write_small(folder, "one")
    (folder / "two.toml").write_text(SMALL.replace("[study]", "[study]\nseed = 1"))
    (folder / "three.toml").write_text(SMALL.replace("folds = 2", "folds = 3"))
    for name in ("one", "two", "three"):
        done = run(folder, "run", "--study", f"{name}.toml", "--workers", 1, "--trials", 3, "--quiet")
        assert done.status == 0, done
    return folder


def test_it_prints_a_table_and_what_the_folds_say(folder) -> None:
    done = run(folder, "compare", "one", "two", "three")
    assert (done.status, done.err) == (0, "")
    assert all(name in done.out for name in ("one", "two", "three", "persistence")) and "epochs of all" in done.out
    flat = " ".join(done.out.split())
    assert "two and one, fold by fold: " in flat
    assert "three and one are not compared fold by fold: their folds differ." in flat


def test_it_writes_a_page(folder) -> None:
    done = run(folder, "compare", "one", "two", "--out", "pages/both.html")
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "Wrote pages/both.html."
    text = (folder / "pages/both.html").read_text()
    assert "<title>one, two compared</title>" in text
    assert "Plotly.newPlot" in text
    done = run(folder, "compare", "one", "two", "--out", "one.toml/page.html")
    assert (done.status, done.out, "cannot be written" in done.err) == (2, "", True)
