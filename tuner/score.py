"""`python -m tuner.score`: scores the rows of a data file with a bundle."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

import tuner
from tuner.errors import UserError, listed
from tuner.files import written_whole
from tuner.terminal import execute, new_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuner.bundle.scorer import Scored, Scorer
    from tuner.data.series import Floats

app = new_app()


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(metavar="DIR", help="What `tuner export --bundle DIR` wrote.")],
    data: Annotated[Path, typer.Option(metavar="FILE", help="The rows to score, as CSV or Parquet.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Output file: CSV, a line per row of the data.")],
) -> None:
    """Scores new rows: how anomalous each is, whether it is flagged, and what was forecast of it.

    A score of 1 is what one in ten rows reached in cross-validation, 2 one in a hundred, 3 one in a thousand. What
    cannot be scored is left empty: rows without a whole window before them, be it for a gap or a missing value.
    """
    if out.exists() and data.exists() and out.samefile(data):
        raise UserError("the output would overwrite the data file", where="--out", hint="name another file")
    scorer = tuner.load(bundle)
    rows = scored = flagged = 0
    with written_whole(out) as file:
        file.write(",".join(["time", *map(_quoted, scorer.names)]) + "\n")
        for part in _scored(scorer, data):
            columns = scorer.columns(part)
            file.write(_lines(part.text, columns))
            rows += len(part.score)
            scored += int((part.score == part.score).sum())
            flagged += int((columns["flag"] == 1).sum())
    why = "not clearly better than guessing" if "beats_guessing" in scorer.manifest.scores else "no labels"
    no_flags = f"none flagged ({why}, so no threshold)"
    flags = no_flags if scorer.manifest.threshold is None else f"{flagged:,} flagged"
    Console(highlight=False).print(f"{out}: {scored:,} of {rows:,} rows scored, {flags}", markup=False)


def _scored(scorer: "Scorer", data: Path) -> "Iterator[Scored]":
    """The rows of the file, scored; a refusal says what the bundle expects, as no key of a study file matters here."""
    try:
        yield from scorer.score_file(data)
    except UserError as error:
        if "[data]" not in error.hint:
            raise
        columns = scorer.manifest.columns
        time = f"{'dates' if columns.dated else 'numbers'} in {listed(columns.time)}, and " if columns.time else ""
        hint = f"as in training, the bundle expects {time}numbers in {listed(columns.features)}"
        raise UserError(error.what, where=error.where, hint=hint) from None


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _lines(time: Any, columns: "dict[str, Floats]") -> str:  # noqa: ANN401 (pyarrow)
    """The rows as lines of CSV; NaN is left empty."""
    import pyarrow.compute

    cells = [time]
    if pyarrow.compute.any(pyarrow.compute.match_substring_regex(time, '[,"\r\n]')).as_py():
        cells = [pyarrow.array(map(_quoted, time.to_pylist()))]
    for name, values in columns.items():
        column = pyarrow.array(values, from_pandas=True)
        cells.append(column.cast(pyarrow.int8() if name == "flag" else column.type).cast(pyarrow.string()))
    lines = pyarrow.compute.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")
    return "\n".join([*lines.to_pylist(), ""])


if __name__ == "__main__":
    execute(app)
