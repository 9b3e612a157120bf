"""`python -m tuner.score`: scores the rows, or the samples, of a data file with a bundle."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

import tuner
from tuner.errors import UserError, listed
from tuner.files import write_whole, written_whole
from tuner.terminal import execute, new_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from tuner.bundle.scorer import Scorer, Watch
    from tuner.loading.chunks import Chunk

app = new_app()


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(metavar="DIR", help="What `tuner export --bundle DIR` wrote.")],
    data: Annotated[Path, typer.Option(metavar="FILE", help="Rows to score, as CSV or Parquet; or samples, as .npz.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Output file: CSV, a line per row or sample.")],
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw rows, too, on a page (HTML).")] = None,
) -> None:
    """Scores new rows: how anomalous each is, whether it is flagged, and what was forecast of it.

    A score of 1 is what one in ten rows reached in cross-validation, 2 one in a hundred, 3 one in a thousand. What
    cannot be scored is left empty: rows without a whole window before them, be it for a gap or a missing value.

    Of a study on samples, the value of each new one, or its class and the probability of each.
    """
    for flag, place in (("--out", out), ("--report", report)):
        if place is not None and place.exists() and data.exists() and place.samefile(data):
            raise UserError("the output would overwrite the data file", where=flag, hint="name another file")
    if report is not None and report.absolute() == out.absolute():
        raise UserError("the page would overwrite the scores", where="--report", hint="name another file")
    from tuner.bundle.scorer import Scorer  # loads torch

    scorer, console = tuner.load(bundle), Console(highlight=False)
    if isinstance(scorer, Scorer):
        _score_rows(scorer, data, out, report, console)
        return
    if report is not None:
        raise UserError("samples have no time to draw them by", where="--report", hint="leave it out")
    count = 0
    with written_whole(out) as file:
        file.write(",".join(map(_quoted, scorer.names)) + "\n")
        for part in scorer.score_file(data):
            file.write(_lines(part))
            count += len(part)
    console.print(f"{out}: {count:,} samples scored", markup=False)


def _score_rows(scorer: "Scorer", data: Path, out: Path, report: Path | None, console: Console) -> None:
    """Writes the scores of rows as they come, and then the page of all."""
    counts, read, kept = scorer.counts(), list["Chunk"](), list["pd.DataFrame"]()

    def watch(chunk: "Chunk") -> None:
        counts.see(chunk)
        if report is not None:
            read.append(chunk)

    with written_whole(out) as file:
        file.write(",".join(map(_quoted, scorer.names)) + "\n")
        for part in _scored(scorer, data, watch):
            file.write(_lines(part))
            counts.count(part)
            if report is not None:
                kept.append(part)
    console.print(f"{out}: {counts}", markup=False, soft_wrap=True)
    for warning in counts.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    if report is not None:
        from tuner.report.scored_rows import score_page  # loads plotly

        write_whole(report, score_page(data.name, scorer.manifest, read, kept, counts))
        console.print(f"report: {report}", markup=False, soft_wrap=True)


def _scored(scorer: "Scorer", data: Path, watch: "Watch") -> "Iterator[pd.DataFrame]":
    """The rows of the file, scored; a refusal says what the bundle expects, as no key of a study file matters here."""
    columns = scorer.manifest.columns
    time = f"{'dates' if columns.dated else 'numbers'} in {listed(columns.time)}, and " if columns.time else ""
    hint = f"as in training, the bundle expects {time}numbers in {listed(columns.features)}"
    if data.suffix == ".npz":
        raise UserError("the bundle scores rows of CSV and Parquet files", where=str(data), hint=hint)
    try:
        yield from scorer.score_file(data, watch)
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
