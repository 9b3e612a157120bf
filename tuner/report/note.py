"""The verdict on a study in Markdown, for the note that optuna-dashboard shows with it."""

import re

from tuner.report.tables import Table, configuration_table, scores_table
from tuner.results.advice import advise_after
from tuner.results.findings import Findings
from tuner.results.verdict import recommend


def note(findings: Findings) -> str:
    """What came out, how sure it is, and what to do next. All text is escaped: names come from data and study files."""
    spec, facts, summary = findings.spec, findings.facts, findings.summary
    parts = [f"# {escaped(spec.study.name)}", *map(escaped, recommend(findings))]
    if summary.best is not None:
        warnings = [f"warning: {warning}" for warning in advise_after(spec, summary.best)]
        tables = [_table(scores_table(findings)), _table(configuration_table(findings))]
        parts += [*map(escaped, warnings), *tables, f"`python -m tuner.export --study {spec.study.name}` writes it."]
    counts = f"{summary.complete} complete, {summary.pruned} pruned, {summary.failed} failed"
    forecast = f"; it forecasts {', '.join(facts.targets)}" if facts.targets else ""
    parts += [
        escaped(
            f"{summary.trials} of {spec.study.trials} trials ({counts}) on {facts.rows} rows of {spec.data_paths}."
        ),
        escaped(f"The network sees {', '.join(facts.features)}{forecast}."),
    ]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """The text so that Markdown shows it as it is: a backslash before each mark of punctuation, and one line."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def _table(table: Table) -> str:
    head, *rows = (f"| {' | '.join(map(escaped, line))} |" for line in (table.heads, *table.rows))
    lines = "\n".join((head, f"|{' --- |' * len(table.heads)}", *rows))
    return "\n\n".join((f"**{escaped(table.title)}**", lines, *map(escaped, table.notes)))
