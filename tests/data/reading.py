"""Helpers of the tests of loading: files from text, and what loading says of them."""

from pathlib import Path
from typing import Any

import pytest

from tuner.data.series import Dataset
from tuner.errors import UserError
from tuner.loading.dataset import load_dataset
from tuner.spec.file import read_spec_dict

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="needs the real data files in ../shared/data")


def written(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    """A file in `folder` with these lines; each line is stripped, so that tests can indent them."""
    path = folder / name
    if isinstance(content, str):
        content = "".join(f"{line.strip()}\n" for line in content.strip("\n").splitlines()).encode()
    path.write_bytes(content)
    return path


def read(path: Path | str, *, task: dict[str, Any] | None = None, metric: str = "loss", **data: Any) -> Dataset:
    """The data set of a study on `path` with these keys in [data] and [task]."""
    sections = {"study": {"name": "test", "metric": metric}, "data": {"path": str(path), **data}, "task": task or {}}
    return load_dataset(read_spec_dict(sections))


def refusal(path: Path | str, **keys: Any) -> UserError:
    """What reading `path` is refused with."""
    with pytest.raises(UserError) as caught:
        read(path, **keys)
    return caught.value
