"""`python -m tuner.score`: scores the rows, or the samples, of a data file with a bundle."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

import tuner
from tuner.errors import UserError, listed
from tuner.files import written_whole
from tuner.terminal import execute, new_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from tuner.bundle.scorer import Scorer

app = new_app()


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(metavar="DIR", help="What `tuner export --bundle DIR` wrote.")],
    data: Annotated[Path, typer.Option(metavar="FILE", help="Rows to score, as CSV or Parquet; or samples, as .npz.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Output file: CSV, a line per row or sample.")],
) -> None:
    """Scores new rows: how anomalous each is, whether it is flagged, and what was forecast of it.

    A score of 1 is what one in ten rows reached in cross-validation, 2 one in a hundred, 3 one in a thousand. What
    cannot be scored is left empty: rows without a whole window before them, be it for a gap or a missing value.

    Of a study on samples, the value of each new one, or its class and the probability of each.
    """
    if out.exists() and data.exists() and out.samefile(data):
        raise UserError("the output would overwrite the data file", where="--out", hint="name another file")
    from tuner.bundle.scorer import Scorer  # loads torch

    scorer = tuner.load(bundle)
    rows = scored = flagged = 0
    with written_whole(out) as file:
        file.write(",".join(map(_quoted, scorer.names)) + "\n")
        for part in _scored(scorer, data) if isinstance(scorer, Scorer) else scorer.score_file(data):
            file.write(_lines(part))
            rows += len(part)
            if "flag" in part:
                scored += int(part["score"].count())
                flagged += int((part["flag"] == 1).sum())
    said = f"{rows:,} samples scored"
    if isinstance(scorer, Scorer):
        why = "not clearly better than guessing" if "beats_guessing" in scorer.manifest.scores else "no labels"
        no_flags = f"none flagged ({why}, so no threshold)"
        flags = no_flags if scorer.manifest.threshold is None else f"{flagged:,} flagged"
        said = f"{scored:,} of {rows:,} rows scored, {flags}"
    Console(highlight=False).print(f"{out}: {said}", markup=False)


def _scored(scorer: "Scorer", data: Path) -> "Iterator[pd.DataFrame]":
    """The rows of the file, scored; a refusal says what the bundle expects, as no key of a study file matters here."""
    columns = scorer.manifest.columns
    time = f"{'dates' if columns.dated else 'numbers'} in {listed(columns.time)}, and " if columns.time else ""
    hint = f"as in training, the bundle expects {time}numbers in {listed(columns.features)}"
    if data.suffix == ".npz":
        raise UserError("the bundle scores rows of CSV and Parquet files", where=str(data), hint=hint)
    try:
        yield from scorer.score_file(data)
    except UserError as error:
        if "[data]" not in error.hint:
            raise
        raise UserError(error.what, where=error.where, hint=hint) from None


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _lines(part: "pd.DataFrame") -> str:
    """Scores as lines of CSV; what is missing is left empty."""
    import pyarrow.compute

    cells = []
    for name, column in zip(part, pyarrow.Table.from_pandas(part, preserve_index=False).columns, strict=True):
        cell = (column.cast(pyarrow.int8()) if name == "flag" else column).cast(pyarrow.string())
        if pyarrow.compute.any(pyarrow.compute.match_substring_regex(cell, '[,"\r\n]')).as_py():
            cell = pyarrow.array(text and _quoted(text) for text in cell.to_pylist())
        cells.append(cell)
    lines = pyarrow.compute.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")
    return "\n".join([*lines.to_pylist(), ""])


if __name__ == "__main__":
    execute(app)
