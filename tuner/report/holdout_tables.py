"""The tables of a study's holdout: how good each model is on it, and what it detects."""

from tuner.evaluation.holdout import Holdout, Score
from tuner.report.tables import Table, interval_text, score_text
from tuner.results.captions import explain_holdout
from tuner.results.verdict import brief
from tuner.spec.metric import find_metric


def holdout_table(holdout: Holdout) -> Table:
    """A row per model that could be measured, the shipped one first: its score and how far it is from that one's."""
    metric, shipped = find_metric(holdout.metric), holdout.scores[0]
    rows = [
        (
            name,
            score_text(score.value),
            interval_text(score.interval),
            "" if score is shipped else interval_text(score.difference_interval, "+z.4f"),
        )
        for name, score in _distinct(holdout)
        if score.value is not None
    ]
    return Table(
        title=f"Held-out data: {metric.words}, {metric.direction}",
        heads=("model", metric.words, "95 % interval", "difference to shipped (95 % interval)"),
        rows=tuple(rows),
        notes=(explain_holdout(holdout),),
        marked=None if shipped.value is None else 0,
    )


def _distinct(holdout: Holdout) -> list[tuple[str, Score]]:
    """The models by name, those of one trial together: the same networks."""
    names: dict[int | str, list[str]] = {}
    first: dict[int | str, Score] = {}
    for score in holdout.scores:
        key = score.name if score.trial is None else score.trial
        names.setdefault(key, []).append(score.name)
        first.setdefault(key, score)
    return [(" = ".join(names[key]), score) for key, score in first.items()]


def detection_table(holdout: Holdout) -> Table:
    """A row per model: what it detects on the holdout, at its threshold."""
    rows = []
    for name, score in _distinct(holdout):
        rates = (score.average_precision, score.precision, score.recall, score.f1)
        caught = "" if score.caught is None else str(score.caught)
        rows.append((name, *("" if rate is None else f"{rate:z.3f}" for rate in rates), caught))
    return Table(
        title=f"Held-out data: detection of {holdout.anomalous} anomalous rows in {holdout.events} events "
        f"(base rate {brief(holdout.base_rate)})",
        heads=("model", "average precision", "precision", "recall", "F1", "events caught"),
        rows=tuple(rows),
        marked=0,
    )
