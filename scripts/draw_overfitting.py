"""Draws the README's first picture: what a network's losses do without regularisation, and as the study chose it.

Takes the best configuration of a finished study, and the same network with its regularisers at their minimum. Both are
trained on the study's folds, from three seeds each and without early stopping. Drawn: training and validation loss by
epoch, means over folds and seeds.
Run: python scripts/draw_overfitting.py .readme/overfitting.png [STUDY] (it needs Chromium and the extra `test`)
"""

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from playwright.sync_api import sync_playwright
from plotly.subplots import make_subplots

from tuner import run_study
from tuner.report.style import GREEN, VERMILION, styled
from tuner.results.findings import Findings
from tuner.results.selection import Trial
from tuner.search.study import findings
from tuner.spec.space import PARAMETERS, Constant
from tuner.storage.store import Store
from tuner.terminal import DEFAULT_STORAGE

CHROMIUM = "/usr/bin/chromium"
WIDTH, HEIGHT = 900, 380
EPOCHS = 25


def train(study: Findings) -> tuple[Trial, Trial]:
    """The best configuration and its unregularised twin, each from three seeds: trials 1 and 0 of a small study."""
    params = study.chosen("best").trial.params
    space: dict[str, Any] = dict(params)
    for name, parameter in PARAMETERS.items():
        if parameter.regularises and not isinstance(parameter.domain, Constant):
            given = asdict(parameter.domain) | {"default": params[name]}
            space[name] = {key: value for key, value in given.items() if value is not None}
    sections = study.spec.to_dict()
    sections["study"] |= {"name": "overfitting", "trials": 2}
    sections["train"] |= {"max_epochs": EPOCHS, "patience": EPOCHS}
    sections["search"] |= {"pruner": "none", "finalists": 2, "repeats": 2}
    with tempfile.TemporaryDirectory() as folder:
        found = run_study({**sections, "space": space}, storage=f"sqlite:///{folder}/studies.db")
    unregularised, chosen = found.trials
    return unregularised, chosen


def losses(trial: Trial, which: str) -> np.ndarray:
    """Training or validation loss by epoch, mean over folds and seeds."""
    curves = [getattr(fold, which) for outcome in (trial.outcome, *trial.repeats) for fold in outcome.folds]
    mean: np.ndarray = np.mean(curves, axis=0)
    return mean


def draw(unregularised: Trial, chosen: Trial) -> go.Figure:
    titles = ("without regularisation", "regularised as the search chose")
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=titles)
    for column, trial in enumerate((unregularised, chosen), start=1):
        for words, which, colour, dash in (
            ("validation loss", "valid_loss", VERMILION, "solid"),
            ("training loss", "train_loss", GREEN, "dash"),
        ):
            values = losses(trial, which)
            epochs = np.arange(1, len(values) + 1)
            line = {"color": colour, "width": 3, "dash": dash}
            figure.add_scatter(
                x=epochs, y=values, mode="lines", line=line, name=words, showlegend=column == 1, row=1, col=column
            )
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title="loss (lower is better)", rangemode="tozero", col=1)
    return styled(figure, height=HEIGHT)


def main() -> None:
    with Store(DEFAULT_STORAGE, create=False) as store:
        study = findings(store.open(sys.argv[2] if len(sys.argv) > 2 else "anomaly"))
    unregularised, chosen = train(study)
    for trial in (unregularised, chosen):
        print(trial.params)
        print(f"  training {losses(trial, 'train_loss').round(2)}\n  validation {losses(trial, 'valid_loss').round(2)}")
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]).new_page(
            viewport={"width": WIDTH, "height": HEIGHT}
        )
        page.set_content(draw(unregularised, chosen).to_html(config={"displayModeBar": False}))
        page.locator(".plotly-graph-div").screenshot(path=Path(sys.argv[1]))


if __name__ == "__main__":
    main()
