"""Several studies on one page: a table, and figures study against study."""

from collections.abc import Sequence

from tuner.report.comparison import parameters_figure, parameters_info, race_figure, race_info
from tuner.report.figures import Plot
from tuner.report.html import render
from tuner.report.paired import pair_info, pairs_figure, unpaired
from tuner.report.tables import comparison_table, side_by_side_table
from tuner.results.findings import Findings
from tuner.spec.metric import METRICS


def comparison(studies: Sequence[Findings]) -> str:
    """The page of at least two studies; the first one is what the others are measured against."""
    return render(
        "comparison.html",
        comparison_plots(studies),
        names=[findings.spec.study.name for findings in studies],
        remarks=remarks(studies),
        studies=comparison_table(studies),
        parameters=side_by_side_table(studies),
    )


def remarks(studies: Sequence[Findings]) -> list[str]:
    """What cannot be compared and why, and what the fold-paired differences say, as sentences."""
    first, *others = studies
    said = []
    if len(by_metric(studies)) > 1:
        said.append("The metrics differ: values are not comparable, and each metric has figures of its own.")
    for other in others:
        pair = f"{other.spec.study.name} and {first.spec.study.name}"
        if reason := unpaired(other, first):
            said.append(f"{pair} are not compared fold by fold: {reason}.")
        else:
            info = pair_info(other, first)
            said.append(f"{pair}, fold by fold: {info.verdict} ({info.mean:+.4f} ± {info.half:.4f}).")
    return said


def by_metric(studies: Sequence[Findings]) -> dict[str, list[Findings]]:
    """Studies that share an axis."""
    groups: dict[str, list[Findings]] = {}
    for findings in studies:
        groups.setdefault(findings.spec.study.metric, []).append(findings)
    return groups


def comparison_plots(studies: Sequence[Findings]) -> list[Plot]:
    """Every figure that the studies have data for."""
    plots = []
    groups = by_metric(studies)
    for metric, group in groups.items():
        info = race_info(group)
        if any(values for *_, values in info.lines):
            of = f": {METRICS[metric].words}" if len(groups) > 1 else ""
            plots.append(
                Plot(
                    f"race-{metric}",
                    f"Best so far by effort{of}",
                    "What each search had found after so many epochs of training, summed over folds and trials: the "
                    "same work on any machine. Single runs, not the means that the choice was made on.",
                    (race_figure(info),),
                )
            )
    first, *others = studies
    if pairs := [pair_info(other, first) for other in others if not unpaired(other, first)]:
        plots.append(
            Plot(
                "pairs",
                "Fold by fold",
                "The best trials' difference on each of the same folds, and its mean with a 95% interval: where that "
                "holds 0, the studies are not told apart. Folds share training rows, so take it as a guide.",
                (pairs_figure(pairs),),
            )
        )
    if any(findings.summary.best is not None for findings in studies):
        plots.append(
            Plot(
                "parameters",
                "Best configurations side by side",
                "Where each study's best value lies between the least and the greatest that any of them could take "
                "(logarithmic where the search was).",
                (parameters_figure(parameters_info(studies)),),
            )
        )
    return plots
